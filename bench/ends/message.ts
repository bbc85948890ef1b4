// What a message of a measurement says, so that its receiver sees by itself that it is the next one and whole: its number in the first four bytes,
// the complement of that in the last four. With `verify` every byte in between follows from the number, too, and is checked.
import { isIntact, readRound, writePayload } from '../pingpong/payload.js';

/** From here on a message has room for its number twice; a shorter one has a number as far as it goes. */
const BOTH = 8;

/** Writes and reads messages in one memory: that of a NIC, or a buffer. */
export class MessageWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(
    bytes: Uint8Array,
    readonly size: number,
    readonly verify: boolean,
  ) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  write(at: number, number: number): void {
    const { size } = this;
    if (this.verify || size < BOTH) return writePayload(this.#bytes, at, size, number);
    this.#view.setUint32(at, number, true);
    this.#view.setUint32(at + size - 4, ~number, true);
  }
}

/** Reads messages that lie in a NIC's memory or, if they came in several frames, elsewhere. */
export class MessageReader {
  readonly #memory: Uint8Array;
  readonly #view: DataView;

  constructor(
    memory: Uint8Array,
    readonly verify: boolean,
  ) {
    this.#memory = memory;
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  }

  /** The number it says to have. */
  number(bytes: Uint8Array, at: number, length: number, expected: number): number {
    if (length >= 4 && bytes === this.#memory) return this.#view.getUint32(at, true);
    return readRound(bytes, at, length, expected);
  }

  isWhole(bytes: Uint8Array, at: number, length: number, number: number): boolean {
    if (this.verify || length < BOTH) return isIntact(bytes, at, length, number);
    if (bytes === this.#memory) return (this.#view.getUint32(at + length - 4, true) ^ ~number) === 0;
    return (readRound(bytes, at + length - 4, 4, 0) ^ ~number) === 0;
  }
}
