import { ArgumentError, describe, EmpError } from '../errors.js';
import { Chance } from '../fault/chance.js';
import { checkOptions } from '../host/arguments.js';
import { checkSpan } from './arguments.js';
import { Events } from './events.js';
import type { Interface } from './interface.js';
import { Link } from './link.js';
import type { LinkOptions } from './link.js';
import { Machine } from './machine.js';
import type { MachineOptions } from './machine.js';
import { Switch } from './switch.js';

/** A day, ms. */
const LIMIT = 86_400_000;

export interface RunOptions {
  /** The program must be done within so much of virtual time, ms. Default: a day. */
  readonly limit?: number;
}

export interface WorldOptions {
  /** All of chance: the same seed, and the same program, give the same world, bit for bit. Default 1. */
  readonly seed?: number;
}

/**
 * Machines, links and switches in virtual time, on the protocol code of the real thing (row A7). Nothing waits: a minute of the world takes as long
 * as what happens in it.
 */
export class World {
  readonly #events = new Events();
  readonly #chance: Chance;
  readonly #names = new Set<string>();
  readonly #links: Link[] = [];
  readonly #machines: Machine[] = [];
  /** By machine; undefined: there is no partition. */
  #groups: Map<string, number> | undefined = undefined;

  constructor(options: WorldOptions = {}) {
    checkOptions('new World()', options, { seed: true });
    const { seed = 1 } = options;
    if (!Number.isInteger(seed)) {
      throw new ArgumentError(`The seed is ${describe(seed)}; expected a whole number.`, {
        remedy: 'Pass { seed: 7 }.',
      });
    }
    this.#chance = new Chance(seed);
  }

  /** Virtual time, µs since the world began. */
  get now(): number {
    return this.#events.now;
  }

  /** For programs that want chance, too. */
  fork(): Chance {
    return this.#chance.fork();
  }

  machine(name: string, options: MachineOptions = {}): Machine {
    this.#take(name);
    const place = {
      addresses: () => this.#machines.flatMap((one) => one.interfaces.map((port) => port.name)),
      isApart: (from: string, to: string) => this.#groupOf(from) !== this.#groupOf(to),
    };
    const machine = new Machine(this.#events, this.#chance.fork(), place, name, options);
    this.#machines.push(machine);
    return machine;
  }

  switch(name: string): Switch {
    this.#take(name);
    return new Switch(this.#events, name);
  }

  /** A cable between two machines, a machine and a switch, or two switches: each gets an interface, or a port, more. */
  link(a: Machine | Switch, b: Machine | Switch, options: LinkOptions = {}): Link {
    for (const end of [a, b]) {
      if (end instanceof Machine || end instanceof Switch) continue;
      throw new ArgumentError(`An end of a link is ${describe(end)}; expected a machine or a switch.`, {
        remedy: 'Pass what machine() or switch() returned.',
      });
    }
    const [first, second] = [portOf(a), portOf(b)];
    const link = new Link(this.#events, this.#chance.fork(), first, second, options);
    first.link = second.link = link;
    this.#links.push(link);
    return link;
  }

  /** Machines of different groups do not hear each other, and nobody is told. Those that are in none are a group. Without groups all is well again. */
  partition(...groups: readonly (readonly Machine[])[]): void {
    for (const group of groups) {
      if (Array.isArray(group) && group.every((one) => this.#machines.includes(one as Machine))) continue;
      throw new ArgumentError(`A group of a partition is ${describe(group)}; expected machines of this world.`, {
        remedy: 'Pass lists of what machine() returned: partition([a, b], [c]).',
      });
    }
    const entries = groups.flatMap((group, i) => group.map(({ name }) => [name, i + 1] as const));
    this.#groups = groups.length === 0 ? undefined : new Map(entries);
  }

  #groupOf(address: string): number {
    return this.#groups?.get(address.slice(0, address.lastIndexOf('/'))) ?? 0;
  }

  /** Of every frame so far, its time, addresses and bytes: two worlds with the same one are the same. */
  get fingerprint(): number {
    return this.#links.reduce((sum, { fingerprint }) => Math.imul(sum, 31) ^ fingerprint, 0);
  }

  /** Has something happen in so many ms. */
  after(ms: number, happen: () => void): void {
    checkSpan('after()', ms);
    this.#events.at(this.now + ms * 1000, happen);
  }

  /** So long of virtual time, ms. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /**
   * Runs a program; time passes while it waits for the world. It should wait for nothing else: real files and sockets would take time that the
   * world does not know of.
   * @throws what the program throws; ERR_EMP_SIMULATION when it waits and nothing is left to happen, or for longer than `limit`
   */
  async run<T>(program: () => Promise<T> | T, options: RunOptions = {}): Promise<T> {
    if (typeof program !== 'function') {
      throw new ArgumentError(`run() was given ${describe(program)}; expected a function.`, {
        remedy: 'Pass async () => { ... }: what it awaits lets time pass.',
      });
    }
    checkOptions('run()', options, { limit: true });
    const { limit = LIMIT } = options;
    checkSpan('limit', limit);
    const end = this.now + limit * 1000;
    let isOver = false;
    const outcome = (async () => program())().finally(() => (isOver = true));
    // Its error is looked at by who gets it.
    outcome.catch(() => undefined);
    await betweenPromises(() => isOver || this.#step(limit, end));
    return outcome;
  }

  /** Up to the next event that may have settled a promise. False: go on. */
  #step(limit: number, end: number): false {
    const events = this.#events;
    do {
      if (events.next === Infinity) throw stuck('nothing is left to happen in its world', events.now);
      if (events.next > end) throw stuck(`the limit of ${limit} ms is over`, events.now);
    } while (events.step());
    return false;
  }

  /** Lets so much time pass, ms. */
  async pass(ms: number): Promise<void> {
    await this.run(() => this.sleep(ms));
  }

  #take(name: string): void {
    if (name === '' || this.#names.has(name)) {
      throw new ArgumentError(`The name '${name}' is ${name === '' ? 'empty' : 'taken'}.`);
    }
    this.#names.add(name);
  }
}

/** So many calls are asked for at once: each way round the event loop looks for sockets and timers of the process, too. */
const AT_ONCE = 32;

/** Calls it until it says true, each time when all promises that are settled have had their consequences. */
function betweenPromises(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const call = () => {
      if (isOver) return;
      try {
        isOver = step();
        if (isOver) resolve();
      } catch (error) {
        isOver = true;
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    // Node settles all promises between two of them.
    const round = () => {
      call();
      if (isOver) return;
      for (let i = 1; i < AT_ONCE; i++) setImmediate(call);
      setImmediate(round);
    };
    setImmediate(round);
  });
}

function portOf(end: Machine | Switch): Interface | ReturnType<Switch['port']> {
  return end instanceof Machine ? end.addInterface() : end.port();
}

function stuck(why: string, now: number): EmpError {
  return new EmpError('ERR_EMP_SIMULATION', `The program still waits, but ${why}, at ${now} µs.`, {
    remedy: 'Look for a promise that nobody settles, or one that is settled outside of the world; or raise limit.',
  });
}
