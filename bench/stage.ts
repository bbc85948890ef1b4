// Where a measurement takes place: the machine, two cores, and a wire of its own.
import { ArgumentError, EmpError, type DriverName } from '../src/index.js';
import { Testbed } from '../src/testbed/testbed.js';
import { chooseCores, describeMachine, type Cores, type Machine } from './machine.js';
import { setupOf, type Setup } from './pingpong/setup.js';

export interface StageOptions {
  /** False: leave the processes where the kernel puts them. */
  pin: boolean;
  /** Cores of client and server; default: chosen. */
  cores?: readonly [number, number];
  /** Of the interfaces that are made. */
  mtu?: number;
  /** No interfaces are needed: the memory driver, or a server elsewhere. */
  wireless: boolean;
}

export class Stage implements AsyncDisposable {
  readonly machine: Machine = describeMachine();
  readonly cores: Cores | undefined;
  #testbed: Testbed | undefined;
  #noTestbed: EmpError | undefined;

  private constructor({ pin, cores }: StageOptions) {
    this.cores = pin ? (cores === undefined ? chooseCores(this.machine) : this.#given(cores)) : undefined;
  }

  static async open(options: StageOptions): Promise<Stage> {
    const stage = new Stage(options);
    if (options.wireless) return stage;
    try {
      stage.#testbed = await Testbed.up(options.mtu === undefined ? {} : { mtu: options.mtu });
    } catch (error) {
      if (!(error instanceof EmpError)) throw error;
      stage.#noTestbed = error;
    }
    return stage;
  }

  #given([client, server]: readonly [number, number]): Cores {
    const known = [...new Set([...this.machine.cores, ...this.machine.isolated])].sort((a, b) => a - b);
    const missing = [client, server].find((core) => !known.includes(core));
    if (missing !== undefined) {
      throw new ArgumentError(`--cores: there is no core ${missing} for this process.`, {
        remedy: `Take two of ${known.join(', ')}.`,
      });
    }
    return { client, server, others: this.machine.cores.filter((core) => core !== client && core !== server) };
  }

  /** The NICs of both ends; without the right to make interfaces, udp crosses loopback. */
  setup(driver: DriverName): Setup {
    if (this.#noTestbed !== undefined && driver !== 'udp' && driver !== 'memory') throw this.#noTestbed;
    return setupOf(driver, this.#testbed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#testbed?.down();
  }
}
