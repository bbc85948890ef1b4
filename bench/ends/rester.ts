import type { Channel } from '../../src/index.js';
import { MonotonicClock } from '../../src/host/clock.js';
import { NO_LOSSES } from '../pingpong/tally.js';
import type { Limit, Outcome } from './commands.js';
import type { Task } from './task.js';

/** Does nothing for a while: what an open channel costs that nobody uses. */
export class Rester implements Task {
  done = false;
  onDone: (() => void) | undefined = undefined;
  /** Whoever spins calls this; no timer would run. */
  readonly turn = (): void => this.#look();
  readonly #clock = new MonotonicClock();
  #started = 0;
  #length = 0;
  #elapsed = 0;

  constructor(channel: Channel) {
    channel.onMessage = () => undefined;
  }

  /** It stands still, and that is no failure. */
  get progress(): number {
    return performance.now();
  }

  start({ warmup, measured }: Limit): void {
    this.done = false;
    this.#clock.read();
    this.#started = this.#clock.now;
    this.#length = warmup + measured;
    setTimeout(() => this.#look(), this.#length / 1000 + 1);
  }

  outcome(): Outcome {
    return { count: 0, bytes: 0, elapsed: this.#elapsed, samples: new Float64Array(0), ...NO_LOSSES };
  }

  #look(): void {
    this.#clock.read();
    this.#elapsed = this.#clock.now - this.#started;
    if (this.done || this.#elapsed < this.#length) return;
    this.done = true;
    this.onDone?.();
  }
}
