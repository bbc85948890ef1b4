import { setImmediate as turn } from 'node:timers/promises';

import type { Channel, Host, LinkAddress } from '../../src/index.js';
import { MAX_MESSAGE } from '../../src/channel/options.js';
import { MonotonicClock } from '../../src/host/clock.js';
import { ECHO_PORT, SINK_PORT, VERIFYING_SINK_PORT, type CpuTime, type Manner } from './commands.js';
import { cpuTime } from './cpuTime.js';
import { echo } from './echo.js';
import { Sink } from './sink.js';
import { Stalls } from './stalls.js';

/** How long the event loop waits while the server spins, µs: a host that yields more often would do so in the middle of a measurement. */
const SPIN = 100_000;
const TURNS_PER_CLOCK = 1024;

/** What a server does during a measurement: an echo and sinks, each at a port, and work besides. */
export class Service {
  readonly #channels = new Set<Channel>();
  readonly #listeners: readonly { close(): void }[];
  /** During a flood: what looks has a timer, and an idle host would never be idle. */
  #stalls: Stalls | undefined;
  #over = false;

  /** @param client the only one that is served; default: all */
  constructor(
    private readonly host: Host,
    { wait, work }: Manner,
    client?: LinkAddress,
  ) {
    // A loop that spins lets nothing else in, and stalls for good.
    const warm = (): void => {
      if (wait !== 'spin') this.#stalls ??= new Stalls();
    };
    const listen = (port: number, take: (channel: Channel) => void): { close(): void } =>
      host.listen(port, {
        maxMessage: MAX_MESSAGE,
        accept: ({ address }) => client === undefined || address === client,
        onChannel: (channel) => this.#take(channel, take),
      });
    this.#listeners = [
      listen(ECHO_PORT, echo),
      listen(SINK_PORT, (channel) => new Sink(channel, false, warm)),
      listen(VERIFYING_SINK_PORT, (channel) => new Sink(channel, true, warm)),
    ];
    if (work !== undefined) this.#work(work);
  }

  /** `stall`: the longest one of its event loop since a flood had warmed up. */
  cpu(): CpuTime {
    const stalls = this.#stalls;
    this.#stalls = undefined;
    return { ...cpuTime(), stall: stalls?.end() ?? null };
  }

  #take(channel: Channel, take: (channel: Channel) => void): void {
    this.#channels.add(channel);
    channel.onClose = () => this.#channels.delete(channel);
    take(channel);
  }

  /** Polls while there is a client; lets the event loop in now and then, for commands. */
  async spin(): Promise<void> {
    const clock = new MonotonicClock();
    const until = new Float64Array(1); // a number with a fraction, kept where it is not an allocation
    while (!this.#over) {
      clock.read();
      until[0] = clock.cell[0] + SPIN;
      while (this.#channels.size > 0 && clock.cell[0] < until[0]) {
        for (let i = 0; i < TURNS_PER_CLOCK; i += 1) this.host.poll();
        clock.read();
      }
      await turn();
    }
  }

  /** Keeps the event loop busy with pieces of work of `length` µs, as an application with other things to do would. */
  #work(length: number): void {
    const clock = new MonotonicClock();
    const piece = (): void => {
      if (this.#over) return;
      clock.read();
      const until = clock.now + length;
      while (clock.now < until) clock.read();
      setImmediate(piece);
    };
    piece();
  }

  stop(): void {
    this.#over = true;
    this.#stalls?.end();
    for (const listener of this.#listeners) listener.close();
    for (const channel of this.#channels) channel.abort();
  }
}
