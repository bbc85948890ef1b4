/** So many at once, and so many more as time goes by: bounds what a flood of frames can make us answer. */
export class TokenBucket {
  readonly #burst: number;
  readonly #rate: number;
  #tokens: number;
  #filledAt = 0;

  /** @param rate tokens in a µs */
  constructor(burst: number, rate: number) {
    this.#burst = this.#tokens = burst;
    this.#rate = rate;
  }

  take(now: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#rate);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
