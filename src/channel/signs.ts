import { Time } from './link.js';

/** A silent peer counts as gone only after this many unanswered attempts: our own sleep is not its silence. */
const ATTEMPTS_BEFORE_DEAD = 3;

/** Signs of life of a peer: when it was heard, and how often it was asked since. */
export class Signs {
  /** Attempts in a row that nothing has answered. */
  attempts = 0;
  readonly #times: Float64Array;
  readonly #now: Float64Array;
  /** In this turn. */
  #isFresh = false;

  /** @param times of the link; @param now the clock's cell, µs */
  constructor(times: Float64Array, now: Float64Array) {
    this.#times = times;
    this.#now = now;
    times[Time.heard] = now[0];
  }

  /** While frames are digested the clock is that of the turn before: `settle` writes down when it really was. */
  heard(): void {
    this.#times[Time.heard] = this.#now[0];
    this.#isFresh = true;
    this.attempts = 0;
  }

  settle(): void {
    if (!this.#isFresh) return;
    this.#isFresh = false;
    this.#times[Time.heard] = this.#now[0];
  }

  /** So many µs of silence, and enough attempts to break it, are its end. */
  isDead(silence: number): boolean {
    return this.attempts >= ATTEMPTS_BEFORE_DEAD && this.#now[0] - this.#times[Time.heard] >= silence;
  }
}
