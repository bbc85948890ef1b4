/** Numbers that programs are given as options. */

export const MAX_SEED = 2 ** 31 - 1;

/** @throws what was wrong with option `name` */
export function whole(name: string, text: string, least = 0, most = MAX_SEED): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${name} is '${text}'; expected a whole number from ${least} to ${most}.`);
}

/** Minutes, or parts of them. @throws what was wrong with option `name` */
export function minutes(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= MAX_SEED) return value;
  throw new Error(`--${name} is '${text}'; expected a number above 0, at most ${MAX_SEED}.`);
}
