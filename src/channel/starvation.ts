/** When to try again though no channel of ours has given frames back: the kernel may have, µs. */
const RETRY = 1000;
/** Frames that one may take when its turn has come, at most. */
const HELPING = 8;

/** What a channel waits for. */
export const Hunger = {
  /** It does not wait, and is not in the line. */
  none: 0,
  /** For one of its first few frames: whoever else wants one has to wait behind it. */
  first: 1,
  /** For more, of which others may have some, too. */
  more: 2,
  /** It does not wait any more; its place in the line is passed over, unless it waits again. */
  left: 3,
} as const;
export type HungerKind = (typeof Hunger)[keyof typeof Hunger];

/** Who waits, as the line has it. */
export interface Guest {
  waits: HungerKind;
}

/** What the channels of one NIC know of those who wait. */
export interface FrameWatch {
  /** Frames were given back: who found none may try again. */
  freed: boolean;
  /** So many wait for one of their first few frames: who has not waited leaves the next ones to them. */
  readonly starving: number;
}

/**
 * Those who found no transmit frame, in the order in which they came. No more are called than there are frames: what a turn costs does not
 * depend on how many wait. And nobody else may take these frames meanwhile: or those who get their own back, by an acknowledgement,
 * would take them again before the first in the line has its turn, for ever.
 */
export class Starvation<T extends Guest> implements FrameWatch {
  freed = false;
  starving = 0;
  readonly #line: (T | undefined)[] = [];
  /** Where the line begins. */
  #first = 0;
  #waiting = 0;
  /** A cell, as all times that are read in each turn. */
  readonly #retryAt = new Float64Array([Infinity]);

  get retryAt(): number {
    return this.#retryAt[0];
  }

  /** Somebody waits, and frames came back. */
  get isDue(): boolean {
    return this.freed && this.#waiting > 0;
  }

  /** At the end of the line; who is in it keeps its place. */
  add(who: T, hunger: HungerKind, now: number): void {
    if (who.waits === Hunger.none) this.#line.push(who);
    this.#become(who, hunger);
    if (this.#retryAt[0] === Infinity) this.#retryAt[0] = now + RETRY;
  }

  /** It has what it wanted, or wants it no more. */
  leave(who: T): void {
    if (who.waits === Hunger.none) return;
    this.#become(who, Hunger.left);
    if (this.#waiting === 0) this.#clear();
  }

  #become(guest: T, hunger: HungerKind): void {
    this.#waiting += Number(isHungry(hunger)) - Number(isHungry(guest.waits));
    this.starving += Number(hunger === Hunger.first) - Number(guest.waits === Hunger.first);
    guest.waits = hunger;
  }

  /** Nobody waits: those who have left are forgotten. */
  #clear(): void {
    for (const guest of this.#line) if (guest !== undefined) guest.waits = Hunger.none;
    this.#line.length = this.#first = 0;
    this.#retryAt[0] = Infinity;
  }

  /**
   * Calls those whose turn it is, each with how many frames it may take before others.
   * @param frames that there are now
   */
  serve(frames: number, now: number, call: (who: T, helping: number) => void): void {
    this.freed = false;
    const helping = Math.min(Math.max(1, Math.floor(frames / Math.max(this.#waiting, 1))), HELPING);
    // Those who wait for more than a few frames hold nobody up, but are not all asked for the sake of one frame.
    let [left, asked] = [frames, frames];
    while (left > 0 && asked > 0 && this.#waiting > 0) {
      const who = this.#shift()!;
      if (who.waits === Hunger.first) left -= helping;
      else asked--;
      this.#become(who, Hunger.none);
      call(who, helping);
    }
    if (this.#waiting === 0) this.#clear();
    else this.#retryAt[0] = now + RETRY;
  }

  /** The first who waits. */
  #shift(): T | undefined {
    const line = this.#line;
    while (this.#first < line.length) {
      const who = line[this.#first]!;
      line[this.#first++] = undefined;
      // An array is shifted as a whole, so seldom.
      if (this.#first > 64 && this.#first > line.length >> 1) this.#first -= line.splice(0, this.#first).length;
      if (who.waits !== Hunger.left) return who;
      who.waits = Hunger.none;
    }
    return undefined;
  }
}

function isHungry(hunger: HungerKind): boolean {
  return hunger === Hunger.first || hunger === Hunger.more;
}
