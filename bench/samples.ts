/** Round-trip times as they are reported: µs, percentiles by nearest rank over every sample. */
export interface Summary {
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  /** Of 100 000 samples or more. */
  readonly p99999?: number;
  /** Of a million samples or more. */
  readonly p999999?: number;
  readonly max: number;
  readonly mean: number;
}

/** The smallest sample that at least `share` of all do not exceed. The samples are sorted. */
export function percentile(sorted: Float64Array, share: number): number {
  // 0.9 x 10 is a little more than 9 in binary: the tolerance keeps the rank that is meant.
  const rank = Math.ceil(share * sorted.length - 1e-9);
  return sorted[Math.max(0, rank - 1)] ?? NaN;
}

/** Sorts `samples` in place. */
export function summarize(samples: Float64Array): Summary {
  samples.sort();
  let sum = 0;
  for (const sample of samples) sum += sample;
  return {
    min: samples[0] ?? NaN,
    p50: percentile(samples, 0.5),
    p90: percentile(samples, 0.9),
    p99: percentile(samples, 0.99),
    p999: percentile(samples, 0.999),
    p9999: percentile(samples, 0.9999),
    ...(samples.length < 1e5 ? {} : { p99999: percentile(samples, 0.99999) }),
    ...(samples.length < 1e6 ? {} : { p999999: percentile(samples, 0.999999) }),
    max: samples[samples.length - 1] ?? NaN,
    mean: sum / samples.length,
  };
}

/** Room for `slices` runs, one after the other: pooled, their percentiles are over all samples. */
export class Pool {
  readonly #samples: Float64Array;
  #count = 0;

  constructor(capacity: number) {
    this.#samples = new Float64Array(capacity);
  }

  add(samples: Float64Array): void {
    this.#samples.set(samples, this.#count);
    this.#count += samples.length;
  }

  /** The samples so far in their order, a view. */
  get samples(): Float64Array {
    return this.#samples.subarray(0, this.#count);
  }
}

export function rounded(summary: Summary): Summary {
  const entries = Object.entries(summary) as [keyof Summary, number][];
  return Object.fromEntries(entries.map(([name, us]) => [name, Math.round(us * 1000) / 1000])) as unknown as Summary;
}
