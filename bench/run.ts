// `npm run bench`: every measurement there is, over every driver that works here. Prints a table and writes results.json.
// Missed targets are marked; they do not fail the run, because a busy machine misses them too.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ArgumentError, EmpError, type DriverName } from '../src/index.js';
import { describeMachine, machineLine } from './machine.js';
import type { PingpongResult } from './pingpong/result.js';
import { pingpong, type PingpongOptions, type Progress } from './pingpong/run.js';
import { verdicts } from './targets.js';

/** Sizes at which the cost of checking payloads is measured: the smallest worth it, and a frame that is nearly full. */
const CHECKED_SIZES = [16, 1400];

const DRIVERS: readonly DriverName[] = ['xdp', 'packet', 'udp', 'memory'];

export interface AllOptions {
  /** Directory for results.json. */
  out: string;
  rounds: number;
  warmup: number;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface AllResults {
  results: PingpongResult[];
  /** Drivers that do not work here, and why. */
  failed: { driver: DriverName; code: string; reason: string }[];
  /** Where results.json is. */
  file: string;
}

export async function runAll({ out, rounds, warmup, signal, onProgress }: AllOptions): Promise<AllResults> {
  // Before anything is measured: minutes of work must not be lost for want of a place.
  const file = await placeFor(out);
  const results: PingpongResult[] = [];
  const failed: AllResults['failed'] = [];
  const common = {
    warmup,
    wait: 'spin',
    baseline: true,
    slices: 4,
    checkAllocations: true,
    pin: true,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  } as const;
  const measure = async (
    options: Pick<PingpongOptions, 'driver' | 'sizes' | 'rounds' | 'payloadCheck' | 'floorMode'>,
  ) => {
    const measured = await pingpong({ ...common, ...options });
    results.push(...measured.map(({ result }) => result));
  };
  for (const driver of DRIVERS) {
    try {
      await measure({ driver, sizes: [16], rounds, payloadCheck: false });
    } catch (error) {
      if (!(error instanceof EmpError) || signal?.aborted === true) throw error;
      failed.push({ driver, code: error.code, reason: error.message });
    }
  }
  // The other bare C program for AF_PACKET: recv instead of the ring.
  if (results.some(({ driver }) => driver === 'packet')) {
    await measure({
      driver: 'packet',
      sizes: [16],
      rounds: Math.ceil(rounds / 5),
      payloadCheck: false,
      floorMode: 'recv',
    });
  }
  // What checking payloads costs, over the first driver that worked.
  const driver = results[0]?.driver;
  if (driver !== undefined) {
    for (const payloadCheck of [false, true]) {
      await measure({ driver, sizes: CHECKED_SIZES, rounds: Math.ceil(rounds / 5), payloadCheck });
    }
  }
  await writeFile(file, `${JSON.stringify({ machine: describeMachine(), results, failed }, null, 2)}\n`);
  return { results, failed, file };
}

async function placeFor(out: string): Promise<string> {
  const file = join(out, 'results.json');
  try {
    await mkdir(out, { recursive: true });
    await writeFile(file, '');
    return file;
  } catch (cause) {
    throw new ArgumentError(`Nothing can be written to '${out}': ${(cause as Error).message}.`, {
      remedy: 'Name another directory with --out.',
      cause,
    });
  }
}

export function summary({ results, failed, file }: AllResults): string {
  const lines = [machineLine(describeMachine()), ''];
  for (const result of results) {
    const { driver, mode, size, payload_check, rtt_us, baseline } = result;
    const floor =
      baseline === null
        ? ''
        : `; bare C (${baseline.mode}) ${baseline.rtt_us.p50.toFixed(2)} / ${baseline.rtt_us.p99.toFixed(2)}`;
    const what = `${size} B${payload_check ? ', payloads checked' : ''}`;
    lines.push(
      `${driver} (${mode}), ${what}: p50 / p99 ${rtt_us.p50.toFixed(2)} / ${rtt_us.p99.toFixed(2)} us${floor}`,
    );
    if (size !== 16 || payload_check) continue;
    for (const { target, value, met } of verdicts(result)) {
      lines.push(`  ${met ? 'met   ' : 'MISSED'}  ${target}: ${value}`);
    }
  }
  for (const { driver, reason } of failed) lines.push(`${driver}: not measured. ${reason}`);
  lines.push('', `Results: ${file}`);
  return lines.join('\n');
}
