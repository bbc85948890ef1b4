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

/** Notes each round that arrives. A round in its order, which all should be, costs a comparison. */
export class Tally {
  readonly #capacity: number;
  /** The round that should come next. */
  expected = 0;
  /** Rounds that later ones overtook and that have not come since. */
  readonly #missing = new Set<number>();
  #doubled = 0;
  #reordered = 0;
  #corrupted = 0;

  /** @param capacity rounds that there will be */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  see(round: number, intact: boolean): void {
    if (round === this.expected && intact && round < this.#capacity) this.expected = round + 1;
    else this.#odd(round, intact);
  }

  #odd(round: number, intact: boolean): void {
    if (!intact || round < 0 || round >= this.#capacity) this.#corrupted += 1;
    else if (round >= this.expected) {
      for (let missing = this.expected; missing < round; missing += 1) this.#missing.add(missing);
      this.expected = round + 1;
    } else if (this.#missing.delete(round)) this.#reordered += 1;
    else this.#doubled += 1;
  }

  /** Lost is what never came of the first `rounds`. */
  losses(rounds: number): Losses {
    let lost = Math.max(0, rounds - this.expected);
    for (const round of this.#missing) if (round < rounds) lost += 1;
    return { lost, doubled: this.#doubled, reordered: this.#reordered, corrupted: this.#corrupted };
  }
}
