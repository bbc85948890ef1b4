import fc from 'fast-check';
import { expect, test } from 'vitest';

import { add, distance } from '../../src/arq/sequence.js';

const sequence = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, -1, 0, 1),
);

test('across the wrap, and where the sign changes', () => {
  expect(add(-1, 1)).toBe(0);
  expect(add(2 ** 31 - 1, 1)).toBe(-(2 ** 31));
  expect(distance(2 ** 31 - 2, -(2 ** 31) + 1)).toBe(3);
  expect(distance(-(2 ** 31) + 1, 2 ** 31 - 2)).toBe(-3);
  expect(distance(-2, 1)).toBe(3);
});

test('the distance to what was added is what was added', () => {
  fc.assert(
    fc.property(sequence, fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), (from, n) => {
      const to = add(from, n);
      expect(to).toBe(to | 0);
      expect(distance(from, to)).toBe(n);
      expect(distance(to, from)).toBe(n === 0 ? 0 : -n);
    }),
    { numRuns: 5000 },
  );
});
