import type { Channel } from '../../src/index.js';
import { MonotonicClock } from '../../src/host/clock.js';
import { Tally, type Losses } from '../pingpong/tally.js';
import { Mark } from './commands.js';
import { MessageReader } from './message.js';

/** What the sink tells the sender, as JSON, after the mark of the end. */
export interface SinkReport extends Losses {
  count: number;
  bytes: number;
  elapsed: number;
}

const MOST = 2 ** 32;

/**
 * The receiving end of a flood: counts the messages between two marks and looks at each: is it the next one, is it whole? The time is taken
 * here, when the marks arrive, so what is counted has been delivered.
 */
export class Sink {
  readonly #tally = new Tally(MOST);
  readonly #reader: MessageReader;
  readonly #clock = new MonotonicClock();
  readonly #started = new Float64Array(1);
  #count = 0;
  #bytes = 0;

  /** Takes what comes over `channel`. `verify`: the sender has written every byte by its number. `onWarm` is called after the warm-up. */
  constructor(
    private readonly channel: Channel,
    verify: boolean,
    private readonly onWarm: () => void,
  ) {
    this.#reader = new MessageReader(channel.bytes, verify);
    channel.onMessage = (bytes, at, length, type) => this.#take(bytes, at, length, type);
  }

  #take(bytes: Uint8Array, at: number, length: number, type: number): void {
    const tally = this.#tally;
    const number = this.#reader.number(bytes, at, length, tally.expected);
    tally.see(number, this.#reader.isWhole(bytes, at, length, number));
    this.#count += 1;
    this.#bytes += length;
    if (type !== Mark.none) this.#mark(type);
  }

  #mark(type: number): void {
    this.#clock.read();
    if (type === Mark.end) return this.#report(this.#clock.cell[0] - this.#started[0]);
    this.#started[0] = this.#clock.cell[0];
    this.#count = this.#bytes = 0;
    this.onWarm();
  }

  #report(elapsed: number): void {
    const losses = this.#tally.losses(this.#tally.expected);
    const report: SinkReport = { count: this.#count, bytes: this.#bytes, elapsed, ...losses };
    void this.channel.write(new TextEncoder().encode(JSON.stringify(report))).catch(() => undefined);
  }
}
