// Repeated runs, and what of them is told: the median, and how far they lie apart.

/** Of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** (largest - smallest) / median; 0 for one value. */
export function spread(values: readonly number[]): number {
  return values.length < 2 ? 0 : (Math.max(...values) - Math.min(...values)) / median(values);
}

export interface Ratios {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Of runs that took turns: each with the one beside it. Undefined if there is no such pair. */
export function ratios(ours: readonly number[], theirs: readonly number[]): Ratios | undefined {
  const each = theirs.map((value, i) => ours[i] / value).filter(Number.isFinite);
  if (each.length === 0) return undefined;
  return { median: median(each), low: Math.min(...each), high: Math.max(...each) };
}

/** To so many significant digits. */
export function digits(value: number, count = 5): number {
  return Number(value.toPrecision(count));
}
