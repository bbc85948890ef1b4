import type { Chance } from '../../src/sim/index.js';

/** Where programs err: at the ends of what a number can be. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff];
const LONGEST_RUN = 64;

type Change = (bytes: Uint8Array, chance: Chance, other: Uint8Array) => Uint8Array;

const CHANGES: readonly Change[] = [
  function flipBit(bytes, chance) {
    return withByte(bytes, chance, (byte) => byte ^ (1 << chance.between(0, 7)));
  },
  function anyByte(bytes, chance) {
    return withByte(bytes, chance, () => chance.bits());
  },
  function edge(bytes, chance) {
    return withByte(bytes, chance, () => chance.pick(EDGES));
  },
  function step(bytes, chance) {
    return withByte(bytes, chance, (byte) => byte + chance.pick([-1, 1]));
  },
  function remove(bytes, chance) {
    const [from, to] = stretch(bytes, chance);
    return splice(bytes, from, to, new Uint8Array(0));
  },
  function repeat(bytes, chance) {
    const [from, to] = stretch(bytes, chance);
    return splice(bytes, to, to, bytes.subarray(from, to));
  },
  function insert(bytes, chance) {
    const at = chance.between(0, bytes.length);
    return splice(
      bytes,
      at,
      at,
      Uint8Array.from({ length: chance.between(1, 8) }, () => chance.bits()),
    );
  },
  function borrow(bytes, chance, other) {
    const [from, to] = stretch(other, chance);
    const at = chance.between(0, bytes.length);
    return splice(bytes, at, chance.happens(0.5) ? Math.min(bytes.length, at + to - from) : at, other.slice(from, to));
  },
  function cross(bytes, chance, other) {
    const [head, tail] = [chance.between(0, bytes.length), chance.between(0, other.length)];
    return splice(bytes, head, bytes.length, other.subarray(tail));
  },
];

/** Another input like `bytes`, with something of `other` perhaps, and not longer than `longest`. */
export function mutate(bytes: Uint8Array, other: Uint8Array, chance: Chance, longest: number): Uint8Array {
  let result = bytes;
  // Mostly one change, sometimes many.
  do result = chance.pick(CHANGES)(result, chance, other);
  while (chance.happens(0.6));
  return result.slice(0, longest);
}

function withByte(bytes: Uint8Array, chance: Chance, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const copy = bytes.slice();
  const at = chance.between(0, bytes.length - 1);
  copy[at] = change(copy[at]);
  return copy;
}

function stretch(bytes: Uint8Array, chance: Chance): [from: number, to: number] {
  const from = chance.between(0, bytes.length);
  return [from, chance.between(from, Math.min(bytes.length, from + LONGEST_RUN))];
}

function splice(bytes: Uint8Array, from: number, to: number, put: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - (to - from) + put.length);
  result.set(bytes.subarray(0, from));
  result.set(put, from);
  result.set(bytes.subarray(to), from + put.length);
  return result;
}
