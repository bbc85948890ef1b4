// The distribution of many samples in few numbers, for results that are kept: `percentiles` and `histogram` of docs/bench.md.
import { percentile, rounded, summarize, type Summary } from './samples.js';

export interface Distribution {
  /** [share, µs]: five steps for each halving of what is slower, as HdrHistogram takes them, and the usual ones. */
  percentiles: [number, number][];
  /** [from, count], µs: buckets of equal ratio; each ends where the next begins, the last has no end. */
  histogram: [number, number][];
}

const STEPS = 5;
const USUAL = [0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999];
/** Of one bucket to the next. */
const RATIO = 2 ** (1 / 16);
/** In medians: a long tail is one bucket, and is seen in the percentiles. */
const TAIL = 4;

/** All that is told of round trips. */
export interface Times extends Distribution {
  rtt_us: Summary;
}

/** Of samples in any order, which is left as it is. */
export function timesOf(samples: Float64Array): Times {
  const sorted = samples.slice();
  return { rtt_us: rounded(summarize(sorted)), ...distributionOf(sorted) };
}

/** Of sorted samples. */
export function distributionOf(sorted: Float64Array): Distribution {
  if (sorted.length === 0) return { percentiles: [], histogram: [] };
  return { percentiles: percentilesOf(sorted), histogram: histogramOf(sorted) };
}

function percentilesOf(sorted: Float64Array): [number, number][] {
  const finest = 1 - 1 / sorted.length;
  const shares = USUAL.filter((share) => share <= finest);
  for (let slower = 1; 1 - slower <= finest; slower /= 2) {
    for (let step = 0; step < STEPS; step += 1) shares.push(1 - slower * (1 - step / (2 * STEPS)));
  }
  const rising = [...new Set(shares)].filter((share) => share <= finest).sort((a, b) => a - b);
  return [...rising.map((share) => [share, percentile(sorted, share)]), [1, sorted[sorted.length - 1]]].map(
    ([share, us]) => [Number(share.toPrecision(8)), thousandths(us)],
  );
}

function histogramOf(sorted: Float64Array): [number, number][] {
  const low = Math.max(0.001, sorted[0]);
  const high = Math.max(low, Math.min(percentile(sorted, 0.999), TAIL * percentile(sorted, 0.5)));
  const rows = Math.ceil(Math.log(high / low) / Math.log(RATIO)) + 1;
  const buckets = Array.from({ length: rows }, (_, row): [number, number] => [low * RATIO ** row, 0]);
  let row = 0;
  for (const sample of sorted) {
    while (row + 1 < rows && sample >= buckets[row + 1][0]) row += 1;
    buckets[row][1] += 1;
  }
  return buckets.map(([from, count]) => [thousandths(from), count]);
}

const thousandths = (us: number): number => Math.round(us * 1000) / 1000;
