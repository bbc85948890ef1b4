import type { Channel } from '../../src/index.js';
import { MessageWriter } from './message.js';

/** Writes messages of one size where they are sent from: into transmit frames, or, those of several frames, into buffers. */
export class Outbox {
  /** A message takes several frames. */
  readonly long: boolean;
  readonly #channel: Channel;
  readonly #size: number;
  readonly #writer: MessageWriter;
  /** A long message is read while the window opens, until the next one is taken: so there are two, by turns. */
  readonly #buffers: readonly Uint8Array[];
  readonly #writers: readonly MessageWriter[];
  #which = 0;

  constructor(channel: Channel, size: number, verify: boolean) {
    this.#channel = channel;
    this.#size = size;
    this.long = size > channel.maxFrameMessage;
    this.#writer = new MessageWriter(channel.bytes, size, verify);
    this.#buffers = this.long ? [new Uint8Array(size), new Uint8Array(size)] : [];
    this.#writers = this.#buffers.map((buffer) => new MessageWriter(buffer, size, verify));
  }

  /** False: back-pressure. Allocates nothing. */
  send(number: number, type: number): boolean {
    if (this.long) return this.#sendLong(number, type);
    const at = this.#channel.reserve(this.#size);
    if (at < 0) return false;
    this.#writer.write(at, number);
    this.#channel.commit(this.#size, type);
    return true;
  }

  #sendLong(number: number, type: number): boolean {
    const which = this.#which;
    this.#writers[which].write(0, number);
    if (!this.#channel.send(this.#buffers[which], type)) return false;
    this.#which = 1 - which;
    return true;
  }
}
