import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Deadlines } from '../../src/arq/deadlines.js';

type Step = { do: 'by'; id: number; at: number } | { do: 'remove'; id: number } | { do: 'due'; now: number };

const id = fc.nat(200);
const time = fc.nat(1000);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('by' as const), id, at: time }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('due' as const), now: time }) },
);

test('does what a list that is searched each time does', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const deadlines = new Deadlines();
      const model = new Map<number, number>();
      const earliest = () => Math.min(Infinity, ...model.values());
      for (const s of steps) {
        if (s.do === 'by') {
          deadlines.by(s.id, s.at);
          model.set(s.id, Math.min(model.get(s.id) ?? Infinity, s.at));
        } else if (s.do === 'remove') {
          deadlines.remove(s.id);
          model.delete(s.id);
        } else {
          const found = deadlines.due(s.now);
          if (earliest() > s.now) expect(found).toBe(-1);
          else {
            expect(model.get(found)).toBe(earliest());
            model.delete(found);
          }
        }
        expect(deadlines.next).toBe(earliest());
      }
      const order: number[] = [];
      for (let next = deadlines.next, found = deadlines.due(Infinity); found >= 0; found = deadlines.due(Infinity)) {
        order.push(next);
        next = deadlines.next;
      }
      expect(order).toEqual([...model.values()].sort((a, b) => a - b));
    }),
    { numRuns: 500 },
  );
});

test('a later time is ignored, and so is no time at all', () => {
  const deadlines = new Deadlines();
  deadlines.by(3, 10);
  deadlines.by(3, 20);
  deadlines.by(4, Infinity);
  expect(deadlines.next).toBe(10);
  expect([deadlines.due(9), deadlines.due(10), deadlines.due(1e9)]).toEqual([-1, 3, -1]);
  expect(deadlines.next).toBe(Infinity);
});

test('ids as large as there are slots', () => {
  const deadlines = new Deadlines();
  for (let n = 16383; n >= 0; n -= 7) deadlines.by(n, n % 100);
  let last = -1;
  let count = 0;
  for (let next = deadlines.next; deadlines.due(100) >= 0; next = deadlines.next, count++) {
    expect(next).toBeGreaterThanOrEqual(last);
    last = next;
  }
  expect(count).toBe(2341);
});
