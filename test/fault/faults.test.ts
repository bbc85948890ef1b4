import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { Chance } from '../../src/fault/chance.js';
import { flipBits, shortened } from '../../src/fault/damage.js';
import { checkFaults } from '../../src/fault/faults.js';
import type { Faults } from '../../src/fault/faults.js';
import { FaultModel } from '../../src/fault/model.js';
import { parseFaults } from '../../src/fault/parse.js';
import { SEED } from '../support/seed.js';

const FRAMES = 20_000;

/** The fates of many frames, one every ten µs. */
function fates(faults: Faults, see: (model: FaultModel, now: number) => void = () => undefined): FaultModel {
  const model = new FaultModel({ seed: SEED, ...faults });
  for (let i = 0; i < FRAMES; i++) {
    model.next(i * 10);
    if (model.remembers) model.remember(new Uint8Array([i & 255]));
    see(model, i * 10);
  }
  return model;
}

describe('a model of faults', () => {
  test('without faults nothing happens', () => {
    const { count } = fates({}, ({ lost, delay, again, corrupt, truncate, pad, replay }) => {
      expect([lost, delay, again, corrupt, truncate, pad, replay]).toEqual([false, 0, -1, false, false, false, false]);
    });
    expect(count).toMatchObject({ frames: FRAMES, dropped: 0, duplicated: 0, replayed: 0 });
  });

  test.each([
    ['drop', 'dropped'],
    ['duplicate', 'duplicated'],
    ['reorder', 'reordered'],
    ['corrupt', 'corrupted'],
    ['truncate', 'truncated'],
    ['replay', 'replayed'],
  ] as const)('%s happens as often as it is likely', (fault, counted) => {
    const { count } = fates({ [fault]: 0.1 });
    // Ten standard deviations.
    expect(Math.abs(count[counted] - 0.1 * FRAMES)).toBeLessThan(10 * Math.sqrt(FRAMES * 0.09));
  });

  test('bursts take as many frames as they are long, one after the other', () => {
    let rows = 0;
    let wasLost = false;
    const { count } = fates({ burst: 0.001, burstLength: 20 }, ({ lost }) => {
      if (lost && !wasLost) rows++;
      wasLost = lost;
    });
    expect(count.dropped / rows).toBeGreaterThan(10);
    expect(count.dropped / rows).toBeLessThan(40);
  });

  test('a fault of some time is of that time', () => {
    const lost: number[] = [];
    fates({ drop: { probability: 1, from: 5000, until: 6000 } }, (model, now) => {
      if (model.lost) lost.push(now);
    });
    expect(lost).toEqual(Array.from({ length: 100 }, (_, i) => 5000 + i * 10));
  });

  test.each<[string, Faults, number, number, number]>([
    ['a constant', { delay: 70 }, 70, 70, 70],
    ['a range', { delay: [10, 90] }, 50, 10, 90],
    ['normal', { delay: { mean: 50, deviation: 5 } }, 50, 0, 100],
    ['exponential', { delay: { mean: 50, tail: 'exponential' } }, 50, 0, 5000],
  ])('delays: %s', (_, faults, mean, least, most) => {
    const delays: number[] = [];
    fates(faults, ({ delay }) => delays.push(delay));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...delays)).toBeLessThanOrEqual(most);
    expect(Math.abs(delays.reduce((sum, one) => sum + one, 0) / FRAMES - mean)).toBeLessThan(3);
  });

  test('the same seed decides the same', () => {
    const all: Faults = {
      drop: 0.1,
      burst: 0.01,
      duplicate: 0.2,
      reorder: 0.3,
      corrupt: 0.1,
      replay: 0.1,
      delay: [1, 9],
    };
    const story = (seed: number) => {
      const seen: unknown[] = [];
      fates({ ...all, seed }, ({ lost, delay, again, corrupt, replay }) =>
        seen.push([lost, delay, again, corrupt, replay]),
      );
      return seen;
    };
    expect(story(5)).toEqual(story(5));
    expect(story(5)).not.toEqual(story(6));
  });

  test('damage changes something, and nothing beyond what it is given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.integer(), (bytes, seed) => {
        const chance = new Chance(seed);
        const copy = Uint8Array.from([0xaa, ...bytes, 0xbb]);
        flipBits(copy, 1, bytes.length * 8, chance);
        expect([copy[0], copy.at(-1)]).toEqual([0xaa, 0xbb]);
        expect(copy.subarray(1, -1)).not.toEqual(bytes);
        expect(shortened(bytes.length, chance)).toBeLessThan(bytes.length);
      }),
      { seed: SEED },
    );
  });
});

describe('faults as text', () => {
  test('what can be written', () => {
    expect(parseFaults('drop=0.01,seed=7')).toEqual({ drop: 0.01, seed: 7 });
    expect(parseFaults('drop=1%, duplicate=0.5@2s-5s ,delay=100us..2ms')).toEqual({
      drop: 0.01,
      duplicate: { probability: 0.5, from: 2_000_000, until: 5_000_000 },
      delay: [100, 2000],
    });
    expect(parseFaults('burst=0.1@1s,burstLength=3,reorder=1,reorderBy=50')).toEqual({
      burst: { probability: 0.1, from: 1_000_000 },
      burstLength: 3,
      reorder: 1,
      reorderBy: 50,
    });
  });

  test.each([
    ['', /cannot be read/],
    ['drop', /'drop' cannot be read/],
    ['drop=', /cannot be read/],
    ['drop=x', /'drop=x' cannot be read/],
    ['drop=2', /drop is 2; expected a number from 0 to 1/],
    ['drop=0.1,drop=0.2', /given twice/],
    ['loss=0.1', /There is no fault 'loss'.*drop, burst/],
    ['delay=5..1', /delay is/],
    ['delay=5min', /cannot be read/],
    ['drop=0.1@1s-2s-3s', /cannot be read/],
    ['seed=x', /cannot be read/],
    ['dropp=5%', /There is no fault 'dropp'/],
    ['drop=0.1@5s-2s', /drop.until is/],
  ])('%j is refused', (text, message) => {
    expect(() => parseFaults(text)).toThrow(message);
  });

  test.each([
    5,
    null,
    { drop: '1' },
    { delay: [1] },
    { drop: { probability: 0.1, to: 5 } },
    { delay: { mean: 1, tail: 'x' } },
  ])('as an object, %j is refused', (faults) => {
    expect(() => checkFaults(faults)).toThrowError(expect.objectContaining({ code: 'ERR_EMP_ARGUMENT' }));
  });
});
