/**
 * `npm run swarm`: stories of seeds, on all cores. A story that goes wrong is told with its seed, and the command that tells it again.
 */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

import { MAX_SEED, minutes as minutesOf, whole } from '../numbers.js';
import { KNOWN } from './seeds.js';
import { tell } from './story.js';

const USAGE = `Usage: npm run swarm -- [--seeds N | --minutes M] [--first SEED] [--seed SEED]

  --seeds N      so many seeds, after those that once failed (default 1000)
  --minutes M    as many as that time takes
  --first SEED   the first one; the others follow it (default: by chance)
  --seed SEED    this one alone, twice: its story must be the same`;
/** One in so many is told twice. */
const TWICE = 16;
/** Exit code after Ctrl-C. */
const INTERRUPTED = 130;
/** ms */
const MINUTE = 60_000;

interface Report {
  readonly seed: number;
  readonly found: readonly string[];
}

/** The story of a seed; if `again`, told twice. */
async function report(seed: number, again: boolean): Promise<Report> {
  try {
    const { found, digest } = await tell(seed);
    const second = again ? (await tell(seed)).digest : digest;
    return { seed, found: second === digest ? found : [...found, `two stories: ${digest} and ${second}`] };
  } catch (error) {
    return { seed, found: [String(error instanceof Error ? error.stack : error)] };
  }
}

function work(): void {
  parentPort!.on('message', (seed: number) => {
    void report(seed, seed % TWICE === 0).then((done) => parentPort!.postMessage(done));
  });
}

interface Wish {
  readonly seeds: number;
  readonly until: number;
  readonly first: number;
  readonly only: number | undefined;
}

function wishOf(args: readonly string[]): Wish {
  const option = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { seeds: option, minutes: option, first: option, seed: option, help: { type: 'boolean' } },
  });
  if (values.help === true) {
    console.log(USAGE);
    process.exit(0);
  }
  const { seeds, minutes, first, seed } = values;
  if (seeds !== undefined && minutes !== undefined) throw new Error('--seeds and --minutes exclude each other.');
  if (seed !== undefined && (seeds ?? minutes ?? first) !== undefined) throw new Error('--seed stands alone.');
  return {
    seeds: minutes === undefined ? whole('seeds', seeds ?? '1000') : Infinity,
    until: minutes === undefined ? Infinity : performance.now() + minutesOf('minutes', minutes) * MINUTE,
    first: first === undefined ? randomInt(MAX_SEED) : whole('first', first),
    only: seed === undefined ? undefined : whole('seed', seed),
  };
}

/** Gives seeds to threads, one after the other. */
async function swarm({ seeds, until, first }: Wish): Promise<Report[]> {
  const failed: Report[] = [];
  const start = performance.now();
  let given = 0;
  let told = 0;
  const next = (): number | undefined => {
    if (given < KNOWN.length) return KNOWN[given++];
    const index = given - KNOWN.length;
    if (index >= seeds || performance.now() > until) return undefined;
    given++;
    return (first + index) % (MAX_SEED + 1);
  };
  const seconds = (): number => (performance.now() - start) / 1000;
  const clock = setInterval(
    () => console.log(`${told} seeds in ${seconds().toFixed(0)} s so far, the first ${first}`),
    MINUTE,
  );
  const summary = (): string =>
    `${told} seeds (${Math.min(told, KNOWN.length)} known, then from ${first}) in ${seconds().toFixed(1)} s: ${failed.length} failed`;
  process.once('SIGINT', () => {
    console.log(summary());
    process.exit(INTERRUPTED);
  });
  console.log(`Seeds from ${first}, after ${KNOWN.length} that once failed.`);
  await Promise.all(
    Array.from({ length: availableParallelism() }, () =>
      tellAll(next, (done) => {
        told++;
        if (done.found.length === 0) return;
        failed.push(done);
        tellFailure(done);
      }),
    ),
  );
  clearInterval(clock);
  console.log(summary());
  return failed;
}

/** One thread. Should a story kill it, that story has failed. */
async function tellAll(next: () => number | undefined, done: (report: Report) => void): Promise<void> {
  for (let seed = next(); seed !== undefined;) {
    const worker = new Worker(fileURLToPath(import.meta.url));
    await new Promise<void>((resolve) => {
      worker.on('message', (one: Report) => {
        done(one);
        seed = next();
        if (seed === undefined) resolve();
        else worker.postMessage(seed);
      });
      worker.on('error', (error) => {
        done({ seed: seed!, found: [String(error.stack)] });
        seed = next();
        resolve();
      });
      worker.postMessage(seed);
    });
    await worker.terminate();
  }
}

function tellFailure({ seed, found }: Report): void {
  const rows = found.slice(0, 10).map((line) => `  ${line}`);
  console.log([`seed ${seed} failed: npm run swarm -- --seed ${seed}`, ...rows].join('\n'));
}

async function main(): Promise<void> {
  let wish: Wish;
  try {
    wish = wishOf(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (wish.only === undefined) {
    process.exitCode = (await swarm(wish)).length === 0 ? 0 : 1;
    return;
  }
  const one = await report(wish.only, true);
  if (one.found.length > 0) tellFailure(one);
  else console.log(`seed ${wish.only}: nothing went wrong, twice`);
  process.exitCode = one.found.length === 0 ? 0 : 1;
}

if (isMainThread) await main();
else work();
