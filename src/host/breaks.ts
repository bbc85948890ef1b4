import type { Clock } from '../channel/link.js';

/** The event loop waits so long at most for all its hosts, µs: then it turns, so that timers and promises of the process go on. */
const SLICE = 300;
/** Who takes messages looks at the clock once in so many times; who sends has it set. */
const LOOKS = 8;

/** The hosts of one event loop that are awake: they share its time, as each runs once while it turns. */
export interface Awake {
  count: number;
}

/**
 * When the event loop has to turn. Polling is not all that keeps it waiting: a promise that is settled goes on before the event loop does, and
 * if what it does next settles another one (`for (;;) await channel.write(...)`), that never ends.
 */
export class Breaks {
  readonly #clock: Clock;
  readonly #awake: Awake;
  readonly #end = new Float64Array(1);
  #looks = 0;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock, awake: Awake) {
    this.#clock = clock;
    this.#awake = awake;
  }

  /** The host takes a share of the event loop from now on. */
  join(): void {
    this.#awake.count++;
  }

  /** It sleeps, or has ended. */
  leave(): void {
    this.#awake.count--;
  }

  /** The event loop has turned, and the clock is set. True: somebody waited for it, and goes on by a promise. */
  begin(): boolean {
    this.#end[0] = this.#clock.cell[0] + SLICE / Math.max(1, this.#awake.count);
    return this.release();
  }

  /** The event loop has waited long enough, by the clock as it is set. */
  get isDue(): boolean {
    return this.#clock.cell[0] >= this.#end[0];
  }

  /** For who goes on by promises without a call that sets the clock: it is looked at now and then. */
  look(): void {
    if (++this.#looks % LOOKS === 0) this.#clock.read();
  }

  /** What who goes on by promises has to wait for first, if anything. */
  rest(): Promise<void> | undefined {
    return this.isDue ? new Promise((resolve) => this.#waiting.push(resolve)) : undefined;
  }

  /** Somebody waits for the event loop to turn. */
  get areWaitedFor(): boolean {
    return this.#waiting.length > 0;
  }

  /** Nobody waits any more. True: somebody did. */
  release(): boolean {
    const waiting = this.#waiting;
    if (waiting.length === 0) return false;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
    return true;
  }
}
