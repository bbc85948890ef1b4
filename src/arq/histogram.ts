/**
 * Histograms of times in µs whose buckets grow with the time: four to each power of two, from 1/16 µs to two minutes. They are doubles in a
 * typed array, so that counting neither allocates nor searches, and so that others can read them while they grow.
 */

/** Buckets below the first power of two that is split are 1/16 µs wide. */
const PER_MICROSECOND = 16;
const LARGEST = 0x7fffffff;
export const HISTOGRAM_BUCKETS = 120;

/** Counts the time in a cell, µs: a double passed as an argument may be an allocation. */
export function tally(histogram: Float64Array, time: Float64Array): void {
  histogram[bucketOf(Math.min(time[0] * PER_MICROSECOND, LARGEST) | 0)]++;
}

function bucketOf(units: number): number {
  if (units < 4) return units;
  const power = 31 - Math.clz32(units);
  return ((power - 1) << 2) + ((units >> (power - 2)) & 3);
}

/** Where a bucket begins, µs; it ends where the next one begins. */
function bucketStart(bucket: number): number {
  if (bucket < 4) return bucket / PER_MICROSECOND;
  return ((4 + (bucket & 3)) * 2 ** ((bucket >> 2) - 1)) / PER_MICROSECOND;
}

/** Times from `from` to just below `to`, µs. */
export interface TimeBucket {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** The buckets that are not empty. */
export function bucketsOf(histogram: ArrayLike<number>): TimeBucket[] {
  return Array.from(histogram, (count, i) => ({ from: bucketStart(i), to: bucketStart(i + 1), count })).filter(
    ({ count }) => count > 0,
  );
}

/** The time that a share (0..1) of all times does not exceed, µs, as exact as its bucket; 0 if there are none. */
export function quantile(buckets: readonly TimeBucket[], share: number): number {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  let seen = 0;
  for (const { count, to } of buckets) {
    seen += count;
    if (seen >= share * total) return to;
  }
  return 0;
}
