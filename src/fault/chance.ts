/** Seeded chance (splitmix32): small, quick, and the same on every machine (`normal`, and delays with a tail, on those with the same Node). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 32 random bits, as a signed integer. */
  readonly bits = (): number => {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };

  /** From 0 to 1, 1 excluded. */
  get share(): number {
    return (this.bits() >>> 0) / 2 ** 32;
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.share * (high - low + 1));
  }

  /** Normally distributed, mean 0 and deviation 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.share)) * Math.cos(2 * Math.PI * this.share);
  }

  happens(probability: number): boolean {
    return probability > 0 && this.share < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)];
  }

  /** Another stream of chance, so that using more of one does not change the other. */
  fork(): Chance {
    return new Chance(this.bits());
  }
}
