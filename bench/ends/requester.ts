import type { Channel } from '../../src/index.js';
import { MonotonicClock } from '../../src/host/clock.js';
import { Mark, type Limit, type Outcome, type TaskOptions } from './commands.js';
import { MessageReader } from './message.js';
import { Outbox } from './outbox.js';
import type { Task } from './task.js';

/** Of a run that is limited by time: a round trip takes a microsecond, at least. */
const MOST_SAMPLES = 1 << 24;
/** Numbers of requests have 32 bits. */
const NUMBERS = 2 ** 32;
const NEVER = -1;

const Phase = { idle: 0, warmup: 1, measured: 2, over: 3 } as const;

/**
 * A closed loop: so many requests are outstanding; each answer is followed by the next request, over a channel taken by chance. Each of the
 * outstanding ones is a lane; a request's number says of which lane it is (the remainder), and which of that lane's.
 */
export class Requester implements Task {
  readonly turn = undefined;
  done = false;
  onDone: (() => void) | undefined = undefined;

  readonly #outboxes: readonly Outbox[];
  readonly #size: number;
  readonly #lanes: number;
  /** One request in so many (a power of two, less one) is timed: reading the clock twice for each would be most of its cost. */
  readonly #untimed: number;
  readonly #reader: MessageReader;
  readonly #clock = new MonotonicClock();
  /** Of each lane: the number that is awaited, and when it was asked, µs (0: it is not timed). */
  readonly #awaited: Float64Array;
  readonly #asked: Float64Array;
  /** Lanes that found no room, by channel. */
  readonly #waiting: readonly number[][];
  #limit!: Limit;
  #phase: number = Phase.idle;
  #random: number;
  #requests = 0;
  #answers = 0;
  #outstanding = 0;
  /** The answer with which the phase is over, when they are counted. */
  #last = NEVER;
  /** When the phase began, and when it is over, µs. */
  readonly #times = new Float64Array(2);
  #samples = new Float64Array(0);
  #sampled = 0;
  #doubled = 0;
  #corrupted = 0;
  #outcome: Outcome | undefined;

  constructor(channels: readonly Channel[], options: Extract<TaskOptions, { kind: 'requests' }>) {
    const { size, outstanding, verify, timed, seed } = options;
    this.#outboxes = channels.map((channel) => new Outbox(channel, size, verify));
    this.#size = size;
    this.#lanes = outstanding;
    this.#untimed = timed - 1;
    this.#random = seed | 1;
    this.#reader = new MessageReader(channels[0].bytes, verify);
    this.#awaited = Float64Array.from({ length: outstanding }, (_, lane) => lane);
    this.#asked = new Float64Array(outstanding);
    this.#waiting = channels.map(() => []);
    channels.forEach((channel, index) => {
      channel.onMessage = (bytes, at, length) => this.#take(bytes, at, length);
      channel.onWritable = () => this.#goOn(index);
    });
  }

  get progress(): number {
    return this.#answers;
  }

  start(limit: Limit): void {
    const { unit, measured } = limit;
    this.#limit = limit;
    this.done = false;
    this.#sampled = 0;
    const most = unit === 'messages' ? Math.ceil(measured / (this.#untimed + 1)) + this.#lanes : measured;
    this.#samples = new Float64Array(Math.min(Math.ceil(most), MOST_SAMPLES));
    this.#begin(Phase.warmup, Math.max(1, limit.warmup));
    for (let lane = 0; lane < this.#lanes; lane += 1) this.#ask(lane);
  }

  outcome(): Outcome {
    return this.#outcome!;
  }

  /** The clock has been read. */
  #begin(phase: number, length: number): void {
    this.#phase = phase;
    this.#clock.read();
    this.#times[0] = this.#clock.cell[0];
    if (this.#limit.unit === 'messages') this.#last = this.#answers + length;
    else this.#times[1] = this.#times[0] + length;
  }

  // ---- the hot path: allocates nothing ----

  #ask(lane: number): void {
    if ((this.#requests & this.#untimed) === 0) {
      this.#clock.read();
      this.#asked[lane] = this.#clock.cell[0];
    } else {
      this.#asked[lane] = 0;
    }
    this.#requests = (this.#requests + 1) | 0;
    this.#outstanding += 1;
    const index = this.#outboxes.length === 1 ? 0 : this.#choose();
    if (!this.#send(index, lane)) this.#waiting[index].push(lane);
  }

  #choose(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return (x >>> 0) % this.#outboxes.length;
  }

  #send(index: number, lane: number): boolean {
    return this.#outboxes[index].send(this.#awaited[lane], Mark.none);
  }

  #take(bytes: Uint8Array, at: number, length: number): void {
    const number = this.#reader.number(bytes, at, length, 0);
    const lane = number % this.#lanes;
    if (number !== this.#awaited[lane] || length !== this.#size || !this.#reader.isWhole(bytes, at, length, number)) {
      return this.#odd(number, lane);
    }
    const next = number + this.#lanes;
    this.#awaited[lane] = next < NUMBERS ? next : lane;
    this.#answers += 1;
    this.#outstanding -= 1;
    if (this.#asked[lane] !== 0) this.#sample(lane);
    if (this.#answers === this.#last) this.#end();
    if (this.#phase !== Phase.over) this.#ask(lane);
    else if (this.#outstanding === 0) this.#finish();
  }

  #sample(lane: number): void {
    this.#clock.read();
    const now = this.#clock.cell[0];
    if (this.#phase === Phase.measured && this.#asked[lane] >= this.#times[0] && this.#sampled < this.#samples.length) {
      this.#samples[this.#sampled] = now - this.#asked[lane];
      this.#sampled += 1;
    }
    if (this.#limit.unit === 'us' && this.#phase !== Phase.over && now >= this.#times[1]) this.#end();
  }

  #goOn(index: number): void {
    const waiting = this.#waiting[index];
    while (waiting.length > 0) {
      if (!this.#send(index, waiting[waiting.length - 1])) return;
      waiting.pop();
    }
  }

  // ----

  #counted = 0;

  /** The phase is over: the next one, or no more requests. */
  #end(): void {
    if (this.#phase === Phase.warmup) {
      this.#begin(Phase.measured, this.#limit.measured);
      this.#counted = this.#answers;
      return;
    }
    this.#phase = Phase.over;
    this.#last = NEVER;
    this.#clock.read();
    const count = this.#answers - this.#counted;
    this.#outcome = {
      count,
      bytes: count * this.#size,
      elapsed: this.#clock.cell[0] - this.#times[0],
      samples: this.#samples.slice(0, this.#sampled),
      lost: 0,
      doubled: this.#doubled,
      reordered: 0,
      corrupted: this.#corrupted,
    };
  }

  #finish(): void {
    this.done = true;
    this.onDone?.();
  }

  #odd(number: number, lane: number): void {
    if (number < this.#awaited[lane]) this.#doubled += 1;
    else this.#corrupted += 1;
  }
}
