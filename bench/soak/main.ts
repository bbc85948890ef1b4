/** `npm run soak`: a million ping-pongs over each driver; with --minutes, storms for so long. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { isMainThread, workerData } from 'node:worker_threads';

import type { DriverName, NicOptions } from '../../src/index.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { pingPongs, serve } from './pingpong.js';
import { storms } from './storm.js';

const USAGE = `Usage: npm run soak -- [--rounds N | --minutes M [--seed S]] [--driver NAME ...]

  --rounds N     ping-pongs over each driver (default 1000000)
  --minutes M    storms instead: random channels, faults and ends over all drivers
  --seed S       of the first storm; the others follow (default: by chance)
  --driver NAME  memory, udp, packet, xdp; may be repeated (default: all that work here)`;
const MAX_SEED = 2 ** 31 - 1;

function whole(name: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= most) return value;
  throw new Error(`--${name} is '${text}'; expected a whole number from 0 to ${most}.`);
}

interface Wish {
  readonly rounds: number;
  readonly minutes: number | undefined;
  readonly seed: number;
  readonly drivers: readonly DriverName[];
}

function wishOf(args: readonly string[], all: readonly DriverName[]): Wish {
  const option = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: option, minutes: option, seed: option, driver: { ...option, multiple: true } },
  });
  const { rounds = '1000000', minutes, seed, driver = [...all] } = values;
  const unknown = driver.find((name) => !(all as readonly string[]).includes(name));
  if (unknown !== undefined) throw new Error(`--driver is '${unknown}'; here work ${all.join(', ')}.`);
  return {
    rounds: whole('rounds', rounds, MAX_SEED),
    minutes: minutes === undefined ? undefined : whole('minutes', minutes, 10_000),
    seed: seed === undefined ? randomInt(MAX_SEED) : whole('seed', seed, MAX_SEED),
    drivers: driver as DriverName[],
  };
}

async function main(): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  let wish: Wish;
  try {
    wish = wishOf(process.argv.slice(2), isRoot ? ['memory', 'udp', 'packet', 'xdp'] : ['memory', 'udp']);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  const { rounds, minutes, seed, drivers } = wish;
  const testbed = isRoot ? await Testbed.up() : undefined;
  try {
    if (minutes === undefined) {
      process.exitCode = (await pingPongs(rounds, drivers, testbed)) ? 0 : 1;
      return;
    }
    const found = await storms({ until: performance.now() + minutes * 60_000, seed, drivers, testbed });
    console.log(found.length === 0 ? 'Nothing was lost, changed or left.' : found.join('\n'));
    process.exitCode = found.length === 0 ? 0 : 1;
  } finally {
    await testbed?.down();
  }
}

await (isMainThread ? main() : serve(workerData as NicOptions));
