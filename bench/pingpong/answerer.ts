import { setImmediate as turn } from 'node:timers/promises';

import { Host, type Channel } from '../../src/index.js';
import { MonotonicClock } from '../../src/host/clock.js';
import type { OpenAnswerer, Opened } from './commands.js';
import { readRound } from './payload.js';
import { Tally, type Losses } from './tally.js';

/** How long the event loop waits while the server spins, µs: a host that yields more often would do so in the middle of rounds. */
const SPIN = 100_000;
const TURNS_PER_CLOCK = 1024;

/** The server's end: sends everything back. */
export class Answerer {
  readonly #tally: Tally;
  #answering = false;
  #closed = false;

  private constructor(
    readonly host: Host,
    { port, rounds, size }: OpenAnswerer,
  ) {
    this.#tally = new Tally(rounds);
    host.listen(port, { onChannel: (channel) => this.#answer(channel, size) });
  }

  static async open(options: OpenAnswerer): Promise<Answerer> {
    return new Answerer(await Host.open({ nic: options.nic, wait: options.wait }), options);
  }

  get opened(): Opened {
    return { address: this.host.address, info: this.host.nic.info };
  }

  losses(rounds: number): Losses {
    return this.#tally.losses(rounds);
  }

  /** Polls while there is a client; lets the event loop in now and then, for commands. */
  async spin(): Promise<void> {
    const clock = new MonotonicClock();
    const until = new Float64Array(1); // a number with a fraction, kept where it is not an allocation
    while (!this.#closed) {
      clock.read();
      until[0] = clock.now + SPIN;
      while (this.#answering && clock.now < until[0]) {
        for (let i = 0; i < TURNS_PER_CLOCK; i += 1) this.host.poll();
        clock.read();
      }
      await turn();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.host.close({ force: true });
  }

  #answer(channel: Channel, size: number): void {
    const tally = this.#tally;
    this.#answering = true;
    channel.onClose = () => {
      this.#answering = false;
    };
    const zeroCopy = size <= channel.maxFrameMessage;
    const memory = channel.bytes;
    channel.onMessage = (bytes, offset, length, type) => {
      if (zeroCopy && bytes === memory) {
        const at = channel.reserve(length);
        if (at < 0) throw new Error('no room for an answer');
        copy(memory, at, offset, length);
        channel.commit(length, type);
      } else if (!channel.send(bytes.slice(offset, offset + length), type)) {
        throw new Error('no room for an answer');
      }
      tally.see(readRound(bytes, offset, length, tally.expected), length === size);
    };
  }
}

/** Up to here a loop beats the call of copyWithin. */
const SHORT = 64;

function copy(memory: Uint8Array, to: number, from: number, length: number): void {
  if (length > SHORT) memory.copyWithin(to, from, from + length);
  else for (let i = 0; i < length; i += 1) memory[to + i] = memory[from + i];
}
