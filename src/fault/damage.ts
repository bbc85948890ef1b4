import type { Chance } from './chance.js';

/** Flips one to four different bits among the first `bits` of what begins at `at`. */
export function flipBits(bytes: Uint8Array, at: number, bits: number, chance: Chance): void {
  if (bits === 0) return;
  const first = chance.between(0, bits - 1);
  const flip = (bit: number) => (bytes[at + (bit >> 3)] ^= 1 << (bit & 7));
  flip(first);
  for (let more = chance.between(0, 3); more > 0; more--) {
    const bit = chance.between(0, bits - 1);
    if (bit !== first) flip(bit);
  }
}

/** How much of `length` bytes is left: less than all. */
export function shortened(length: number, chance: Chance): number {
  return chance.between(0, Math.max(0, length - 1));
}
