import { flipBits } from '../../src/fault/damage.js';
import type { Chance, Packet } from '../../src/sim/index.js';
import { FrameType, HEADER_BYTES, destinationOf, word0, word1, word6, writeHeader } from '../../src/wire/header.js';

const REMEMBERED = 256;
const LONGEST = 1500;

/**
 * Somebody on the same wire who wants to do harm: it sees frames, but cannot know the two ids of a channel of which it has seen no frame, 64 random
 * bits. What it repeats stays on its wire: on another one its source would be nobody's address. (What is defended, and what is not: docs/security.md.) Every frame here is one that no honest host sends.
 */
export class Enemy {
  readonly #chance: Chance;
  /** By wire, and whom they were for: elsewhere, who gets them would answer with the ids that are in them. */
  readonly #seen = new Map<string, Pick<Packet, 'bytes' | 'from'>[]>();
  /** Who sent what the last frame was made of; undefined: nobody. */
  origin: string | undefined = undefined;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** A real frame went by on this wire. */
  see({ bytes, from, to }: Packet, wire: number): void {
    const seen = this.#seen.get(`${wire} ${to}`) ?? [];
    this.#seen.set(`${wire} ${to}`, seen);
    if (seen.length < REMEMBERED) seen.push({ bytes, from });
    else seen[this.#chance.between(0, REMEMBERED - 1)] = { bytes, from };
  }

  /** Something to throw at the host with this address on this wire. */
  frame(to: string, wire: number): Uint8Array {
    const chance = this.#chance;
    const seen = this.#seen.get(`${wire} ${to}`);
    const { bytes: real, from } = seen === undefined ? { bytes: this.#noise(64), from: undefined } : chance.pick(seen);
    this.origin = from;
    switch (chance.between(0, 6)) {
      case 0:
        return this.#noise(chance.between(0, LONGEST));
      case 1:
        return this.#flipped(real);
      case 2:
        return real.slice(0, chance.between(0, Math.max(0, real.length - 1)));
      case 3:
        return concat(this.#flipped(real), this.#noise(chance.between(0, 100)));
      case 4:
        return real; // once more, late
      case 5:
        return this.#forged(real.length >= HEADER_BYTES ? destinationOf(viewOf(real), 0) : chance.bits());
      default:
        return this.#forged(chance.bits());
    }
  }

  /** A header that is sound, with claims that are not: any type, flags and length, ids that are guessed. */
  #forged(destination: number): Uint8Array {
    const chance = this.#chance;
    const bits = () => chance.bits();
    const payload = this.#noise(chance.pick([0, 4, 20, 100]));
    const words = chance.happens(0.9) ? HEADER_BYTES >> 2 : chance.between(0, 255);
    const bytes = concat(new Uint8Array(Math.max(HEADER_BYTES, words << 2)), payload);
    const claimed = chance.happens(0.5) ? payload.length : chance.between(0, 65535);
    const type = chance.happens(0.9) ? chance.between(FrameType.connect, FrameType.path) : chance.between(0, 15);
    const w0 = word0(type, chance.happens(0.5) ? chance.between(0, 255) : 0, claimed);
    const w1 = word1(words, chance.between(0, 65535));
    writeHeader(
      viewOf(bytes),
      0,
      w0,
      w1,
      destination,
      bits(),
      bits(),
      bits(),
      word6(bits() & 0xffff) | (bits() & 0xffff),
    );
    return bytes;
  }

  #flipped(bytes: Uint8Array): Uint8Array {
    const copy = bytes.slice();
    // In the header, which is checked: a payload's bits are for payloadCheck to find.
    flipBits(copy, 0, Math.min(copy.length, HEADER_BYTES) * 8, this.#chance);
    return copy;
  }

  #noise(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.#chance.bits();
    return bytes;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
