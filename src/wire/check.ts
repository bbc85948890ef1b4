/**
 * XXH32, the 32-bit xxHash, over the header and over the payload, in place. Chosen over a CRC:
 * Ethernet's FCS already is one, a second check of another kind finds what the first cannot, and XXH32 needs only
 * multiplications and rotations, which JavaScript has as machine instructions. Any error within one aligned 32-bit word is
 * always found (each round is a bijection of its input); any other with probability 1 - 2^-32.
 */

const P1 = 0x9e3779b1 | 0;
const P2 = 0x85ebca77 | 0;
const P3 = 0xc2b2ae3d | 0;
const P4 = 0x27d4eb2f | 0;
const P5 = 0x165667b1 | 0;

function rotl(x: number, r: number): number {
  return (x << r) | (x >>> (32 - r));
}

function round(acc: number, word: number): number {
  return Math.imul(rotl((acc + Math.imul(word, P2)) | 0, 13), P1);
}

function avalanche(h: number): number {
  h = Math.imul(h ^ (h >>> 15), P2);
  h = Math.imul(h ^ (h >>> 13), P3);
  return h ^ (h >>> 16);
}

/**
 * XXH32 of a header of eight words, or nine, of which the eighth (the check itself) counts as zero: `hashBytes` unrolled, its words in
 * registers, because it runs twice a frame.
 */
export function hashHeader(view: DataView, at: number, words: 8 | 9, seed: number): number {
  let v1 = (seed + P1 + P2 + Math.imul(view.getInt32(at, true), P2)) | 0;
  let v2 = (seed + P2 + Math.imul(view.getInt32(at + 4, true), P2)) | 0;
  let v3 = (seed + Math.imul(view.getInt32(at + 8, true), P2)) | 0;
  let v4 = (seed - P1 + Math.imul(view.getInt32(at + 12, true), P2)) | 0;
  v1 = Math.imul((v1 << 13) | (v1 >>> 19), P1);
  v2 = Math.imul((v2 << 13) | (v2 >>> 19), P1);
  v3 = Math.imul((v3 << 13) | (v3 >>> 19), P1);
  v4 = Math.imul((v4 << 13) | (v4 >>> 19), P1);
  v1 = (v1 + Math.imul(view.getInt32(at + 16, true), P2)) | 0;
  v2 = (v2 + Math.imul(view.getInt32(at + 20, true), P2)) | 0;
  v3 = (v3 + Math.imul(view.getInt32(at + 24, true), P2)) | 0;
  v1 = Math.imul((v1 << 13) | (v1 >>> 19), P1);
  v2 = Math.imul((v2 << 13) | (v2 >>> 19), P1);
  v3 = Math.imul((v3 << 13) | (v3 >>> 19), P1);
  v4 = Math.imul((v4 << 13) | (v4 >>> 19), P1);
  const lanes =
    ((v1 << 1) | (v1 >>> 31)) + ((v2 << 7) | (v2 >>> 25)) + ((v3 << 12) | (v3 >>> 20)) + ((v4 << 18) | (v4 >>> 14));
  if (words === 8) return avalanche((lanes + 32) | 0);
  const h = (lanes + 36 + Math.imul(view.getInt32(at + 32, true), P3)) | 0;
  return avalanche(Math.imul(rotl(h, 17), P4));
}

/** XXH32 of `length` bytes of `view` from `offset`, as a signed 32-bit number. */
export function hashBytes(view: DataView, offset: number, length: number, seed: number): number {
  return hash(view, offset, length, seed, -1);
}

/** The same of a header of more words than usual, of which the eighth counts as zero: whoever sends noise claims one. */
export function hashLongHeader(view: DataView, at: number, words: number, seed: number): number {
  return hash(view, at, words << 2, seed, at + 16);
}

/** @param blank where the 16 bytes begin of which the last word counts as zero; -1: nowhere */
function hash(view: DataView, offset: number, length: number, seed: number, blank: number): number {
  const end = offset + length;
  let h: number;
  if (length >= 16) {
    let v1 = (seed + P1 + P2) | 0;
    let v2 = (seed + P2) | 0;
    let v3 = seed | 0;
    let v4 = (seed - P1) | 0;
    for (const last = end - 16; offset <= last; offset += 16) {
      v1 = round(v1, view.getInt32(offset, true));
      v2 = round(v2, view.getInt32(offset + 4, true));
      v3 = round(v3, view.getInt32(offset + 8, true));
      v4 = round(v4, offset === blank ? 0 : view.getInt32(offset + 12, true));
    }
    h = (rotl(v1, 1) + rotl(v2, 7) + rotl(v3, 12) + rotl(v4, 18)) | 0;
  } else {
    h = (seed + P5) | 0;
  }
  h = (h + length) | 0;
  for (; offset + 4 <= end; offset += 4) {
    h = Math.imul(rotl((h + Math.imul(view.getInt32(offset, true), P3)) | 0, 17), P4);
  }
  for (; offset < end; offset++) {
    h = Math.imul(rotl((h + Math.imul(view.getUint8(offset), P5)) | 0, 11), P1);
  }
  return avalanche(h);
}
