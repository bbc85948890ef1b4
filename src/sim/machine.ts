import { ArgumentError, describe } from '../errors.js';
import type { Chance } from '../fault/chance.js';
import { checkOptions, type Names } from '../host/arguments.js';
import { Host } from '../host/host.js';
import { checkNoPaths, type HostOptions } from '../host/options.js';
import type { Nic } from '../nic/contract.js';
import { MultiNic } from '../path/multiNic.js';
import { resolvePathOptions } from '../path/options.js';
import { PlainHostMemory } from '../host/stat/hostMemory.js';
import type { Surroundings } from '../host/surroundings.js';
import type { Clock } from '../channel/link.js';
import type { Timers } from '../host/timers.js';
import { checkSpan } from './arguments.js';
import type { Events } from './events.js';
import { Interface, type Place } from './interface.js';
import type { SimNicOptions } from './nicModel.js';
import { Processor } from './processor.js';

export interface MachineOptions {
  /** How fast its clock goes: 1.0001 gains 100 ppm. More than 0.5, less than 2; default 1. */
  readonly clockRate?: number;
  /** What its clock shows at the beginning, µs. Default: chance. */
  readonly clockOffset?: number;
}

/** Of a host on a simulated machine: those of `Host.open` that are not of a NIC, and what its NIC is like. */
export type SimHostOptions = Omit<HostOptions, 'nic' | 'tap' | 'faults'> & {
  /** Which of the machine's interfaces, or several, the preferred ones first. Default: the first. */
  readonly interface?: Interface | readonly Interface[];
  readonly nic?: SimNicOptions;
};

const MACHINE_OPTIONS: Names<MachineOptions> = { clockRate: true, clockOffset: true };
const HOST_OPTIONS: Names<SimHostOptions> = {
  interface: true,
  nic: true,
  paths: true,
  wait: true,
  channel: true,
  random: true,
};

/** A computer: interfaces, a clock that may be wrong, a processor that can be stopped, or lose its power. */
export class Machine {
  readonly interfaces: Interface[] = [];

  readonly #chance: Chance;
  readonly #place: Place;
  readonly #processor: Processor;
  readonly #offset: number;

  /** @internal */
  constructor(
    events: Events,
    chance: Chance,
    place: Place,
    readonly name: string,
    options: MachineOptions = {},
  ) {
    checkOptions('machine()', options, MACHINE_OPTIONS);
    const { clockRate = 1, clockOffset } = options;
    if (!(clockRate > 0.5 && clockRate < 2)) {
      throw new ArgumentError(`clockRate is ${describe(clockRate)}; expected a number between 0.5 and 2.`);
    }
    this.#chance = chance;
    this.#place = place;
    this.#processor = new Processor(events, clockRate);
    this.#offset = clockOffset ?? chance.between(0, 1_000_000_000);
  }

  /** Whether it has power. */
  get alive(): boolean {
    return this.#processor.hasPower;
  }

  /** An interface more; `World.link` gives it a wire. @internal */
  addInterface(): Interface {
    const made = new Interface(this.#processor, this.#place, `${this.name}/${this.interfaces.length}`);
    this.interfaces.push(made);
    return made;
  }

  /**
   * Opens a host, as `Host.open` does: the same code, in virtual time. By default it waits by `event`.
   * @throws ERR_EMP_ARGUMENT, ERR_EMP_ADDRESS_IN_USE
   */
  open(options: SimHostOptions = {}): Host {
    checkOptions(`open() of ${this.name}`, options, HOST_OPTIONS);
    const { interface: where = this.interfaces[0], nic, ...rest } = options;
    if (!this.alive) throw new ArgumentError(`${this.name} has no power.`, { remedy: 'Call restart() first.' });
    const ports = Array.isArray(where) ? (where as readonly Interface[]) : [where as Interface];
    for (const port of ports) this.#checkPort(port);
    if (!Array.isArray(where)) checkNoPaths(rest.paths);
    const random = rest.random ?? this.#chance.fork().bits;
    const surroundings = this.#surroundings();
    const nics = ports.map((port) => () => port.open(this.#chance.fork(), nic));
    const open = Array.isArray(where)
      ? () => new MultiNic(openAll(nics), resolvePathOptions(rest.paths), { clock: surroundings.clock, random })
      : nics[0];
    return Host.openIn(surroundings, open, { wait: 'event', ...rest, random });
  }

  #checkPort(port: Interface | undefined): void {
    if (port !== undefined && this.interfaces.includes(port)) return;
    const remedy =
      port === undefined
        ? 'Give it a link first: world.link().'
        : `Pass one of interfaces of ${this.name}, such as interfaces[0].`;
    throw new ArgumentError(`${this.name} has no such interface.`, { remedy });
  }

  /** Nothing runs here for so long, ms: a collection of garbage, a debugger, SIGSTOP. Frames arrive meanwhile, as long as the rings take them. */
  pause(ms: number): void {
    checkSpan('pause()', ms);
    this.#processor.stop(ms * 1000);
  }

  /** The power goes, and no word to anybody. If it is called by what runs here: when that has come to its end. */
  crash(): void {
    if (this.#processor.isRunning) return this.#processor.next(() => this.crash());
    this.#processor.off();
    for (const one of this.interfaces) one.unplugged();
  }

  /** The power is back; nothing is left of what ran before. */
  restart(): void {
    if (this.alive) throw new ArgumentError(`${this.name} has power.`, { remedy: 'Call crash() first.' });
    this.#processor.on();
  }

  /** For programs on this machine: so long by its own clock, ms. */
  sleep(ms: number): Promise<void> {
    checkSpan('sleep()', ms);
    return new Promise((resolve) => void this.#processor.later(resolve, ms * 1000));
  }

  #surroundings(): Surroundings {
    const processor = this.#processor;
    // What this life of the machine has begun ends with it.
    const { life } = processor;
    const cell = new Float64Array(1);
    const clock: Clock = {
      cell,
      read: () => (cell[0] = this.#offset + processor.work() * processor.rate),
    };
    clock.read();
    const timers: Timers = {
      microtask: (run) => void processor.later(run, 0, life),
      immediate: (run) => processor.later(run, 0, life),
      clearImmediate: callOff,
      timeout: (run, ms) => processor.later(run, ms * 1000, life),
      clearTimeout: callOff,
    };
    return { clock, timers, awake: { count: 0 }, isReal: false, memory: () => new PlainHostMemory() };
  }
}

/** All, or none: what was opened is closed when one cannot be. */
function openAll(open: readonly (() => Nic)[]): Nic[] {
  const opened: Nic[] = [];
  try {
    for (const one of open) opened.push(one());
    return opened;
  } catch (error) {
    for (const nic of opened) nic.close();
    throw error;
  }
}

function callOff(task: object): void {
  (task as { run: unknown }).run = undefined;
}
