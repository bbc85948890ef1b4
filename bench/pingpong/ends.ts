import type { LinkAddress } from '../../src/index.js';
import { Child } from '../children.js';
import { NO_COLLECTIONS, type Collections } from '../collections.js';
import type { Cores } from '../machine.js';
import type { AnswererCommands, AskerCommands, Opened, Wait } from './commands.js';
import type { Setup } from './setup.js';
import { addLosses, NO_LOSSES, type Losses } from './tally.js';

export interface Session {
  setup: Setup;
  wait: Wait;
  port: number;
  size: number;
  payloadCheck: boolean;
  /** Warm-up included. */
  rounds: number;
}

/** How the processes are laid out. */
export type Layout = 'two processes' | 'one process' | { peer: LinkAddress };

/** What the garbage collectors of both ends did; a server that is not ours counts as none. */
export interface Watched {
  readonly client: Collections;
  readonly server: Collections;
}

/** Client and server, as the orchestrator sees them: one thing that is opened, run and closed. */
export class Ends {
  #rounds = 0;

  private constructor(
    readonly layout: Layout,
    private readonly client: Child<AskerCommands>,
    private readonly server: Child<AnswererCommands> | undefined,
  ) {}

  static async start(layout: Layout, cores: Cores | undefined): Promise<Ends> {
    const others = cores?.others ?? [];
    const entry = (name: string): string => `bench/pingpong/${name}.js`;
    const [client, server] = await Promise.allSettled([
      Child.start<AskerCommands>({
        entry: entry(layout === 'one process' ? 'pair' : 'client'),
        core: cores?.client,
        others,
      }),
      layout === 'two processes'
        ? Child.start<AnswererCommands>({ entry: entry('server'), core: cores?.server, others })
        : undefined,
    ]);
    if (client.status === 'fulfilled' && server.status === 'fulfilled') {
      return new Ends(layout, client.value, server.value);
    }
    for (const end of [client, server]) if (end.status === 'fulfilled') await end.value?.stop();
    throw client.status === 'rejected' ? client.reason : (server as PromiseRejectedResult).reason;
  }

  async open({ setup, ...common }: Session): Promise<Opened> {
    this.#rounds = common.rounds;
    const opened = await this.server?.call('open', { ...common, nic: setup.server });
    const address = opened?.address ?? (typeof this.layout === 'object' ? this.layout.peer : '');
    try {
      return await this.client.call('open', { ...common, nic: setup.client, address });
    } catch (error) {
      await this.server?.call('close', 0);
      throw error;
    }
  }

  run(rounds: number): Promise<Float64Array> {
    return this.client.call('run', rounds);
  }

  /** From now on the garbage collectors are watched. */
  async watch(): Promise<void> {
    await this.server?.call('watch');
    await this.client.call('watch');
  }

  async watched(): Promise<Watched> {
    const client = await this.client.call('watched');
    return { client, server: (await this.server?.call('watched')) ?? NO_COLLECTIONS };
  }

  /** What went wrong on the way there and on the way back. */
  async close(): Promise<Losses> {
    const back = await this.client.call('close');
    return addLosses(back, (await this.server?.call('close', this.#rounds)) ?? NO_LOSSES);
  }

  async stop(): Promise<void> {
    await Promise.all([this.client.stop(), this.server?.stop()]);
  }
}

/** Where the main threads of the two ends ran, or null. */
export function coresOf(cores: Cores | undefined, layout: Layout): { client: number; server: number | null } | null {
  if (cores === undefined) return null;
  const server = layout === 'two processes' ? cores.server : layout === 'one process' ? cores.client : null;
  return { client: cores.client, server };
}
