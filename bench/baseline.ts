// Runs a bare C ping-pong (bench/c): the floor of a path, beside which ours is read.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { EmpError, type DriverName } from '../src/index.js';
import { packageRoot } from '../src/nic/native.js';

export type FloorPath = Exclude<DriverName, 'memory'>;

/** Flags of one end; see bench/c/common.h. */
export interface FloorEnd {
  namespace?: string;
  interface?: string;
  local?: string;
  peer?: string;
  core?: number;
}

export interface FloorOptions {
  path: FloorPath;
  /** xdp: what ours obtained, so that like is compared with like. */
  mode?: string;
  client: FloorEnd;
  server: FloorEnd;
  size: number;
  rounds: number;
  warmup: number;
  /** Sleeps in poll() instead of spinning. */
  block: boolean;
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

export function floorProgram(path: FloorPath): string {
  return join(packageRoot(), 'build', 'Release', `pingpong_${path}`);
}

/** Why there is no floor to compare with, or undefined. */
export function floorMissing(path: FloorPath): string | undefined {
  if (existsSync(floorProgram(path))) return undefined;
  return path === 'xdp'
    ? 'the bare C ping-pong over xdp was not built: install libbpf-dev and run npm run build'
    : `the bare C ping-pong over ${path} was not built: run npm run build`;
}

/** One run of server and client, pinned. */
export async function runFloor(options: FloorOptions): Promise<Floor> {
  const folder = await mkdtemp(join(tmpdir(), `emp-bench-${process.pid}-`));
  const server = start(options, 'server', options.server, []);
  try {
    const [, port] = (await firstLine(server)).split(' ');
    const peer = options.client.peer?.replace(/:0$/, `:${port}`);
    const raw = join(folder, 'samples');
    const end = { ...options.client, ...(peer === undefined ? {} : { peer }) };
    const client = start(options, 'client', end, ['--raw', raw]);
    const report = JSON.parse(await output(client, options.signal)) as Omit<Floor, 'samples'>;
    const bytes = await readFile(raw);
    return { ...report, samples: new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8) };
  } finally {
    await stop(server);
    await rm(folder, { recursive: true, force: true });
  }
}

function start(options: FloorOptions, role: string, end: FloorEnd, more: readonly string[]): ChildProcess {
  const flags: Record<string, string | number | undefined> = {
    role,
    mode: options.mode,
    size: options.size,
    rounds: options.rounds,
    warmup: options.warmup,
    namespace: end.namespace,
    interface: end.interface,
    local: end.local,
    peer: end.peer,
    cpu: end.core,
  };
  const given = Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, `${value}`],
  );
  const block = options.block ? ['--block'] : [];
  return spawn(floorProgram(options.path), [...given, ...block, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
}

function failed(errors: string, how: string): EmpError {
  return new EmpError(
    'ERR_EMP_TOOL_FAILED',
    `The bare C ping-pong failed (${how}): ${errors.trim() || 'no message'}.`,
    {
      remedy: 'Measure without it: leave out --baseline.',
    },
  );
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.on('error', reject);
    child.on('close', (code, signal) => reject(failed(errors, signal ?? `exit code ${code}`)));
  });
}

function output(child: ChildProcess, signal: AbortSignal | undefined): Promise<string> {
  const abort = (): void => void child.kill('SIGTERM');
  signal?.addEventListener('abort', abort);
  return new Promise<string>((resolve, reject) => {
    let text = '';
    let errors = '';
    child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code, name) => {
      if (code === 0) resolve(text);
      else reject(failed(errors, name ?? `exit code ${code}`));
    });
    if (signal?.aborted === true) abort();
  }).finally(() => signal?.removeEventListener('abort', abort));
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.on('exit', () => resolve());
    child.on('error', () => resolve());
    child.kill('SIGTERM');
  });
}
