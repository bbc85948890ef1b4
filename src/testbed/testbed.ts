/**
 * Two machines on one: two network namespaces joined by veth pairs. Anyone with root can try everything on them.
 * A testbed goes away with `down`, with the process that made it, and, if that was killed, with the next `up`.
 */
import { existsSync } from 'node:fs';

import { EmpError } from '../errors.js';
import { ipBatch, ipBatchForce, noPermission } from './ip.js';
import {
  checkShape,
  configuration,
  creation,
  linkRemoval,
  linksOf,
  namespacesOf,
  removal,
  type TestbedLink,
  type TestbedShape,
} from './plan.js';
import {
  isAlive,
  readRecord,
  readRecords,
  removeRecord,
  thisProcess,
  writeRecord,
  type Owner,
  type TestbedRecord,
} from './record.js';

export type { TestbedEnd, TestbedLink } from './plan.js';

export interface TestbedOptions {
  /** Default: a name that no other process has. */
  name?: string;
  /** Veth pairs between the namespaces. Default 1. */
  links?: number;
  /** Of each interface. Default 1500. */
  mtu?: number;
  /** Receive queues, and transmit queues, of each interface. Default 1. */
  queues?: number;
  /** Outlives this process; ends with `emp testbed down`. Default false. */
  persistent?: boolean;
}

export interface TestbedStatus {
  readonly name: string;
  /** The process it goes away with, or undefined. */
  readonly owner: number | undefined;
  /** Both namespaces are there. */
  readonly up: boolean;
  /** Its owner is gone; the next `up`, or `sweep`, removes it. */
  readonly stale: boolean;
}

export class Testbed implements AsyncDisposable {
  readonly name: string;
  readonly mtu: number;
  readonly queues: number;
  readonly namespaces: readonly [string, string];
  readonly links: readonly TestbedLink[];
  readonly #shape: TestbedShape;

  private constructor(shape: TestbedShape) {
    this.#shape = shape;
    this.name = shape.name;
    this.mtu = shape.mtu;
    this.queues = shape.queues;
    this.namespaces = namespacesOf(shape.name);
    this.links = linksOf(shape);
  }

  /** Makes a testbed. Testbeds whose process died are removed first. */
  static async up(options: TestbedOptions = {}): Promise<Testbed> {
    const wanted = checkShape({
      name: options.name ?? `emp${process.pid}`,
      links: options.links ?? 1,
      mtu: options.mtu ?? 1500,
      queues: options.queues ?? 1,
    });
    if (process.geteuid?.() !== 0) throw noPermission('A testbed needs network namespaces.');
    Testbed.sweep();
    const owner = options.persistent === true ? null : thisProcess();
    const shape = options.name === undefined ? claimAny(wanted, owner) : claim(wanted, owner);
    if (owner !== null) removeAtExit(shape);
    try {
      await ipBatch(creation(shape));
      await Promise.all([
        ipBatch(configuration(shape, 'a'), namespacesOf(shape.name)[0]),
        ipBatch(configuration(shape, 'b'), namespacesOf(shape.name)[1]),
      ]);
    } catch (error) {
      remove(shape);
      throw error;
    }
    return new Testbed(shape);
  }

  /** A testbed that is there, whole or not, whoever made it. */
  static find(name: string): Testbed | undefined {
    const record = readRecord(name);
    return record === undefined ? undefined : new Testbed(record);
  }

  /** Everything that is up or was left behind on this machine. */
  static list(): TestbedStatus[] {
    return readRecords().map(statusOf);
  }

  /** Removes what dead processes left behind; returns the names. */
  static sweep(): string[] {
    const stale = readRecords().filter((record) => statusOf(record).stale);
    for (const record of stale) remove(record);
    return stale.map(({ name }) => name);
  }

  /** Removes it. Idempotent. */
  async down(): Promise<void> {
    remove(this.#shape);
    if (namespacesOf(this.name).some(namespaceExists)) {
      throw new EmpError('ERR_EMP_TESTBED', `The testbed '${this.name}' could not be removed.`, {
        remedy: `Try as root: ip netns delete ${this.name}-a; ip netns delete ${this.name}-b.`,
      });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.down();
  }
}

function statusOf({ name, owner }: TestbedRecord): TestbedStatus {
  return {
    name,
    owner: owner?.pid,
    up: namespacesOf(name).every(namespaceExists),
    stale: owner !== null && !isAlive(owner),
  };
}

function namespaceExists(namespace: string): boolean {
  return existsSync(`/run/netns/${namespace}`);
}

function claim(shape: TestbedShape, owner: Owner | null): TestbedShape {
  if (writeRecord({ ...shape, owner })) return shape;
  throw new EmpError('ERR_EMP_TESTBED', `A testbed '${shape.name}' is up already.`, {
    remedy: `Take it down (emp testbed down --name ${shape.name}) or choose another name.`,
  });
}

/** The first name that is free: `emp123`, `emp123.1`, ... Workers of one process share its number. */
function claimAny(shape: TestbedShape, owner: Owner | null): TestbedShape {
  for (let n = 0; ; n += 1) {
    const candidate = n === 0 ? shape : { ...shape, name: `${shape.name}.${n}` };
    if (writeRecord({ ...candidate, owner })) return candidate;
  }
}

/** The record goes last: while something may be left, it can be found. */
function remove(shape: TestbedShape): void {
  const [a, b] = namespacesOf(shape.name);
  if (namespaceExists(a)) ipBatchForce(linkRemoval(shape), a);
  if (namespaceExists(a) || namespaceExists(b)) ipBatchForce(removal(shape.name));
  if (namespaceExists(a) || namespaceExists(b)) return;
  removeRecord(shape.name);
  owned.delete(shape.name);
}

const owned = new Map<string, TestbedShape>();
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function removeAtExit(shape: TestbedShape): void {
  owned.set(shape.name, shape);
  if (owned.size > 1 || process.listeners('exit').includes(removeOwned)) return;
  process.on('exit', removeOwned); // also after an uncaught error
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function removeOwned(): void {
  for (const shape of [...owned.values()]) remove(shape);
}

/** Does what the signal would have done without us, after the removal. A program with a handler of its own decides for itself. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  removeOwned();
  process.removeListener(signal, onSignal);
  process.kill(process.pid, signal);
}
