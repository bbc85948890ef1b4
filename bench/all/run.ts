// `npm run bench`: the whole report. Every part within its time; one that fails is told, and the rest goes on.
import { join } from 'node:path';

import { EmpError, type DriverName } from '../../src/index.js';
import { LENGTHS, runPeers } from '../peers/run.js';
import type { PeersResult } from '../peers/result.js';
import type { Progress } from '../pingpong/run.js';
import { runTest } from '../tests/runner.js';
import { failureOf, type Part } from './part.js';
import { measurePingpong } from './pingpong.js';
import { BUDGETS, ROUNDS, STEPS, type PartName } from './plan.js';
import { Archive, type Kept, type PartRecord } from './archive.js';

export interface AllOptions {
  /** Directory for results.json. */
  out: string;
  /** Where the page goes. */
  html: string;
  parts: readonly PartName[];
  drivers: readonly DriverName[];
  /** Of ping-pong. */
  rounds: number;
  warmup: number;
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
  onPart?: (part: PartRecord) => void;
}

export interface AllResults extends Kept {
  /** Where results.json is. */
  file: string;
}

/** An abort ends it early: what was measured is kept, and returned. */
export async function runAll(options: AllOptions): Promise<AllResults> {
  const archive = new Archive(join(options.out, 'results.json'), options.html);
  for (const name of options.parts) {
    if (options.signal.aborted) break;
    options.onPart?.(await runPart(name, options, archive));
  }
  archive.save();
  return { ...archive.kept, file: archive.file };
}

async function runPart(name: PartName, options: AllOptions, archive: Archive): Promise<PartRecord> {
  const { kept } = archive;
  // More rounds than usual take their time.
  const budget = name === 'pingpong' ? BUDGETS[name] * Math.max(1, options.rounds / ROUNDS) : BUDGETS[name];
  const [began, before] = [archive.elapsed, kept.results.length];
  const late = AbortSignal.timeout(budget * 1000);
  const signal = AbortSignal.any([options.signal, late]);
  const part: Part = {
    ...{ name, drivers: options.drivers, rounds: options.rounds, warmup: options.warmup, signal },
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    take: (result) => archive.take(result),
    fail: (failed) => void kept.failed.push(failed),
    async attempt(driver, work) {
      try {
        await work();
      } catch (error) {
        if (signal.aborted) throw error;
        part.fail(failureOf(name, driver, error));
      }
    },
  };
  await part.attempt(undefined, () => measure(part)).catch(() => undefined); // aborted
  const ended = options.signal.aborted ? 'interrupted' : late.aborted ? 'budget' : 'done';
  if (ended === 'budget') {
    part.fail(failureOf(name, undefined, new EmpError('ERR_EMP_TIMEOUT', `It was ended after its ${budget} s.`)));
  }
  const seconds = Math.round((archive.elapsed - began) * 10) / 10;
  const results = kept.results.length - before;
  const told: PartRecord = { test: name, budget_s: budget, elapsed_s: seconds, results, ended };
  kept.parts.push(told);
  archive.save();
  return told;
}

async function measure(part: Part): Promise<void> {
  if (part.name === 'pingpong') return measurePingpong(part);
  if (part.name === 'peers') return measurePeers(part);
  for (const { test, drivers, options } of STEPS[part.name]) {
    await part.attempt(undefined, () =>
      runTest(test, options, {
        drivers: drivers.filter((driver) => part.drivers.includes(driver)),
        tolerant: true,
        pin: true,
        signal: part.signal,
        onResult: ({ result }) => part.take(result),
        onFailed: (failed) => part.fail({ test: part.name, ...failed }),
        ...(part.onProgress === undefined ? {} : { onProgress: part.onProgress }),
      }),
    );
  }
}

async function measurePeers(part: Part): Promise<void> {
  await runPeers({
    ...LENGTHS.quick,
    drivers: part.drivers,
    pin: true,
    signal: part.signal,
    onResult: (result: PeersResult) => part.take(result),
    ...(part.onProgress === undefined ? {} : { onProgress: part.onProgress }),
  });
}
