import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { hashBytes, hashHeader, hashLongHeader } from '../../src/wire/check.js';

// XXH32 straight from its specification, in BigInt: slow, and nothing in common with what is tested.
const P = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn, 0x27d4eb2fn, 0x165667b1n];
const u32 = (x: bigint) => BigInt.asUintN(32, x);
const rotate = (x: bigint, n: bigint) => u32(u32(x) << n) | (u32(x) >> (32n - n));

function reference(bytes: Uint8Array, seed: number): number {
  const s = BigInt.asUintN(32, BigInt(seed));
  const word = (at: number) => BigInt(new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true));
  let at = 0;
  let hash = s + P[4];
  if (bytes.length >= 16) {
    const lanes = [s + P[0] + P[1], s + P[1], s, s - P[0]];
    for (; at + 16 <= bytes.length; at += 16) {
      for (let i = 0; i < 4; i++) lanes[i] = u32(rotate(lanes[i] + word(at + 4 * i) * P[1], 13n) * P[0]);
    }
    hash = rotate(lanes[0], 1n) + rotate(lanes[1], 7n) + rotate(lanes[2], 12n) + rotate(lanes[3], 18n);
  }
  hash += BigInt(bytes.length);
  for (; at + 4 <= bytes.length; at += 4) hash = rotate(hash + word(at) * P[2], 17n) * P[3];
  for (; at < bytes.length; at++) hash = rotate(hash + BigInt(bytes[at]) * P[4], 11n) * P[0];
  hash = u32(hash);
  hash = u32((hash ^ (hash >> 15n)) * P[1]);
  hash = u32((hash ^ (hash >> 13n)) * P[2]);
  return Number(hash ^ (hash >> 16n));
}

const text = (s: string) => new TextEncoder().encode(s);
const hash = (bytes: Uint8Array, seed = 0, at = 0) =>
  hashBytes(new DataView(bytes.buffer, bytes.byteOffset), at, bytes.length - at, seed) >>> 0;

describe('XXH32', () => {
  test('published values', () => {
    expect(hash(text(''))).toBe(0x02cc5d05);
    expect(hash(text(''), 0x9e3779b1)).toBe(0x36b78ae7);
    expect(hash(text('a'))).toBe(0x550d7456);
    expect(hash(text('abc'))).toBe(0x32d153ff);
    expect(hash(text('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
  });

  test('of a header of any length is that of the header with its check as 0', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 255 }),
        fc.integer(),
        fc.infiniteStream(fc.nat(255)),
        (words, seed, chance) => {
          const bytes = Uint8Array.from({ length: 4 * words }, () => chance.next().value as number);
          const zeroed = bytes.slice();
          zeroed.fill(0, 28, 32);
          const made = hashLongHeader(new DataView(bytes.buffer), 0, words, seed) >>> 0;
          expect(made).toBe(hash(zeroed, seed));
        },
      ),
    );
  });

  test('is what the specification says, for every length, seed and place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer(), fc.nat(7), (bytes, seed, before) => {
        const shifted = new Uint8Array(before + bytes.length);
        shifted.set(bytes, before);
        expect(hash(shifted, seed, before)).toBe(reference(bytes, seed));
      }),
      { numRuns: 2000 },
    );
  });

  test('the form over a header is the form over bytes, with the check counted as zero', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 36, maxLength: 36 }), fc.integer(), fc.nat(7), (header, seed, before) => {
        const shifted = new Uint8Array(before + 36);
        shifted.set(header, before);
        const view = new DataView(shifted.buffer);
        const zeroed = header.slice().fill(0, 28, 32);
        expect(hashHeader(view, before, 8, seed) >>> 0).toBe(reference(zeroed.subarray(0, 32), seed));
        expect(hashHeader(view, before, 9, seed) >>> 0).toBe(reference(zeroed, seed));
      }),
      { numRuns: 1000 },
    );
  });

  test('an error within one aligned word is always found', () => {
    const bytes = fc.uint8Array({ minLength: 4, maxLength: 120 });
    fc.assert(
      fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 2 ** 32 - 1 }), (data, where, flip) => {
        const at = (where % (data.length >> 2)) * 4;
        const damaged = data.slice();
        const view = new DataView(damaged.buffer);
        view.setUint32(at, (view.getUint32(at, true) ^ flip) >>> 0, true);
        expect(hash(damaged)).not.toBe(hash(data.slice()));
      }),
      { numRuns: 20_000 },
    );
  });
});
