/** Storm after storm, and what the process holds between them. */
import type { DriverName } from '../../src/index.js';
import { Chance } from '../../src/fault/chance.js';
import { MAX_SEED } from '../numbers.js';
import { drawStorm } from './plan.js';
import type { Site } from './site.js';
import { storm } from './storm.js';
import { complaints, growthOf, sample, type Growth, type Sample } from './watch.js';

export interface StormsOptions {
  readonly minutes: number;
  /** At most so many. */
  readonly storms: number;
  /** Of the first one; each has the next. */
  readonly seed: number;
  readonly drivers: readonly DriverName[];
  readonly site: Site;
  readonly onProgress: (state: Totals, now: Sample) => void;
  /** No further storm. */
  readonly signal: AbortSignal;
}

export interface Totals {
  readonly storms: number;
  readonly messages: number;
  readonly troubles: number;
  readonly restarts: number;
  /** Times frames took another path. */
  readonly switches: number;
}

export interface SoakResult extends Totals {
  readonly test: 'soak';
  readonly seed: number;
  readonly drivers: readonly DriverName[];
  readonly seconds: number;
  /** What went wrong; empty: nothing. */
  readonly found: readonly string[];
  /** The seed of the storm that did. */
  readonly failed: number | undefined;
  readonly growth: Growth;
  /** It went on for long enough to tell growth from warming up. */
  readonly isJudged: boolean;
  readonly samples: readonly Sample[];
}

/** From one sample to the next, at least, s: a collection takes time that storms could use. */
const EVERY = 1;
/** A shorter run says nothing of growth: the memory of the first minutes is caches, the compiler's and the allocator's. s */
const JUDGED = 180;
/** From one report to the next, s. */
const REPORT = 10;

export async function storms(options: StormsOptions): Promise<SoakResult> {
  const { minutes, storms: most, seed, drivers, site, onProgress, signal } = options;
  await site.prepare();
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 1000;
  const samples: Sample[] = [];
  const found: string[] = [];
  let totals: Totals = { storms: 0, messages: 0, troubles: 0, restarts: 0, switches: 0 };
  let reported = 0;
  let own = seed;
  const isOver = (): boolean =>
    signal.aborted || found.length > 0 || totals.storms >= most || elapsed() >= minutes * 60;
  do {
    own = seedOf(seed, totals.storms);
    const plan = drawStorm(new Chance(own), { drivers, lanes: site.lanes, hasLinks: site.hasLinks });
    const { found: faults, ...done } = await storm(plan, own, site);
    totals = add(totals, done);
    if (faults.length > 0) found.push(`storm of seed ${own}, over ${plan.drivers.join(', ')}:`, ...faults);
    if (elapsed() - (samples.at(-1)?.seconds ?? -Infinity) < EVERY && !isOver()) continue;
    const now = await sample(elapsed());
    samples.push(now);
    if (now.seconds - reported < REPORT) continue;
    reported = now.seconds;
    onProgress(totals, now);
  } while (!isOver());
  const failed = found.length > 0 ? own : undefined;
  const growth = growthOf(samples);
  const isJudged = elapsed() >= JUDGED;
  if (isJudged) found.push(...complaints(growth));
  const result = { seed, failed, drivers, seconds: elapsed(), ...totals, found, growth, isJudged, samples };
  return { test: 'soak', ...result };
}

/** Of the storm after so many others. */
function seedOf(first: number, count: number): number {
  return (first + count) % (MAX_SEED + 1);
}

function add(totals: Totals, { messages, troubles, restarts, switches }: Omit<Totals, 'storms'>): Totals {
  return {
    storms: totals.storms + 1,
    messages: totals.messages + messages,
    troubles: totals.troubles + troubles,
    restarts: totals.restarts + restarts,
    switches: totals.switches + switches,
  };
}
