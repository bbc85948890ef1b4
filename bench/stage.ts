// Where a measurement takes place: the machine, two cores, and a wire of its own.
import { EmpError, type DriverName } from '../src/index.js';
import { Testbed } from '../src/testbed/testbed.js';
import { chooseCores, describeMachine, givenCores, type Cores, type Machine } from './machine.js';
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
    this.cores = pin ? (cores === undefined ? chooseCores(this.machine) : givenCores(this.machine, cores)) : undefined;
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

  /** The NICs of both ends; without the right to make interfaces, udp crosses loopback. */
  setup(driver: DriverName): Setup {
    if (this.#noTestbed !== undefined && driver !== 'udp' && driver !== 'memory') throw this.#noTestbed;
    return setupOf(driver, this.#testbed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#testbed?.down();
  }
}
