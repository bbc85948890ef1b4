// What ours takes turns with: a bare C program of the same path, or iperf3.
import { spawnSync } from 'node:child_process';

import { floorWaitOf, runFloor } from '../baseline.js';
import { runFlood } from '../flood.js';
import { IPERF3_WRITE, runIperf3 } from '../iperf3.js';
import type { Cores } from '../machine.js';
import type { Setup } from '../pingpong/setup.js';
import { floorMissing, type FloorPath } from '../program.js';
import type { Figures } from './result.js';
import type { Floor, TestOptions } from './test.js';

/** What one slice of it brought. */
export interface FloorRun {
  readonly mode: string;
  /** Bytes of its frames, datagrams, writes, messages. */
  readonly size: number;
  readonly figures: Figures & { frames_per_s?: number };
  /** Round trips in their order, µs. */
  readonly samples?: Float64Array;
  /** The longest pause of the receiving loop, ms. */
  readonly stall?: number;
}

export interface FloorPlace {
  readonly path: FloorPath;
  readonly ends: NonNullable<Setup['floor']>;
  readonly cores: Cores | undefined;
  readonly signal: AbortSignal | undefined;
}

/** About what a round takes, µs, to choose as many as fill a time: between ends that spin, or block. */
const ROUND = { spin: 4, adaptive: 4, block: 25 };

let iperf3Works: boolean | undefined;

/** Whether iperf3 is installed. */
export function hasIperf3(): boolean {
  iperf3Works ??= spawnSync('iperf3', ['--version']).status === 0;
  return iperf3Works;
}

/** Why it cannot run, or undefined. */
export function floorObstacle({ program }: Floor, path: FloorPath): string | undefined {
  return program === 'iperf3' ? undefined : floorMissing(path, program);
}

export async function runOther(floor: Floor, place: FloorPlace, options: TestOptions): Promise<FloorRun> {
  const { path, ends, cores } = place;
  const pinned = (core: number | undefined): object => (core === undefined ? {} : { core });
  const both = {
    client: { ...ends.client, ...pinned(cores?.client) },
    server: { ...ends.server, ...pinned(cores?.server) },
    ...(place.signal === undefined ? {} : { signal: place.signal }),
  };
  const seconds = options.seconds / options.slices;
  const { size } = floor;
  const mode = floor.mode === undefined ? {} : { mode: floor.mode };
  if (floor.program === 'iperf3') {
    return { mode: 'tcp', size: IPERF3_WRITE, figures: { gbit_per_s: await runIperf3({ ...both, seconds }) } };
  }
  if (floor.program === 'flood') {
    const times = { warmup: options.warmup, measured: Math.ceil(seconds * 1000) };
    const {
      mode: obtained,
      frames_per_s,
      gbit_per_s,
      stall_ms,
    } = await runFlood({
      path,
      ...mode,
      ...both,
      size,
      ...times,
    });
    return { mode: obtained, size, figures: { frames_per_s, gbit_per_s }, stall: stall_ms };
  }
  const wait = floorWaitOf(options.wait);
  const { rate } = floor;
  const rounds = Math.ceil(seconds * (rate ?? 1e6 / ROUND[wait]));
  const warmup = Math.ceil(rounds / 10);
  const schedule = rate === undefined ? {} : { rate };
  const { mode: obtained, samples } = await runFloor({
    path,
    ...mode,
    ...both,
    ...schedule,
    size,
    rounds,
    warmup,
    wait,
  });
  return { mode: obtained, size, figures: {}, samples };
}
