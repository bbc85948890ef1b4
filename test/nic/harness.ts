import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { expect } from 'vitest';

import type { Frame, Nic, NicOptions, PeerIndex } from '../../src/nic/contract.js';
import { NO_FRAME, NicCounter } from '../../src/nic/contract.js';
import { openNic } from '../../src/nic/open.js';

/** What the build made: child processes and workers cannot run TypeScript. */
export const BUILT = new URL('../../dist/src/nic/open.js', import.meta.url);

setFlagsFromString('--expose-gc');
export const collectGarbage = runInNewContext('gc') as () => void;

/** Two NICs on one wire. */
export class Pair {
  readonly a: Nic;
  readonly b: Nic;
  /** b as a's peer, and the other way round. */
  readonly toB: PeerIndex;
  readonly toA: PeerIndex;

  constructor(a: NicOptions, b: NicOptions, open: (options: NicOptions) => Nic = openNic) {
    this.a = open(a);
    try {
      this.b = open(b);
      this.toB = this.a.peer(this.b.info.address);
      this.toA = this.b.peer(this.a.info.address);
    } catch (error) {
      this.a.close();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.a.close();
    this.b.close();
  }
}

/** Payloads tell who they are: a number, and a pattern that depends on it and on the place of each byte. */
const patternAt = (seed: number, i: number): number => (seed * 31 + i * 7 + (i >> 8) * 13) & 0xff;

export function fill(nic: Nic, frame: Frame, length: number, seed: number): void {
  for (let i = 0; i < length; i++) nic.bytes[frame + i] = patternAt(seed, i);
  if (length >= 8) nic.view.setUint32(frame, seed);
}

/** True if the frame is what `fill` wrote. */
export function matches(nic: Nic, frame: Frame, length: number, seed: number): boolean {
  let i = 0;
  if (length >= 8) {
    if (nic.view.getUint32(frame) !== seed) return false;
    i = 4;
  }
  for (; i < length; i++) if (nic.bytes[frame + i] !== patternAt(seed, i)) return false;
  return true;
}

export const numberOf = (nic: Nic, frame: Frame): number => nic.view.getUint32(frame);

export function counter(nic: Nic, name: keyof typeof NicCounter): number {
  return nic.counters[NicCounter[name]];
}

export function mustAlloc(nic: Nic): Frame {
  const frame = nic.alloc(0);
  expect(frame).not.toBe(NO_FRAME);
  return frame;
}

/** Flushes until the kernel took everything; fails if it never does. */
export function flushAll(nic: Nic): void {
  for (let i = 0; i < 100_000; i++) if (nic.flush()) return;
  throw new Error('flush never finished');
}

/** Fills, sends and flushes one frame; gives it back. */
export function sendOne(nic: Nic, peer: PeerIndex, length: number, seed: number): void {
  const frame = mustAlloc(nic);
  fill(nic, frame, length, seed);
  expect(nic.send(frame, length, peer)).toBe(true);
  nic.free(frame);
  flushAll(nic);
}

const PATIENCE = 3000;

/**
 * Receives until `expected` frames came (or 3 s went by), calling `each` for every entry before its burst is recycled.
 * Then looks once more, so that a frame too many is seen. Returns how many came.
 */
export async function collect(
  nic: Nic,
  expected: number,
  each: (frame: Frame, length: number, index: number) => void = () => {},
): Promise<number> {
  const deadline = performance.now() + PATIENCE;
  let got = 0;
  while (got < expected && performance.now() < deadline) {
    const now = drain(nic, each);
    got += now;
    if (now === 0) await setImmediate();
  }
  return got + drain(nic, each);
}

/** Receives what is there now. */
export function drain(nic: Nic, each: (frame: Frame, length: number, index: number) => void = () => {}): number {
  let got = 0;
  for (;;) {
    const count = nic.receive();
    for (let i = 0; i < count; i++) each(nic.rx.frame[i], nic.rx.length[i], i);
    nic.recycle();
    if (count === 0) return got;
    got += count;
  }
}

/** Waits until the frame is the caller's alone. */
export async function landed(nic: Nic, frame: Frame): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (nic.inFlight(frame)) {
    if (performance.now() > deadline) throw new Error('frame stays in flight');
    nic.flush();
    await setImmediate();
  }
}

/** Whether `watch` calls back within the time. */
export function wakes(nic: Nic, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      nic.unwatch();
      resolve(false);
    }, milliseconds);
    nic.watch(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

/** For `expect.poll`: the kernel may tell of a lost carrier a second late, for it limits how often it does. */
export const EVENTUALLY = { interval: 2, timeout: 5000 };

export async function waitFor(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE} ms in vain`);
    await sleep(1);
  }
}

/** What runs a command with no capabilities but these, and that to read this checkout, wherever it is. */
export const withCapabilities = (...names: string[]): string[] => [
  'setpriv',
  `--bounding-set=-all,+dac_read_search${names.map((name) => `,+${name}`).join('')}`,
  '--inh-caps=-all',
];

/** Runs a script of `fixture/` in a process of its own; returns the object it prints. */
export async function runFixture<T>(name: string, argument: unknown, flags: readonly string[] = []): Promise<T> {
  const script = fileURLToPath(new URL(`fixture/${name}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script, JSON.stringify(argument)]);
  return JSON.parse(stdout) as T;
}

export const openDescriptors = (): number => readdirSync('/proc/self/fd').length;
export const mappings = (): number => readFileSync('/proc/self/maps', 'utf8').split('\n').length;
/** Mappings of sockets: rings. */
export const ringMappings = (): number =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('socket:')).length;

/** Runs `body` with uncaught errors collected instead of failing the test. */
export async function collectUncaught(body: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  const mine = (error: unknown): void => void errors.push(error);
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', mine);
  try {
    await body();
  } finally {
    process.off('uncaughtException', mine);
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
  return errors;
}
