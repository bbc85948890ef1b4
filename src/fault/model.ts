import { Chance } from './chance.js';
import type { Delay, Faults, Likely } from './faults.js';

const BURST_LENGTH = 8;
const REORDER_BY: Delay = [20, 500];
/** Old frames that are kept for `replay`. */
export const REMEMBERED = 64;

/** What has become of frames so far. */
export interface FaultCounts {
  frames: number;
  dropped: number;
  duplicated: number;
  /** Held back at all, by `delay` or `reorder`. */
  delayed: number;
  reordered: number;
  corrupted: number;
  truncated: number;
  replayed: number;
}

/** Of several wires together. */
export function addCounts(sum: FaultCounts | undefined, counts: FaultCounts): FaultCounts {
  if (sum === undefined) return { ...counts };
  const names = Object.keys(counts) as (keyof FaultCounts)[];
  return Object.fromEntries(names.map((name) => [name, sum[name] + counts[name]])) as unknown as FaultCounts;
}

/**
 * Decides the fate of one frame after another, by chance and a seed alone. `next` sets the fields, which say what becomes of that frame; who
 * moves frames does it. Nothing is allocated but for what is kept to replay.
 *
 * @typeParam Old - what is kept of a frame, to replay it
 */
export class FaultModel<Old = Uint8Array> {
  /** The frame does not arrive. */
  lost = false;
  /** It takes so long, µs. */
  delay = 0;
  /** A second one arrives after so long, µs; -1: none. */
  again = -1;
  corrupt = false;
  truncate = false;
  pad = false;
  replay = false;

  readonly count: FaultCounts = {
    frames: 0,
    dropped: 0,
    duplicated: 0,
    delayed: 0,
    reordered: 0,
    corrupted: 0,
    truncated: 0,
    replayed: 0,
  };
  chance: Chance;

  #faults: Faults;
  readonly #old: Old[] = [];
  #burstLeft = 0;

  constructor(faults: Faults, chance = new Chance(faults.seed ?? 1)) {
    this.#faults = faults;
    this.chance = chance;
  }

  /** Other faults from now on; what was counted stays. */
  reset(faults: Faults, chance: Chance): void {
    this.#faults = faults;
    this.chance = chance;
    this.#burstLeft = 0;
  }

  /** @param now µs since the wire began */
  next(now: number): void {
    const { count } = this;
    this.again = -1;
    this.corrupt = this.truncate = this.pad = false;
    this.delay = this.#time(this.#faults.delay);
    const faults = this.#faults;
    count.frames++;
    this.lost = this.#isLost(now);
    this.replay = this.#old.length > 0 && this.#happens(faults.replay, now);
    if (this.replay) count.replayed++;
    if (this.lost) {
      count.dropped++;
      return;
    }
    this.again = this.#happens(faults.duplicate, now) ? this.#time(faults.delay) : -1;
    if (this.again >= 0) count.duplicated++;
    if (this.#happens(faults.reorder, now)) {
      count.reordered++;
      this.delay += this.#time(faults.reorderBy ?? REORDER_BY);
    }
    if (this.delay > 0) count.delayed++;
    this.corrupt = this.#happens(faults.corrupt, now);
    if (this.corrupt) count.corrupted++;
    this.truncate = this.#happens(faults.truncate, now);
    if (this.truncate) count.truncated++;
    this.pad = this.#happens(faults.pad, now);
  }

  /** Whether frames have to be remembered. */
  get remembers(): boolean {
    return Boolean(this.#faults.replay);
  }

  /** For `replayed`. Returns what is forgotten for it. */
  remember(old: Old): Old | undefined {
    if (this.#old.length < REMEMBERED) {
      this.#old.push(old);
      return undefined;
    }
    const place = this.chance.between(0, REMEMBERED - 1);
    const forgotten = this.#old[place];
    this.#old[place] = old;
    return forgotten;
  }

  replayed(): Old {
    return this.chance.pick(this.#old);
  }

  #isLost(now: number): boolean {
    const { drop, burst, burstLength = BURST_LENGTH } = this.#faults;
    if (this.#burstLeft === 0 && this.#happens(burst, now)) {
      this.#burstLeft = this.chance.between(1, 2 * burstLength - 1);
    }
    if (this.#burstLeft > 0) {
      this.#burstLeft--;
      return true;
    }
    return this.#happens(drop, now);
  }

  #happens(likely: Likely | undefined, now: number): boolean {
    if (likely === undefined) return false;
    if (typeof likely === 'number') return this.chance.happens(likely);
    const { probability, from = 0, until = Infinity } = likely;
    return now >= from && now < until && this.chance.happens(probability);
  }

  #time(delay: Delay | undefined): number {
    const { chance } = this;
    if (delay === undefined) return 0;
    if (typeof delay === 'number') return delay;
    if ('mean' in delay) {
      const { mean, deviation = 0, tail } = delay;
      if (tail === 'exponential') return -mean * Math.log(1 - chance.share);
      return Math.max(0, mean + deviation * chance.normal());
    }
    return delay[0] + (delay[1] - delay[0]) * chance.share;
  }
}
