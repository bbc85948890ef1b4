import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { RttEstimator } from '../../src/arq/rtt.js';

const BOUNDS = { initial: 50_000, min: 5_000, max: 1_000_000 };

describe('the timeout', () => {
  test('is the initial one before the first measurement', () => {
    const rtt = new RttEstimator(BOUNDS);
    expect([rtt.rto, rtt.smoothed]).toEqual([50_000, 50_000]);
  });

  test('follows RFC 6298: SRTT + max(G, 4 RTTVAR)', () => {
    const rtt = new RttEstimator(BOUNDS);
    rtt.sample(40_000);
    expect([rtt.smoothed, rtt.variance, rtt.rto]).toEqual([40_000, 20_000, 120_000]);
    rtt.sample(48_000);
    // RTTVAR = 3/4 * 20000 + 1/4 * |40000 - 48000|, then SRTT = 7/8 * 40000 + 1/8 * 48000.
    expect([rtt.smoothed, rtt.variance, rtt.rto]).toEqual([41_000, 17_000, 109_000]);
  });

  test('is what the RFC’s arithmetic gives, sample by sample', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 60 }), (samples) => {
        const rtt = new RttEstimator(BOUNDS);
        let smoothed = samples[0];
        let variance = samples[0] / 2;
        samples.forEach((sample, i) => {
          rtt.sample(sample);
          if (i > 0) {
            variance = 0.75 * variance + 0.25 * Math.abs(smoothed - sample);
            smoothed = 0.875 * smoothed + 0.125 * sample;
          }
          expect(rtt.smoothed).toBeCloseTo(smoothed, 4);
          expect(rtt.variance).toBeCloseTo(variance, 4);
          expect(rtt.rto).toBeCloseTo(Math.min(smoothed + Math.max(5_000, 4 * variance), 1_000_000), 4);
        });
        expect(rtt.minimum).toBe(Math.min(...samples));
      }),
    );
  });

  test('leaves room above a round trip that never varies', () => {
    const rtt = new RttEstimator(BOUNDS);
    for (let i = 0; i < 200; i++) rtt.sample(30_000);
    expect(rtt.rto).toBeCloseTo(35_000, 3);
  });

  test('doubles at each expiry up to its largest; only a measurement takes that back', () => {
    const rtt = new RttEstimator(BOUNDS);
    rtt.sample(1_000);
    const seen = [rtt.rto];
    for (let i = 0; i < 100; i++) {
      rtt.backOff();
      seen.push(rtt.rto);
    }
    expect(seen.slice(0, 5)).toEqual([6_000, 12_000, 24_000, 48_000, 96_000]);
    expect(seen.at(-1)).toBe(1_000_000);
    rtt.sample(1_000);
    expect(rtt.rto).toBeLessThan(7_000);
  });
});
