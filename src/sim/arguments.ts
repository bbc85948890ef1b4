import { ArgumentError, describe } from '../errors.js';

/** A time that passes: a number that is neither negative nor endless. */
export function checkSpan(call: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0 && value < Infinity) return;
  throw new ArgumentError(`${call} was given ${describe(value)}; expected a time, 0 or more.`);
}

export function checkWord(name: string, value: unknown, words: readonly string[]): void {
  if (typeof value === 'string' && words.includes(value)) return;
  throw new ArgumentError(`${name} is ${describe(value)}; expected ${words.map((word) => `'${word}'`).join(', ')}.`);
}

export function checkCount(name: string, value: unknown, least: number, most = 2 ** 31 - 1): void {
  if (value === undefined) return;
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw new ArgumentError(`${name} is ${describe(value)}; expected a whole number from ${least} to ${most}.`);
}
