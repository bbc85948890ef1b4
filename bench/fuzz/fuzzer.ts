import { Chance } from '../../src/sim/index.js';
import { Coverage } from './coverage.js';
import { mutate } from './mutate.js';
import type { Target } from './target.js';

export interface Hunt {
  readonly target: Target;
  /** What to begin with. */
  readonly corpus: readonly Uint8Array[];
  readonly seed: number;
  /** Coverage counts in modules whose URL begins so. */
  readonly within: string;
  /** Looked at before each few inputs. */
  readonly isOver: () => boolean;
  /** Told of each input before it is run: it may not come back. */
  readonly begin: (input: Uint8Array) => void;
  /** Reached code that none before it had. */
  readonly keep?: (input: Uint8Array) => void;
}

export interface Finding {
  readonly input: Uint8Array;
  readonly error: unknown;
}

/** The newest inputs that reached something are tried more often. */
const FRESH = 16;

/** A look at the coverage takes some ms: between two, inputs are run for longer than that. */
const BATCH_TIME = 30;
const LARGEST_BATCH = 256;

/**
 * Runs the corpus, then inputs that are made from it by small changes. Those that reach new code join it for as long as the hunt lasts.
 * @returns the first finding, if any
 */
export async function hunt(order: Hunt): Promise<Finding | undefined> {
  const { target, corpus, seed, within } = order;
  const chance = new Chance(seed);
  const pool = corpus.length > 0 ? [...corpus] : [new Uint8Array(0)];
  using coverage = new Coverage(within);
  const keep = (input: Uint8Array): void => {
    pool.push(input);
    order.keep?.(input);
  };
  let finding = await runAll(order, corpus);
  coverage.takeNews();
  let size = 1;
  while (finding === undefined && !order.isOver()) {
    const batch = Array.from({ length: size }, () =>
      mutate(pickOf(pool, chance), chance.pick(pool), chance, target.longest),
    );
    const begin = performance.now();
    finding = await runAll(order, batch);
    size = performance.now() - begin < BATCH_TIME ? Math.min(size * 2, LARGEST_BATCH) : Math.ceil(size / 2);
    if (finding === undefined && coverage.hasNews()) finding = await sift(order, batch, coverage, keep);
  }
  return finding;
}

/** Which of them is it that reaches new code? Halves are run again, and halves of those. */
async function sift(
  order: Hunt,
  batch: readonly Uint8Array[],
  coverage: Coverage,
  keep: (input: Uint8Array) => void,
): Promise<Finding | undefined> {
  const middle = batch.length >> 1;
  for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
    const finding = await runAll(order, half);
    if (finding !== undefined) return finding;
    if (half.length === 1 && coverage.takeNews()) keep(half[0]);
    if (half.length <= 1 || !coverage.hasNews()) continue;
    const inner = await sift(order, half, coverage, keep);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

async function runAll({ target, begin }: Hunt, inputs: readonly Uint8Array[]): Promise<Finding | undefined> {
  for (const input of inputs) {
    begin(input);
    try {
      await target.run(input);
    } catch (error) {
      return { input, error };
    }
  }
  return undefined;
}

function pickOf(pool: readonly Uint8Array[], chance: Chance): Uint8Array {
  const oldest = chance.happens(0.5) ? 0 : Math.max(0, pool.length - FRESH);
  return pool[chance.between(oldest, pool.length - 1)];
}
