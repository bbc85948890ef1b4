// `npm run bench`: every measurement there is, over every driver that works here. Prints a table and writes results.json.
// Missed targets are marked; they do not fail the run, because a busy machine misses them too.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { EmpError, type DriverName } from '../src/index.js';
import { describeMachine, machineLine } from './machine.js';
import type { PingpongResult } from './pingpong/result.js';
import { pingpong, type Progress } from './pingpong/run.js';
import { verdicts } from './targets.js';

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
  const results: PingpongResult[] = [];
  const failed: AllResults['failed'] = [];
  for (const driver of DRIVERS) {
    try {
      const measured = await pingpong({
        driver,
        sizes: [16],
        rounds,
        warmup,
        wait: 'spin',
        baseline: true,
        slices: 4,
        checkAllocations: true,
        pin: true,
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onProgress }),
      });
      results.push(...measured.map(({ result }) => result));
    } catch (error) {
      if (!(error instanceof EmpError) || signal?.aborted === true) throw error;
      failed.push({ driver, code: error.code, reason: error.message });
    }
  }
  const file = join(out, 'results.json');
  await mkdir(out, { recursive: true });
  await writeFile(file, `${JSON.stringify({ machine: describeMachine(), results, failed }, null, 2)}\n`);
  return { results, failed, file };
}

export function summary({ results, failed, file }: AllResults): string {
  const lines = [machineLine(describeMachine()), ''];
  for (const result of results) {
    const { driver, mode, rtt_us, baseline } = result;
    const floor =
      baseline === null ? '' : `; bare C ${baseline.rtt_us.p50.toFixed(2)} / ${baseline.rtt_us.p99.toFixed(2)}`;
    lines.push(`${driver} (${mode}): p50 / p99 ${rtt_us.p50.toFixed(2)} / ${rtt_us.p99.toFixed(2)} us${floor}`);
    for (const { target, value, met } of verdicts(result)) {
      lines.push(`  ${met ? 'met   ' : 'MISSED'}  ${target}: ${value}`);
    }
  }
  for (const { driver, reason } of failed) lines.push(`${driver}: not measured. ${reason}`);
  lines.push('', `Results: ${file}`);
  return lines.join('\n');
}
