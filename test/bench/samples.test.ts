import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { percentile, Pool, summarize } from '../../bench/samples.js';

/** The definition, word by word: the smallest sample that at least `share` of all do not exceed. */
function reference(samples: readonly number[], perTenThousand: number): number {
  const enough = samples.filter(
    (one) => samples.filter((other) => other <= one).length * 10_000 >= perTenThousand * samples.length,
  );
  return Math.min(...enough);
}

const samples = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 120 });

describe('percentiles', () => {
  it('are the nearest rank', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 10_000 }), (values, perTenThousand) => {
        const sorted = Float64Array.from(values).sort();
        expect(percentile(sorted, perTenThousand / 10_000)).toBe(reference(values, perTenThousand));
      }),
    );
  });

  it('of 1 to 1000 are what one expects', () => {
    const shuffled = Float64Array.from({ length: 1000 }, (_, i) => ((i * 7919) % 1000) + 1);
    expect(summarize(shuffled)).toEqual({
      min: 1,
      p50: 500,
      p90: 900,
      p99: 990,
      p999: 999,
      p9999: 1000,
      max: 1000,
      mean: 500.5,
    });
  });

  it('of one sample are that sample', () => {
    const { mean, ...rest } = summarize(Float64Array.of(3.5));
    expect([mean, ...Object.values(rest)]).toEqual(new Array(8).fill(3.5));
  });
});

describe('a pool', () => {
  it('is all slices together', () => {
    const pool = new Pool(5);
    pool.add(Float64Array.of(3, 1));
    pool.add(Float64Array.of(2));
    expect([...pool.samples]).toEqual([3, 1, 2]);
  });
});
