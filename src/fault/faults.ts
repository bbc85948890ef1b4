import { ArgumentError, describe } from '../errors.js';

/**
 * What may happen to frames on a wire (row A7). Everything is a probability for each frame, by itself or for a time, and is decided by a
 * seed: the same seed and the same frames meet the same fate.
 */

/** From 0 to 1; or that, in a stretch of time: µs since the wire began. */
export type Likely = number | { readonly probability: number; readonly from?: number; readonly until?: number };

/** µs: always the same; anything between two times; or about a mean, with a long tail (exponential) or without (normal). */
export type Delay =
  | number
  | readonly [low: number, high: number]
  | { readonly mean: number; readonly deviation?: number; readonly tail?: 'exponential' };

export interface Faults {
  /** The frame is lost. */
  readonly drop?: Likely;
  /** A row of frames begins that are all lost; `burstLength` of them on average (default 8). */
  readonly burst?: Likely;
  readonly burstLength?: number;
  /** It comes twice. */
  readonly duplicate?: Likely;
  /** It is held back by `reorderBy` (default [20, 500]), so that later ones overtake it. */
  readonly reorder?: Likely;
  readonly reorderBy?: Delay;
  /** Every frame takes so long. Frames with different delays overtake each other, as with netem. */
  readonly delay?: Delay;
  /** One to four of its bits are flipped. Without `payloadCheck` a channel does not notice those in payloads. */
  readonly corrupt?: Likely;
  /** It loses some of its end. */
  readonly truncate?: Likely;
  /** An old frame comes once more, right behind it. */
  readonly replay?: Likely;
  /** Zeros follow it, as short Ethernet frames have them. */
  readonly pad?: Likely;
  /** Of chance. Default 1. */
  readonly seed?: number;
}

/** The faults that have a probability. */
export const LIKELIES = ['drop', 'burst', 'duplicate', 'reorder', 'corrupt', 'truncate', 'replay', 'pad'] as const;
export const DELAYS = ['delay', 'reorderBy'] as const;
const NUMBERS = ['burstLength', 'seed'] as const;
export const FAULTS: readonly string[] = [...LIKELIES, ...DELAYS, ...NUMBERS];

export function unknownFault(name: string): ArgumentError {
  return new ArgumentError(`There is no fault '${name}'.`, { remedy: `Those there are: ${FAULTS.join(', ')}.` });
}

/** @throws ERR_EMP_ARGUMENT, which names what is wrong */
export function checkFaults(faults: unknown): asserts faults is Faults {
  if (typeof faults !== 'object' || faults === null) {
    throw new ArgumentError(`faults is ${describe(faults)}; expected an object such as { drop: 0.01, seed: 7 }.`);
  }
  for (const [name, value] of Object.entries(faults)) {
    if (!FAULTS.includes(name)) throw unknownFault(name);
    if (value === undefined) continue;
    if ((LIKELIES as readonly string[]).includes(name)) checkLikely(name, value);
    else if ((DELAYS as readonly string[]).includes(name)) checkDelay(name, value);
    else checkWhole(name, value, name === 'seed' ? -(2 ** 31) : 1);
  }
}

function checkLikely(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) return checkNumber(name, value, 0, 1);
  const { probability, from = 0, until = Infinity, ...rest } = value as Record<string, unknown>;
  checkNumber(name, probability, 0, 1);
  checkNumber(`${name}.from`, from, 0, Number.MAX_VALUE);
  if (until !== Infinity) checkNumber(`${name}.until`, until, from as number, Number.MAX_VALUE);
  const [unknown] = Object.keys(rest);
  if (unknown === undefined) return;
  throw new ArgumentError(`${name} has no '${unknown}'.`, { remedy: 'It has probability, from and until.' });
}

function checkDelay(name: string, value: unknown): void {
  if (Array.isArray(value)) {
    if (value.length === 2 && value[0] <= value[1]) return value.forEach((one) => checkNumber(name, one, 0, 1e9));
  } else if (typeof value === 'object' && value !== null) {
    const { mean, deviation = 0, tail, ...rest } = value as Record<string, unknown>;
    checkNumber(`${name}.mean`, mean, 0, 1e9);
    checkNumber(`${name}.deviation`, deviation, 0, 1e9);
    if ((tail === undefined || tail === 'exponential') && Object.keys(rest).length === 0) return;
  } else return checkNumber(name, value, 0, 1e9);
  throw new ArgumentError(
    `${name} is ${JSON.stringify(value)}; expected a time, a range from low to high, or a mean.`,
    {
      remedy: "Write µs, [low, high], { mean, deviation } or { mean, tail: 'exponential' }.",
    },
  );
}

function checkNumber(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return;
  throw new ArgumentError(`${name} is ${describe(value)}; expected a number from ${least} to ${most}.`);
}

function checkWhole(name: string, value: unknown, least: number): void {
  checkNumber(name, value, least, 2 ** 32 - 1);
  if (!Number.isInteger(value)) throw new ArgumentError(`${name} is ${describe(value)}; expected a whole number.`);
}
