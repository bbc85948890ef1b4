export interface Losses {
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  readonly corrupted: number;
}

export const NO_LOSSES: Losses = { lost: 0, doubled: 0, reordered: 0, corrupted: 0 };

export function addLosses(a: Losses, b: Losses): Losses {
  return {
    lost: a.lost + b.lost,
    doubled: a.doubled + b.doubled,
    reordered: a.reordered + b.reordered,
    corrupted: a.corrupted + b.corrupted,
  };
}

/** Notes each round that arrives. Counting allocates nothing. */
export class Tally {
  /** How often each round has come. */
  readonly #seen: Uint8Array;
  /** The round that should come next. */
  expected = 0;
  #doubled = 0;
  #reordered = 0;
  #corrupted = 0;

  constructor(capacity: number) {
    this.#seen = new Uint8Array(capacity);
  }

  see(round: number, intact: boolean): void {
    if (!intact || round < 0 || round >= this.#seen.length) {
      this.#corrupted += 1;
      return;
    }
    if (this.#seen[round] !== 0) this.#doubled += 1;
    else if (round < this.expected) this.#reordered += 1;
    this.#seen[round] = 1;
    if (round >= this.expected) this.expected = round + 1;
  }

  /** Lost is what never came of the first `rounds`. */
  losses(rounds: number): Losses {
    let lost = 0;
    for (let round = 0; round < rounds; round += 1) if (this.#seen[round] === 0) lost += 1;
    return { lost, doubled: this.#doubled, reordered: this.#reordered, corrupted: this.#corrupted };
  }
}
