import fc from 'fast-check';
import { expect, test } from 'vitest';

import { NO_FRAME } from '../../../src/nic/contract.js';
import { layout } from '../../../src/nic/xdp/layout.js';
import { ProducerRing } from '../../../src/nic/xdp/ring.js';
import { Round } from '../../../src/nic/xdp/round.js';
import { SEED } from '../../support/seed.js';

const PLAN = layout({ mtu: 1500, txFrames: 64, rxFrames: 4096, burst: 64 });
const ENTRIES = 48;

/** A round, and the kernel's side of its fill ring: `take` is what the kernel receives into next. */
function roundOf(whole: boolean, plan = PLAN) {
  const words = new Int32Array(ENTRIES + plan.fill * 2);
  const ring = { buffer: words.buffer, producer: 0, consumer: 64, flags: 128, entries: ENTRIES * 4 };
  const fill = new ProducerRing(ring, plan.fill);
  const round = new Round(fill, plan, whole);
  const posted = () => words[0] - words[16];
  const take = () => words[ENTRIES + (words[16]++ & (plan.fill - 1)) * 2];
  return { fill, round, posted, take };
}

test('a round begins short, doubles when half of it waits, and ends with the ring', () => {
  const { fill, round, posted } = roundOf(false);
  const lengths = [posted()];
  while (PLAN.fill > posted()) {
    expect(round.crowded).toBe(posted() / 2);
    round.widen();
    fill.publish();
    lengths.push(posted());
  }
  expect(lengths).toEqual([512, 1024, 2048]);
  expect(round.crowded).toBeGreaterThan(PLAN.fill);
  round.widen();
  expect(fill.unpublished).toBe(0);
});

test('a device that fills chunks by itself has all of them from the beginning', () => {
  expect(roundOf(true).posted()).toBe(PLAN.fill);
});

test('whatever is held, kept and widened: each chunk is in one place, and the ring gets its full length', () => {
  const step = fc.constantFrom('take', 'hold', 'hold', 'keep', 'keep', 'free', 'widen');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      // Few to spare, so that holding meets those that the round may still need.
      const plan = { ...PLAN, fill: 1024, rxChunks: 1024 + 8 };
      const { fill, round, posted, take } = roundOf(false, plan);
      const held: number[] = [];
      for (const one of steps) {
        if (one === 'take' && posted() > 0) fill.pushAddress(take());
        if (one === 'hold' && posted() > 0) {
          const chunk = take();
          if (round.replace()) held.push(chunk);
          else fill.pushAddress(chunk);
        }
        const kept = one === 'keep' ? round.spare() : NO_FRAME;
        if (kept !== NO_FRAME) held.push(kept);
        const freed = one === 'free' ? held.shift() : undefined;
        if (freed !== undefined) round.pool.free(freed);
        if (one === 'widen') round.widen();
        fill.publish();
      }
      while (round.crowded < plan.fill) round.widen();
      fill.publish();
      const places = [...held, ...Array.from({ length: posted() }, take)];
      expect(places.length).toBe(plan.fill + held.length);
      expect(new Set(places).size).toBe(places.length);
    }),
    { seed: SEED, numRuns: 200 },
  );
});
