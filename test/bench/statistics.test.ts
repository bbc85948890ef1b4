import { describe, expect, it } from 'vitest';

import { listenToMachine, noiseOf } from '../../bench/noise.js';
import { digits, median, ratios, spread } from '../../bench/statistics.js';

describe('repeated runs', () => {
  it('have a median and a spread', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(spread([8, 10, 13])).toBe(0.5);
    expect(spread([8])).toBe(0);
  });

  it('are compared with the one beside them', () => {
    expect(ratios([10, 40, 90], [10, 20, 30])).toEqual({ median: 2, low: 1, high: 3 });
    expect(ratios([10, 40], [0, 20])).toEqual({ median: 2, low: 2, high: 2 }); // nothing came: no pair
    expect(ratios([10], [])).toBeUndefined();
  });

  it('are told with as many digits as they deserve', () => {
    expect([digits(1234567), digits(0.123456, 3)]).toEqual([1234600, 0.123]);
  });
});

describe('noise', () => {
  it('is what others do, a high load, slices far apart', () => {
    expect(noiseOf({ others: 0.01, load: 2 }, 0.1)).toEqual([]);
    expect(noiseOf({ others: 0.5, load: 2 }, 0.1)).toEqual(['other programs took 50 % of a core']);
    expect(noiseOf({ others: 0, load: 4 }, 0.3)).toEqual(['the load average is 4.0', 'the slices lie 30 % apart']);
  });

  it('is heard', async () => {
    const { others, load } = await listenToMachine();
    expect(others).toBeGreaterThanOrEqual(0);
    expect(load).toBeGreaterThanOrEqual(0);
  });
});
