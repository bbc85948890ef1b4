import type { FrameWatch } from './link.js';

/** When to try again though no channel of ours has given frames back: the kernel may have, µs. */
const RETRY = 1000;
/** How many try then. */
const SOME = 64;
/** Frames that one may take when its turn has come, at most. */
const HELPING = 8;

/** What a channel waits for, if it does. */
export const Hunger = {
  none: 0,
  /** For one of its first few frames: whoever else wants one has to wait behind it. */
  first: 1,
  /** For more, of which others may have some, too. */
  more: 2,
} as const;
export type HungerKind = (typeof Hunger)[keyof typeof Hunger];

/** Who waits, as the line has it. */
export interface Guest {
  waits: HungerKind;
}

/**
 * Those who found no transmit frame, in the order in which they came. As many are asked as frames came back: what a turn costs does not
 * depend on how many wait. And nobody else may take these frames meanwhile: or those who get their own back, by an acknowledgement,
 * would take them again before the first in the line has its turn, for ever.
 */
export class Starvation<T extends Guest> implements FrameWatch {
  freed = 0;
  hungry = false;
  readonly #line: (T | undefined)[] = [];
  /** Where the line begins. */
  #first = 0;
  /** Those who wait, and those of them who wait for a first frame. */
  #waiting = 0;
  #starving = 0;
  /** A cell, as all times that are read in each turn. */
  readonly #retryAt = new Float64Array([Infinity]);

  get retryAt(): number {
    return this.#retryAt[0];
  }

  /** At the end of the line; who is in it keeps its place. */
  add(who: T, hunger: HungerKind, now: number): void {
    if (who.waits === Hunger.none) this.#line.push(who);
    this.#become(who, hunger);
    if (this.#retryAt[0] === Infinity) this.#retryAt[0] = now + RETRY;
  }

  /** It leaves, for good: its place in the line is passed over. */
  delete(who: T): void {
    this.#become(who, Hunger.none);
  }

  #become(guest: Guest, hunger: HungerKind): void {
    this.#waiting += Number(hunger !== Hunger.none) - Number(guest.waits !== Hunger.none);
    this.#starving += Number(hunger === Hunger.first) - Number(guest.waits === Hunger.first);
    guest.waits = hunger;
    this.hungry = this.#starving > 0;
  }

  /** Whether somebody's turn has come: frames came back. Those that nobody waited for are forgotten. */
  get served(): boolean {
    if (this.#waiting > 0) return this.freed > 0;
    this.freed = 0;
    return false;
  }

  /**
   * Calls those whose turn it is, with how many frames each may take before others.
   * @param now µs; 0: frames came back. Else it is time to try again
   */
  serve(now: number, call: (who: T, helping: number) => void): void {
    const frames = now > 0 ? SOME : this.freed;
    this.freed = 0;
    const helping = Math.min(Math.max(1, Math.floor(frames / this.#waiting)), HELPING);
    // Each once; those who wait for more than a few frames are asked besides.
    let rest = this.#waiting;
    for (let left = frames; left > 0 && rest > 0; rest--) {
      const who = this.#shift();
      if (who === undefined) break;
      if (who.waits === Hunger.first) left -= helping;
      this.#become(who, Hunger.none);
      call(who, helping);
    }
    this.#retryAt[0] = this.#waiting === 0 ? Infinity : now > 0 ? now + RETRY : this.#retryAt[0];
  }

  /** The first who waits. */
  #shift(): T | undefined {
    const line = this.#line;
    while (this.#first < line.length) {
      const who = line[this.#first]!;
      line[this.#first++] = undefined;
      // An array is shifted as a whole, so seldom.
      if (this.#first > line.length >> 1) this.#first -= line.splice(0, this.#first).length;
      if (who.waits !== Hunger.none) return who;
    }
    return undefined;
  }
}
