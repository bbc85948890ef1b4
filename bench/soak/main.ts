/** `npm run soak`: a million ping-pongs over each driver; with --minutes or --storms, storms. */
import { randomInt } from 'node:crypto';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isMainThread, workerData } from 'node:worker_threads';

import type { DriverName, NicOptions } from '../../src/index.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { MAX_SEED, minutes as minutesOf, whole } from '../numbers.js';
import { graph } from './graph.js';
import { pingPongs, serve } from './pingpong.js';
import { Site } from './site.js';
import { storms, type SoakResult, type Totals } from './storms.js';
import type { Sample } from './watch.js';

const USAGE = `Usage: npm run soak -- [--rounds N | [--minutes M] [--storms N] [--seed S] [--svg FILE] [--json]] [--driver NAME ...]

  --rounds N     ping-pongs over each driver (default 1000000)
  --minutes M    storms instead: random channels, faults, fail-overs and restarts over all drivers
  --storms N     so many storms, at most
  --seed S       of the first storm; the others follow (default: by chance)
  --svg FILE     draws memory over time
  --json         one line of JSON at the end; progress goes to the error stream
  --driver NAME  memory, udp, packet, xdp; may be repeated (default: all that work here)`;
const LANES = 3;
/** Exit code after Ctrl-C. */
const INTERRUPTED = 130;

interface Wish {
  readonly rounds: number;
  /** Undefined: no storms. */
  readonly storms: { readonly minutes: number; readonly storms: number } | undefined;
  readonly seed: number;
  readonly svg: string | undefined;
  readonly json: boolean;
  readonly drivers: readonly DriverName[];
}

function wishOf(args: readonly string[], all: readonly DriverName[]): Wish {
  const option = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ rounds: option, minutes: option, storms: option, seed: option, svg: option, json: { type: 'boolean' } },
      ...{ driver: { ...option, multiple: true }, help: { type: 'boolean' } },
    },
  });
  if (values.help === true) {
    console.log(USAGE);
    process.exit(0);
  }
  const { rounds, minutes, storms: most, seed, svg, json = false, driver = [...all] } = values;
  const unknown = driver.find((name) => !(all as readonly string[]).includes(name));
  if (unknown !== undefined) throw new Error(`--driver is '${unknown}'; here work ${all.join(', ')}.`);
  const isStormy = minutes !== undefined || most !== undefined;
  if (isStormy && rounds !== undefined) throw new Error('--rounds is of ping-pongs, --minutes and --storms of storms.');
  if (!isStormy && (seed !== undefined || svg !== undefined || json))
    throw new Error('--seed, --svg and --json are of storms: give --minutes or --storms, too.');
  return {
    rounds: whole('rounds', rounds ?? '1000000'),
    storms: isStormy
      ? {
          minutes: minutes === undefined ? Infinity : minutesOf('minutes', minutes),
          storms: most === undefined ? Infinity : whole('storms', most, 1),
        }
      : undefined,
    seed: seed === undefined ? randomInt(MAX_SEED) : whole('seed', seed),
    ...{ svg, json, drivers: driver as DriverName[] },
  };
}

async function main(): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  let wish: Wish;
  try {
    wish = wishOf(process.argv.slice(2), isRoot ? ['memory', 'udp', 'packet', 'xdp'] : ['memory', 'udp']);
    if (wish.svg !== undefined) closeSync(openSync(wish.svg, 'a')); // a place that cannot be written is told now
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  const stormy = wish.storms !== undefined;
  const testbed = isRoot ? await Testbed.up(stormy ? { links: LANES, switched: true } : {}) : undefined;
  try {
    const isWell = stormy
      ? await weather(wish, new Site(testbed))
      : await pingPongs(wish.rounds, wish.drivers, testbed);
    process.exitCode ??= isWell ? 0 : 1;
  } finally {
    await testbed?.down();
  }
}

/** Returns whether all was well. */
async function weather({ storms: span, seed, drivers, svg, json }: Wish, site: Site): Promise<boolean> {
  const say = json ? console.error : console.log;
  say(`The first storm has seed ${seed}.`);
  const onProgress = (totals: Totals, now: Sample): void => say(progress(totals, now));
  const stop = new AbortController();
  // The storm that rages comes to its end, and all is told; the second one ends the process at once.
  process.once('SIGINT', () => {
    process.exitCode = INTERRUPTED;
    stop.abort();
  });
  const result = await storms({ ...span!, seed, drivers, site, onProgress, signal: stop.signal });
  if (svg !== undefined) writeFileSync(svg, graph(result));
  if (json) console.log(JSON.stringify(result));
  else console.log(summary(result));
  return result.found.length === 0;
}

function progress({ storms: count, messages, troubles, restarts, switches }: Totals, now: Sample): string {
  const memory = (now.rss / 2 ** 20).toFixed(0);
  return (
    `${now.seconds.toFixed(0)} s: ${count} storms, ${messages} messages, ${troubles} troubles, ${restarts} restarts, ` +
    `${switches} changes of path; ${now.descriptors} descriptors, ${memory} MiB`
  );
}

function summary({ found, failed, growth, isJudged, samples, drivers, ...totals }: SoakResult): string {
  const last = samples[samples.length - 1];
  const slope = ((growth.slope * 60) / 2 ** 20).toFixed(2);
  const only = drivers.map((driver) => `--driver ${driver}`).join(' ');
  return [
    progress(totals, { ...last, seconds: totals.seconds }),
    isJudged ? `After the first third memory grows by ${slope} MiB a minute.` : 'Too short to judge growth.',
    found.length === 0 ? 'Nothing was lost, changed or left.' : found.join('\n'),
    ...(failed === undefined ? [] : [`Again: npm run soak -- --storms 1 --seed ${failed} ${only}`]),
  ].join('\n');
}

await (isMainThread ? main() : serve(workerData as NicOptions));
