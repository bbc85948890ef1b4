import type { FrameWatch } from './link.js';

/** When to try again though no channel of ours has given frames back: the kernel may have, µs. */
const RETRY = 1000;

/** Those who found no transmit frame. They are not asked every turn, but when frames came back, or after a while. */
export class Starvation<T> implements FrameWatch {
  freed = false;
  /** Somebody waits. A field of its own: it is looked at in each turn. */
  hungry = false;
  readonly #waiting = new Set<T>();
  /** A cell, as all times that are read in each turn. */
  readonly #retryAt = new Float64Array([Infinity]);

  get retryAt(): number {
    return this.#retryAt[0];
  }

  add(who: T, now: number): void {
    this.#waiting.add(who);
    this.hungry = true;
    if (this.#retryAt[0] === Infinity) this.#retryAt[0] = now + RETRY;
  }

  delete(who: T): void {
    if (this.#waiting.delete(who)) this.hungry = this.#waiting.size > 0;
  }

  /** In the order in which they came. */
  takeAll(): T[] {
    const all = [...this.#waiting];
    this.#waiting.clear();
    this.hungry = false;
    this.#retryAt[0] = Infinity;
    return all;
  }
}
