import type { Channel } from '../../src/index.js';
import { MonotonicClock } from '../../src/host/clock.js';
import { Tally } from '../pingpong/tally.js';
import { Mark, type Limit, type Outcome, type TaskOptions } from './commands.js';
import { MessageReader } from './message.js';
import { Outbox } from './outbox.js';
import type { Task } from './task.js';

/**
 * An open loop: request i is due at i / rate, whether or not earlier ones have been answered, and its time counts from then. What the
 * channel does not take in time is sent later, and has waited: a stall shows in all that was due during it.
 */
export class Loader implements Task {
  done = false;
  onDone: (() => void) | undefined = undefined;
  /** Whoever spins calls this. */
  readonly turn = (): void => this.#turn();

  readonly #outbox: Outbox;
  readonly #size: number;
  readonly #rate: number;
  readonly #reader: MessageReader;
  readonly #clock = new MonotonicClock();
  /** µs: when request 0 was due, when the last one is, between two, the latest answer. */
  readonly #times = new Float64Array(4);
  #tally = new Tally(0);
  #samples = new Float64Array(0);
  /** Requests there are, those that warm up, those sent, those answered. */
  #total = 0;
  #warmup = 0;
  #sent = 0;
  #answered = 0;
  #over = false;

  constructor(channel: Channel, { size, verify, rate }: Extract<TaskOptions, { kind: 'load' }>) {
    this.#outbox = new Outbox(channel, size, verify);
    this.#size = size;
    this.#rate = rate;
    this.#reader = new MessageReader(channel.bytes, verify);
    channel.onMessage = (bytes, at, length) => this.#take(bytes, at, length);
  }

  get progress(): number {
    return this.#sent + this.#answered;
  }

  start({ unit, warmup, measured }: Limit): void {
    const count = (length: number): number => Math.ceil(unit === 'messages' ? length : (length * this.#rate) / 1e6);
    this.#warmup = count(warmup);
    this.#total = this.#warmup + Math.max(1, count(measured));
    this.#sent = this.#answered = 0;
    this.#over = this.done = false;
    this.#tally = new Tally(this.#total);
    this.#samples = new Float64Array(this.#total - this.#warmup);
    this.#clock.read();
    const gap = 1e6 / this.#rate;
    this.#times.set([this.#clock.cell[0], this.#clock.cell[0] + this.#total * gap, gap, 0]);
  }

  outcome(): Outcome {
    const [start, end, gap, latest] = this.#times;
    const unsent = this.#total - Math.max(this.#sent, this.#warmup);
    const count = this.#samples.length - unsent;
    return {
      count,
      bytes: count * this.#size,
      elapsed: Math.max(end, latest) - (start + this.#warmup * gap),
      samples: this.#samples,
      unsent,
      ...this.#tally.losses(this.#sent),
    };
  }

  // ---- the hot path: allocates nothing ----

  #turn(): void {
    if (this.#over) return;
    const times = this.#times;
    this.#clock.read();
    const now = this.#clock.cell[0];
    while (this.#sent < this.#total && times[0] + this.#sent * times[2] <= now) {
      if (!this.#outbox.send(this.#sent, Mark.none)) break;
      this.#sent += 1;
    }
    if (now >= times[1] || this.#sent === this.#total) this.#end();
  }

  #take(bytes: Uint8Array, at: number, length: number): void {
    const times = this.#times;
    this.#clock.read();
    times[3] = this.#clock.cell[0];
    const number = this.#reader.number(bytes, at, length, 0);
    this.#tally.see(number, length === this.#size && this.#reader.isWhole(bytes, at, length, number));
    if (number >= this.#warmup) this.#samples[number - this.#warmup] = times[3] - (times[0] + number * times[2]);
    this.#answered += 1;
    if (this.#over) this.#check();
  }

  // ----

  /** No more is sent. What was due and is unsent has waited until now. */
  #end(): void {
    this.#over = true;
    const [start, , gap] = this.#times;
    for (let number = Math.max(this.#sent, this.#warmup); number < this.#total; number += 1) {
      this.#samples[number - this.#warmup] = this.#clock.cell[0] - (start + number * gap);
    }
    this.#check();
  }

  #check(): void {
    if (this.#answered < this.#sent) return;
    this.done = true;
    this.onDone?.();
  }
}
