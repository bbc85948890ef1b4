import { expect, test } from 'vitest';

import { distributionOf } from '../../bench/distribution.js';

const hundred = Float64Array.from({ length: 100 }, (_, i) => i + 1);

test('percentiles rise from the fastest to the slowest, and the usual ones are among them', () => {
  const { percentiles } = distributionOf(hundred);
  expect(percentiles[0]).toEqual([0, 1]);
  expect(percentiles.at(-1)).toEqual([1, 100]);
  expect(Object.fromEntries(percentiles)).toMatchObject({ 0.5: 50, 0.75: 75, 0.9: 90, 0.99: 99 });
  for (const column of [0, 1]) {
    const values = percentiles.map((point) => point[column]);
    expect(values).toEqual([...values].sort((a, b) => a - b));
  }
  expect(percentiles.map(([share]) => share)).not.toContain(0.999); // a hundred samples cannot tell
});

test('a histogram counts each sample once, in buckets that begin at the fastest', () => {
  const { histogram } = distributionOf(hundred);
  expect(histogram[0][0]).toBe(1);
  expect(histogram.reduce((sum, [, count]) => sum + count, 0)).toBe(100);
});

test('one tail does not press the rest into one bucket', () => {
  const samples = Float64Array.from({ length: 10_000 }, (_, i) => 3 + i / 10_000);
  samples[9999] = 50_000;
  expect(distributionOf(samples).histogram.length).toBeLessThan(40);
});

test('equal samples, and none', () => {
  expect(distributionOf(Float64Array.of(2, 2, 2)).histogram).toEqual([[2, 3]]);
  expect(distributionOf(new Float64Array())).toEqual({ percentiles: [], histogram: [] });
});
