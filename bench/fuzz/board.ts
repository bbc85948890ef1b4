const WORDS = 2;
const HEAD = WORDS * 4;

/** The input that a thread works at, where another thread can read it though the first one never comes back. */
export class Board {
  /** How many inputs there have been; the length of this one. */
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(readonly memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, WORDS);
    this.#bytes = new Uint8Array(memory, HEAD);
  }

  static make(longest: number): Board {
    return new Board(new SharedArrayBuffer(HEAD + longest));
  }

  write(input: Uint8Array): void {
    this.#bytes.set(input);
    this.#words[1] = input.length;
    Atomics.add(this.#words, 0, 1);
  }

  get count(): number {
    return Atomics.load(this.#words, 0);
  }

  read(): Uint8Array {
    return this.#bytes.slice(0, this.#words[1]);
  }
}
