import type { Channel } from '../../src/index.js';

/** Sends numbered messages as fast as the channel takes them. */
export class Flood {
  sent = 0;
  readonly #channel: Channel;
  readonly #message: Uint8Array;
  readonly #view: DataView;
  #isOn = true;

  constructor(channel: Channel, size: number) {
    this.#channel = channel;
    this.#message = new Uint8Array(size);
    this.#view = new DataView(this.#message.buffer);
    channel.onWritable = () => this.#pump();
    this.#pump();
  }

  #pump(): void {
    while (this.#isOn) {
      this.#view.setUint32(0, this.sent, true);
      if (!this.#channel.send(this.#message)) return;
      this.sent++;
    }
  }

  /** No more; settles when all was delivered. Throws how the channel broke, if it did. */
  async end(): Promise<number> {
    this.#isOn = false;
    await this.#channel.end();
    const { error } = await this.#channel.closed;
    if (error !== undefined) throw error;
    return this.sent;
  }
}
