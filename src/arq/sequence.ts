/**
 * Sequence numbers: 32 bits that wrap, kept as signed integers (a small integer for V8: no allocation). `a` is before `b`
 * when the distance from a to b is positive; right as long as they are less than 2^31 apart (RFC 1982).
 */

export function add(sequence: number, n: number): number {
  return (sequence + n) | 0;
}

/** Frames from `from` to `to`; negative when `to` is before `from`. */
export function distance(from: number, to: number): number {
  return (to - from) | 0;
}
