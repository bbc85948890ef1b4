// Runs a bare C ping-pong (bench/c): the floor of a path, beside which ours is read.
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Wait } from './pingpong/commands.js';
import {
  endFlags,
  firstLine,
  flagWords,
  floorProgram,
  output,
  startProgram,
  stopProgram,
  type FloorEnd,
  type FloorPath,
} from './program.js';

/** How a bare C program waits: it spins, sleeps in poll(), or sleeps when it has spun for as long as a host that is `adaptive`. */
export type FloorWait = 'spin' | 'block' | 'adaptive';

/** As ours does. */
export function floorWaitOf(wait: Wait): FloorWait {
  return wait === 'event' ? 'block' : wait;
}

/** As long as ours polls before it sleeps, µs. */
const PATIENCE = 50;
const WAIT_FLAGS: Readonly<Record<FloorWait, readonly string[]>> = {
  spin: [],
  block: ['--block'],
  adaptive: ['--block', '--patience', String(PATIENCE)],
};

export interface FloorOptions {
  path: FloorPath;
  /** xdp: what ours obtained, so that like is compared with like. */
  mode?: string;
  client: FloorEnd;
  server: FloorEnd;
  size: number;
  rounds: number;
  warmup: number;
  wait: FloorWait;
  /** Rounds/s that are due, and the time counts from then; default: a round follows the last one. */
  rate?: number;
  signal?: AbortSignal;
}

export interface Floor {
  readonly mode: string;
  readonly lost: number;
  readonly stale: number;
  readonly wrong: number;
  readonly elapsed_us_per_round: number;
  /** µs, in the order of the rounds. */
  readonly samples: Float64Array;
}

/** One run of server and client, pinned. */
export async function runFloor(options: FloorOptions): Promise<Floor> {
  const raw = await namelessFile();
  const server = start(options, 'server', options.server);
  try {
    const [, port] = (await firstLine(server)).split(' ');
    const peer = options.client.peer?.replace(/:0$/, `:${port}`);
    const end = { ...options.client, ...(peer === undefined ? {} : { peer }) };
    const client = start(options, 'client', end, raw);
    const report = JSON.parse(await output(client, options.signal)) as Omit<Floor, 'samples'>;
    const samples = new Float64Array(options.rounds);
    await raw.read(samples, { position: 0 });
    return { ...report, samples };
  } finally {
    await Promise.all([stopProgram(server), raw.close()]);
  }
}

/** A file that is gone with the last process that has it open, however that ends. */
async function namelessFile(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), `emp-bench-${process.pid}-`));
  try {
    return await open(join(folder, 'samples'), 'wx+');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function start(options: FloorOptions, role: string, end: FloorEnd, raw?: FileHandle): ChildProcess {
  const { mode, size, rounds, warmup, rate } = options;
  const flags = flagWords({ role, mode, size, rounds, warmup, rate, ...endFlags(end) });
  const samples = raw === undefined ? [] : ['--raw', '/proc/self/fd/3'];
  const words = [floorProgram(options.path), ...flags, ...WAIT_FLAGS[options.wait], ...samples];
  return startProgram(words, ['ignore', 'pipe', 'pipe', raw?.fd ?? 'ignore']);
}
