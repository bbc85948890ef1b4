import { setTimeout as delay } from 'node:timers/promises';

import type { Chance } from '../../src/fault/chance.js';
import { Talker } from '../swarm/talker.js';
import type { Home } from './home.js';
import type { SessionPlan } from './plan.js';

const real = { sleep: (ms: number) => delay(ms) };

/** A channel of a storm, and the applications at both ends of it. */
export class Session {
  readonly client: Talker;
  readonly server: Talker;
  readonly #plan: SessionPlan;
  /** One of its hosts has ended while it was not over. */
  #isCut = false;
  #isOver = false;

  constructor(plan: SessionPlan, chance: Chance) {
    const { stream, parts } = plan;
    this.#plan = plan;
    this.client = new Talker(real, stream, parts[0], chance.fork());
    this.server = new Talker(real, stream + 1, parts[1], chance.fork());
    this.client.partner = this.server;
    this.server.partner = this.client;
  }

  /** A host of it ends. */
  cut(): void {
    if (!this.#isOver) this.#isCut = true;
  }

  async connect(a: Home, b: Home): Promise<void> {
    const { client, server } = this;
    b.host.listen(client.stream, {
      allowHalfOpen: true,
      onChannel: (channel) => {
        server.attach(channel);
        void server.talk();
      },
    });
    client.attach(await a.host.connect(b.host.address, client.stream, { allowHalfOpen: true }));
  }

  /** Settles when both ends are over. */
  async talk(): Promise<void> {
    const { client, server } = this;
    const { abortAfter } = this.#plan;
    if (abortAfter !== undefined) void delay(abortAfter).then(() => client.channel!.abort());
    await Promise.all([client.talk(), client.channel!.closed]);
    // If the client was cut off at once, the server may never have had a channel.
    await server.channel?.closed;
    await Promise.all([client.reading, server.reading]);
    this.#isOver = true;
  }

  /** What went wrong. */
  verdict(): string[] {
    const { client, server } = this;
    const found = [...client.faults, ...server.faults];
    if (this.#isCut || this.#plan.abortAfter !== undefined) return found;
    return [...found, ...[client, server].filter((one) => !one.isDone).map(story)];
  }
}

function story({ stream, sent, received, part, partner, end }: Talker): string {
  const whole = `${sent} of ${part.lengths.length} sent, ${received} of ${partner.part.lengths.length} heard`;
  return `stream ${stream} ended ${end?.reason ?? 'not at all'} ${end?.error?.message ?? ''}: ${whole}`;
}
