/**
 * Two machines on one: two network namespaces joined by veth pairs. Anyone with root can try everything on them.
 * A testbed goes away with `down`, with the process that made it, and, if that was killed, with the next `up`.
 */
import { existsSync } from 'node:fs';

import { ArgumentError, EmpError } from '../errors.js';
import { ipBatch, ipBatchForce, noPermission } from './ip.js';
import { IpSession } from './ipSession.js';
import {
  allNamespacesOf,
  checkShape,
  configuration,
  creation,
  linkRemoval,
  linksOf,
  namespacesOf,
  plugging,
  removal,
  switching,
  switchNamespaceOf,
  type TestbedLink,
  type TestbedShape,
} from './plan.js';
import {
  isAlive,
  readRecord,
  readRecords,
  removeRecord,
  replaceRecord,
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
  /** Each link goes through a switch: what is unplugged at one end is not seen at the other, and the switch can be told to drop. Default false. */
  switched?: boolean;
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
  readonly switched: boolean;
  readonly namespaces: readonly [string, string];
  readonly links: readonly TestbedLink[];
  readonly #shape: TestbedShape;
  /** By namespace: those that links were changed in. */
  readonly #sessions = new Map<string, IpSession>();

  private constructor(shape: TestbedShape) {
    this.#shape = shape;
    this.name = shape.name;
    this.mtu = shape.mtu;
    this.queues = shape.queues;
    this.switched = shape.switched;
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
      switched: options.switched ?? false,
    });
    if (process.geteuid?.() !== 0) throw noPermission('A testbed needs network namespaces.');
    Testbed.sweep();
    // Until it is whole it is this process's, also one that shall outlive it.
    const owner = thisProcess();
    const shape = options.name === undefined ? claimAny(wanted, owner) : claim(wanted, owner);
    removeAtExit(shape);
    try {
      await ipBatch(creation(shape));
      await Promise.all([
        ipBatch(configuration(shape, 'a'), namespacesOf(shape.name)[0]),
        ipBatch(configuration(shape, 'b'), namespacesOf(shape.name)[1]),
        ...(shape.switched ? [ipBatch(switching(shape), switchNamespaceOf(shape.name))] : []),
      ]);
    } catch (error) {
      remove(shape);
      throw error;
    }
    if (options.persistent === true) {
      replaceRecord({ ...shape, owner: null });
      owned.delete(shape.name);
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

  /** Removes what dead processes left behind; returns the names of those that are gone now. */
  static sweep(): string[] {
    const stale = readRecords().filter((record) => statusOf(record).stale);
    return stale.filter(remove).map(({ name }) => name);
  }

  /** Unplugs one end of a link, as its machine does with `ip link set down`, or plugs it in. */
  async plug(link: number, side: 'a' | 'b', up: boolean): Promise<void> {
    const { namespace, interface: name } = this.links[link][side];
    await this.#tell(namespace, up ? plugging(this.links[link], side) : [`link set ${name} down`]);
  }

  /** Whether the switch of a link passes frames on. If it does not, nobody is told. */
  async forward(link: number, on: boolean): Promise<void> {
    if (!this.switched)
      throw new ArgumentError('This testbed has no switches.', { remedy: 'Make it with switched: true.' });
    await this.#tell(switchNamespaceOf(this.name), [`link set empbr${link} ${on ? 'up' : 'down'}`]);
  }

  async #tell(namespace: string, commands: readonly string[]): Promise<void> {
    let session = this.#sessions.get(namespace);
    if (session === undefined || session.isOver) this.#sessions.set(namespace, (session = new IpSession(namespace)));
    await session.run(commands);
  }

  /** Removes it. Idempotent. */
  async down(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(sessions.map((session) => session.close()));
    remove(this.#shape);
    if (allNamespacesOf(this.name).some(namespaceExists)) {
      throw new EmpError('ERR_EMP_TESTBED', `The testbed '${this.name}' could not be removed.`, {
        remedy: `Try as root: ${allNamespacesOf(this.name)
          .map((name) => `ip netns delete ${name}`)
          .join('; ')}.`,
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
function remove(shape: TestbedShape): boolean {
  const [a, b] = namespacesOf(shape.name);
  const isThere = (): boolean => allNamespacesOf(shape.name).some(namespaceExists);
  if (namespaceExists(a)) ipBatchForce(linkRemoval(shape), a);
  // Cables to a switch end at each of them.
  if (shape.switched && namespaceExists(b)) ipBatchForce(linkRemoval(shape), b);
  if (isThere()) ipBatchForce(removal(shape.name));
  if (isThere()) return false;
  removeRecord(shape.name);
  owned.delete(shape.name);
  return true;
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
