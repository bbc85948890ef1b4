import type { LinkAddress } from '../../src/index.js';
import { Child } from '../children.js';
import type { Cores } from '../machine.js';
import type { Wait } from '../pingpong/commands.js';
import type { Setup } from '../pingpong/setup.js';
import { digits } from '../statistics.js';
import type { CpuTime, EndCommands, Limit, Manner, Opened, Outcome, TaskOptions } from './commands.js';

export interface Session {
  setup: Setup;
  wait: Wait;
  port: number;
  task: TaskOptions;
  loss?: number;
  seed?: number;
  work?: number;
}

/** Processor time of the ends, as shares of a core. */
export interface Cpu {
  client: number;
  /** Null: in the client's process. */
  server: number | null;
}

export interface Run extends Outcome {
  cpu: Cpu;
  /** The longest stall of the server's event loop meanwhile, after the warm-up of a flood, ms; null if it spins, or there was no flood. */
  stall: number | null;
}

/** The two ends of a measurement, as the runner sees them: opened, run, closed, perhaps again. */
export class Ends {
  private constructor(
    private readonly client: Child<EndCommands>,
    private readonly server: Child<EndCommands> | undefined,
    private readonly peer: LinkAddress | undefined,
  ) {}

  /** `memory`: both are in one process. `peer`: the server is elsewhere. */
  static async start(memory: boolean, cores: Cores | undefined, peer?: LinkAddress): Promise<Ends> {
    const others = cores?.others ?? [];
    const start = (core: number | undefined): Promise<Child<EndCommands>> =>
      Child.start<EndCommands>({ entry: 'bench/ends/process.js', core, others });
    const [client, server] = await Promise.allSettled([
      start(cores?.client),
      memory || peer !== undefined ? undefined : start(cores?.server),
    ]);
    if (client.status === 'fulfilled' && server.status === 'fulfilled') {
      return new Ends(client.value, memory ? client.value : server.value, peer);
    }
    for (const end of [client, server]) if (end.status === 'fulfilled') await end.value?.stop();
    throw client.status === 'rejected' ? client.reason : (server as PromiseRejectedResult).reason;
  }

  get apart(): boolean {
    return this.server !== undefined && this.server !== this.client;
  }

  async open({ setup, wait, loss, seed, work, ...task }: Session): Promise<Opened> {
    const lossy = loss === undefined ? {} : { loss };
    const busy = work === undefined ? {} : { work };
    const seeded = (number: number): object => (seed === undefined ? {} : { seed: seed + number });
    const manner: Manner = { wait, ...lossy, ...seeded(1), ...busy };
    const there = await this.server?.call('serve', { nic: setup.server, ...manner });
    const place = this.peer === undefined ? { address: there?.address ?? '' } : { address: this.peer, server: manner };
    try {
      const here = await this.client.call('ask', {
        nic: setup.client,
        wait,
        ...lossy,
        ...seeded(0),
        ...place,
        ...task,
      });
      if (this.apart && wait === 'spin') await this.server!.call('spin');
      return here;
    } catch (error) {
      await this.server?.call('close');
      throw error;
    }
  }

  async run(limit: Limit): Promise<Run> {
    const before = await this.#cpu();
    const outcome = await this.client.call('run', limit);
    const after = await this.#cpu();
    const [client, server = null] = after.map(({ used, at }, i) =>
      digits((used - before[i].used) / (at - before[i].at), 3),
    );
    return { ...outcome, cpu: { client, server }, stall: after[1]?.stall ?? null };
  }

  /** Of the client, and of a server in another process, here or elsewhere. */
  async #cpu(): Promise<CpuTime[]> {
    if (this.apart) return Promise.all([this.client.call('cpu'), this.server!.call('cpu')]);
    const there = this.peer === undefined ? [] : [await this.client.call('cpuThere')];
    return [await this.client.call('cpu'), ...there];
  }

  async close(): Promise<void> {
    await this.client.call('close');
    if (this.apart) await this.server!.call('close');
  }

  async stop(): Promise<void> {
    await Promise.all([this.client.stop(), this.apart ? this.server!.stop() : undefined]);
  }
}
