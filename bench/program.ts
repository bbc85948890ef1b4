// C programs that measure: started, listened to, ended by their id.
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { EmpError, type DriverName } from '../src/index.js';
import { packageRoot } from '../src/nic/native.js';
import { withParent } from './withParent.js';

export type FloorPath = Exclude<DriverName, 'memory'>;
export type FloorKind = 'pingpong' | 'flood';

/** Flags of one end; see bench/c/common.h. */
export interface FloorEnd {
  namespace?: string;
  interface?: string;
  local?: string;
  peer?: string;
  core?: number;
}

export function floorProgram(path: FloorPath, kind: FloorKind = 'pingpong'): string {
  return join(packageRoot(), 'build', 'Release', `${kind}_${path}`);
}

/** Why there is no floor to compare with, or undefined. */
export function floorMissing(path: FloorPath, kind: FloorKind = 'pingpong'): string | undefined {
  if (existsSync(floorProgram(path, kind))) return undefined;
  const what = `the bare C ${kind === 'pingpong' ? 'ping-pong' : kind} over ${path} was not built`;
  return path === 'xdp' ? `${what}: install libbpf-dev and run npm run build` : `${what}: run npm run build`;
}

/** The flags of one end as words of a command. */
export function endFlags({ core, ...end }: FloorEnd): Record<string, string | number | undefined> {
  return { ...end, cpu: core };
}

export function flagWords(flags: Readonly<Record<string, string | number | undefined>>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, `${value}`]));
}

/** Starts a program that ends with this process. */
export function startProgram(words: readonly string[], stdio: StdioOptions = ['ignore', 'pipe', 'pipe']): ChildProcess {
  const [program, ...rest] = [...withParent(), ...words];
  return spawn(program, rest, { stdio });
}

function failed(errors: string, how: string): EmpError {
  return new EmpError('ERR_EMP_TOOL_FAILED', `A bare C program failed (${how}): ${errors.trim() || 'no message'}.`, {
    remedy: 'Measure without it: with --no-baseline, or without --baseline.',
  });
}

/** What it says when it is ready. */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.on('error', reject);
    child.on('close', (code, signal) => reject(failed(errors, signal ?? `exit code ${code}`)));
  });
}

/** All it says, once it has ended well. */
export function output(child: ChildProcess, signal: AbortSignal | undefined): Promise<string> {
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

export function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.on('exit', () => resolve());
    child.on('error', () => resolve());
    child.kill('SIGTERM');
  });
}
