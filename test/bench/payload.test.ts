import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isIntact, readRound, writePayload } from '../../bench/pingpong/payload.js';
import { Tally } from '../../bench/pingpong/tally.js';

const round = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('the payload of a ping-pong', () => {
  it('says its round and that it is whole', () => {
    fc.assert(
      fc.property(round, fc.integer({ min: 4, max: 2000 }), (value, size) => {
        const bytes = new Uint8Array(size + 10);
        writePayload(bytes, 5, size, value);
        expect(readRound(bytes, 5, size, 0)).toBe(value);
        expect(isIntact(bytes, 5, size, value)).toBe(true);
        expect([bytes[4], bytes[size + 5]]).toEqual([0, 0]);
      }),
    );
  });

  it('shows each changed byte', () => {
    fc.assert(
      fc.property(round, fc.integer({ min: 4, max: 199 }), (value, at) => {
        const bytes = new Uint8Array(200);
        writePayload(bytes, 0, 200, value);
        bytes[at] ^= 1;
        expect(isIntact(bytes, 0, 200, value)).toBe(false);
      }),
    );
  });

  it('of less than four bytes says as much of the round as it can', () => {
    const bytes = new Uint8Array(3);
    for (const size of [0, 1, 2, 3]) {
      for (const value of [0, 1, 255, 256, 65_535, 65_536, 1_000_000]) {
        writePayload(bytes, 0, size, value);
        expect(readRound(bytes, 0, size, value)).toBe(value);
        if (size > 0) expect(readRound(bytes, 0, size, value + 1)).toBe(value);
      }
    }
  });
});

describe('a tally', () => {
  const of = (rounds: readonly number[], total: number): object => {
    const tally = new Tally(total);
    for (const one of rounds) tally.see(one, true);
    return tally.losses(total);
  };

  it('counts what is lost, doubled and reordered', () => {
    expect(of([0, 1, 2, 3], 4)).toEqual({ lost: 0, doubled: 0, reordered: 0, corrupted: 0 });
    expect(of([0, 1, 3], 4)).toEqual({ lost: 1, doubled: 0, reordered: 0, corrupted: 0 });
    expect(of([0, 1, 1, 2, 0, 3], 4)).toEqual({ lost: 0, doubled: 2, reordered: 0, corrupted: 0 });
    expect(of([0, 2, 1, 3], 4)).toEqual({ lost: 0, doubled: 0, reordered: 1, corrupted: 0 });
    expect(of([0, 1, 9], 2)).toEqual({ lost: 0, doubled: 0, reordered: 0, corrupted: 1 });
  });
});
