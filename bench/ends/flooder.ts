import type { Channel } from '../../src/index.js';
import { MonotonicClock } from '../../src/host/clock.js';
import { Mark, type Limit, type Outcome, type TaskOptions } from './commands.js';
import { Outbox } from './outbox.js';
import type { SinkReport } from './sink.js';
import type { Task } from './task.js';

/** Messages between two looks at the clock, when a time limits the run; of long messages one. */
const STRIDE = 128;

const Phase = { idle: 0, warmup: 1, measured: 2, over: 3 } as const;

/** The sending end of a flood: messages as fast as the channel takes them. The sink counts, and tells at the end. */
export class Flooder implements Task {
  readonly turn = undefined;
  done = false;
  onDone: (() => void) | undefined = undefined;

  readonly #outbox: Outbox;
  readonly #clock = new MonotonicClock();
  /** When the phase ends, µs. */
  readonly #until = new Float64Array(1);
  #limit: Limit | undefined;
  #phase: number = Phase.idle;
  #left = 0;
  #number = 0;
  #report: SinkReport | undefined;

  constructor(channel: Channel, { size, verify }: Extract<TaskOptions, { kind: 'flood' }>) {
    this.#outbox = new Outbox(channel, size, verify);
    channel.onMessage = (bytes, at, length) => this.#told(bytes.slice(at, at + length));
    channel.onWritable = () => this.#fill();
  }

  get progress(): number {
    return this.#number;
  }

  start(limit: Limit): void {
    this.#limit = limit;
    this.done = false;
    this.#begin(Phase.warmup, limit.warmup);
    this.#fill();
  }

  outcome(): Outcome {
    return { ...this.#report!, samples: new Float64Array(0) };
  }

  #begin(phase: number, length: number): void {
    this.#phase = phase;
    if (this.#limit!.unit === 'messages') {
      this.#left = Math.max(1, length);
      return;
    }
    this.#clock.read();
    this.#until[0] = this.#clock.cell[0] + length;
    this.#left = this.#stride();
  }

  #stride(): number {
    return this.#outbox.long ? 1 : STRIDE;
  }

  // ---- the hot path: allocates nothing ----

  #fill(): void {
    while (this.#phase === Phase.warmup || this.#phase === Phase.measured) {
      const mark = this.#left === 1 ? this.#mark() : Mark.none;
      if (!this.#outbox.send(this.#number, mark)) return;
      this.#number += 1;
      if (--this.#left === 0) this.#advance(mark);
    }
  }

  /** The mark of the next message: the phase is over if it has one. */
  #mark(): number {
    if (this.#limit!.unit === 'us') {
      this.#clock.read();
      if (this.#clock.cell[0] < this.#until[0]) return Mark.none;
    }
    return this.#phase === Phase.warmup ? Mark.start : Mark.end;
  }

  /** That message was taken. */
  #advance(mark: number): void {
    if (mark === Mark.none) this.#left = this.#stride();
    else if (mark === Mark.start) this.#begin(Phase.measured, this.#limit!.measured);
    else this.#phase = Phase.over;
  }

  // ----

  #told(report: Uint8Array): void {
    this.#report = JSON.parse(new TextDecoder().decode(report)) as SinkReport;
    this.done = true;
    this.onDone?.();
  }
}
