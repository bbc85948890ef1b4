import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { count, edges, plot } from '../../bench/histogram.js';

const sorted = fc
  .array(fc.double({ min: 0.5, max: 1e5, noNaN: true }), { minLength: 1, maxLength: 200 })
  .map((values) => Float64Array.from(values).sort());

describe('a histogram', () => {
  it('puts each sample into the row it belongs to', () => {
    fc.assert(
      fc.property(sorted, sorted, (a, b) => {
        const from = edges([
          { name: 'a', samples: a },
          { name: 'b', samples: b },
        ]);
        for (const samples of [a, b]) {
          const expected = from.map(
            (edge, row) =>
              samples.filter((one) => (row === 0 || one >= edge) && (row + 1 === from.length || one < from[row + 1]))
                .length,
          );
          expect(count(samples, from)).toEqual(expected);
        }
      }),
    );
  });

  it('has bars one below the other, however long the times are', () => {
    const lines = plot([{ name: 'emp', samples: Float64Array.of(50_000, 100_000, 400_000) }]).split('\n');
    const bars = lines.slice(1).map((line) => line.search(/[█-▏]/));
    expect(new Set(bars.filter((column) => column >= 0)).size).toBe(1);
  });

  it('has rows of equal ratio, and shows what is rare', () => {
    const samples = Float64Array.from({ length: 10_000 }, (_, i) => (i < 9_980 ? 2 : 20));
    const lines = plot([{ name: 'emp', samples }]).split('\n');
    expect(lines[0]).toMatch(/us +emp$/);
    expect(lines[1]).toMatch(/^ +2\.00 +99\.8% █+$/);
    expect(lines.at(-1)).toMatch(/^ +≥20\.00 +0\.200% ▏$/);
  });
});
