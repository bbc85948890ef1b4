import type { Channel, CloseInfo } from '../../src/index.js';
import type { Chance } from '../../src/sim/index.js';

/** Where it runs: so many ms of virtual time, or of real. */
export interface Sleeper {
  sleep(ms: number): Promise<unknown>;
}

/** What one side of a session sends, and how it reads. */
export interface Part {
  readonly lengths: readonly number[];
  /** So long between two messages, at most, ms; 0: as fast as it can. */
  readonly pause: number;
  /** Reads with an iterator, and sleeps so long, at most, after some messages, ms; undefined: with the callback. */
  readonly rest: number | undefined;
}

/** Random bytes that messages are cut from. */
const BLOCK = new Uint8Array(1 << 20);
for (let i = 0, x = 0x454d50; i < BLOCK.length; i++) {
  x = (Math.imul(x, 1103515245) + 12345) | 0;
  BLOCK[i] = x >>> 16;
}

/**
 * An application on one side of a channel. It sends messages that its partner can recompute, and checks each that it gets: once, in order, unchanged.
 */
export class Talker {
  partner!: Talker;
  channel: Channel | undefined = undefined;
  sent = 0;
  received = 0;
  end: CloseInfo | undefined = undefined;
  readonly faults: string[] = [];
  /** Until the iterator has read what was delivered: it may come after the end of the channel. */
  reading: Promise<void> = Promise.resolve();

  readonly #machine: Sleeper;
  readonly #chance: Chance;

  constructor(
    machine: Sleeper,
    /** Tells streams apart: what is sent depends on it. */
    readonly stream: number,
    readonly part: Part,
    chance: Chance,
  ) {
    this.#machine = machine;
    this.#chance = chance;
  }

  /** Message `index` of this side. */
  content(index: number): Uint8Array {
    const length = this.part.lengths[index];
    const hash = Math.imul(Math.imul(this.stream + 1, 0x9e3779b1) ^ (index + 1), 0x85ebca77) >>> 0;
    const at = hash % (BLOCK.length - length + 1);
    return BLOCK.subarray(at, at + length);
  }

  /** From now on it reads; `talk` sends. */
  attach(channel: Channel): void {
    this.channel = channel;
    channel.onClose = (info) => {
      if (this.end !== undefined) this.#fault('closed twice');
      this.end = info;
    };
    const { rest } = this.part;
    if (rest === undefined)
      channel.onMessage = (bytes, at, length, type) => this.#hear(bytes.subarray(at, at + length), type);
    else this.reading = this.#listen(channel, rest);
  }

  async #listen(channel: Channel, rest: number): Promise<void> {
    try {
      for await (const { data, type } of channel) {
        this.#hear(data, type);
        if (this.#chance.happens(0.05)) await this.#machine.sleep(this.#chance.share * rest);
      }
    } catch {
      // The channel broke; `end` says why.
    }
  }

  /** Sends everything, then ends its side. */
  async talk(): Promise<void> {
    const channel = this.channel!;
    const { lengths, pause } = this.part;
    try {
      while (this.sent < lengths.length) {
        const index = this.sent++;
        await channel.write(this.content(index), index & 0xffff);
        if (pause > 0) await this.#machine.sleep(this.#chance.share * pause);
      }
      await channel.end();
    } catch {
      // The channel broke; `end` says why.
    }
  }

  #hear(bytes: Uint8Array, type: number): void {
    const { partner } = this;
    const index = this.received++;
    // A reader with an iterator hears what was delivered before the end after it.
    if (this.end !== undefined && this.part.rest === undefined) this.#fault(`message ${index} after the end`);
    if (index >= partner.sent) return this.#fault(`message ${index}, of which only ${partner.sent} were sent`);
    if (type !== (index & 0xffff)) this.#fault(`message ${index} has type ${type}`);
    if (Buffer.compare(bytes, partner.content(index)) !== 0) this.#fault(`message ${index} was changed`);
  }

  #fault(text: string): void {
    this.faults.push(`stream ${this.stream}, ${text}`);
  }

  /** Everything was sent, heard and ended in peace. */
  get isDone(): boolean {
    return this.end?.reason === 'ended' && this.received === this.partner.part.lengths.length;
  }
}
