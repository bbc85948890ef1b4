import { describe, expect, test } from 'vitest';

import { bucketsOf, HISTOGRAM_BUCKETS, quantile, tally, type TimeBucket } from '../../src/arq/histogram.js';

const cell = new Float64Array(1);

function histogramOf(times: readonly number[]): Float64Array {
  const histogram = new Float64Array(HISTOGRAM_BUCKETS);
  for (const time of times) {
    cell[0] = time;
    tally(histogram, cell);
  }
  return histogram;
}

/** The only bucket that has something in it. */
const only = (time: number): TimeBucket => {
  const [bucket, ...others] = bucketsOf(histogramOf([time]));
  expect([bucket.count, others]).toEqual([1, []]);
  return bucket;
};

describe('a histogram', () => {
  test('has buckets without gaps, at most a quarter wide', () => {
    const all = bucketsOf(new Float64Array(HISTOGRAM_BUCKETS).fill(1));
    expect(all.length).toBe(HISTOGRAM_BUCKETS);
    expect(all[0].from).toBe(0);
    all.forEach(({ from, to }, i) => {
      if (i > 0) expect(from).toBe(all[i - 1].to);
      expect([only(from).from, only(to - 1 / 16).from]).toEqual([from, from]);
      if (i >= 4) expect(to / from).toBeLessThanOrEqual(1.25);
    });
  });

  test('takes any time', () => {
    expect(only(0).from).toBe(0);
    const last = only(1e12);
    expect(last.to).toBeGreaterThan(100e6);
    expect(only(Infinity)).toEqual(last);
  });

  test('tells quantiles as exactly as its buckets are', () => {
    const buckets = bucketsOf(histogramOf(Array.from({ length: 1000 }, (_, i) => i + 1)));
    for (const share of [0.1, 0.5, 0.99, 1]) {
      const told = quantile(buckets, share);
      expect(told).toBeGreaterThanOrEqual(share * 1000);
      expect(told).toBeLessThanOrEqual(share * 1250);
    }
    expect(quantile([], 0.5)).toBe(0);
    expect(quantile(bucketsOf(histogramOf([3, 3, 3])), 0)).toBe(3.5);
  });
});
