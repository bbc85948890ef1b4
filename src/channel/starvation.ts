import type { FrameWatch } from './link.js';

/** When to try again though no channel of ours has given frames back: the kernel may have, µs. */
const RETRY = 1000;

/** Those who found no transmit frame. They are not asked every turn, but when frames came back, or after a while. */
export class Starvation<T> implements FrameWatch {
  freed = false;
  readonly #waiting = new Set<T>();
  /** A cell, as all times that are read in each turn. */
  readonly #retryAt = new Float64Array([Infinity]);

  get retryAt(): number {
    return this.#retryAt[0];
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  add(who: T, now: number): void {
    this.#waiting.add(who);
    if (this.#retryAt[0] === Infinity) this.#retryAt[0] = now + RETRY;
  }

  delete(who: T): void {
    this.#waiting.delete(who);
  }

  /** In the order in which they came. */
  takeAll(): T[] {
    const all = [...this.#waiting];
    this.#waiting.clear();
    this.#retryAt[0] = Infinity;
    return all;
  }
}
