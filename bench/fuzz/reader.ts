/** Makes decisions of the bytes of an input. Any bytes are a whole story: when they are over, all that follows is 0. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isOver(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.isOver ? 0 : this.#bytes[this.#at++];
  }

  /** From -128 to 127. */
  signed(): number {
    return (this.byte() << 24) >> 24;
  }

  word(): number {
    return this.byte() | (this.byte() << 8);
  }

  int(): number {
    return this.word() | (this.word() << 16);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.byte() % choices.length];
  }

  take(length: number): Uint8Array {
    const taken = new Uint8Array(length);
    taken.set(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at = Math.min(this.#bytes.length, this.#at + length);
    return taken;
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at);
  }
}
