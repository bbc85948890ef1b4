import type { Channel, Host } from '../../../src/index.js';
import type { World } from '../../../src/sim/index.js';

/** Numbered messages from one simulated host to another, as fast as the channel takes them, or one every so often; and what the receiver sees. */
export class Stream {
  sent = 0;
  received = 0;
  /** What was not right. */
  readonly faults: string[] = [];
  channel!: Channel;
  #isOn = true;
  #longest = 0;
  #at: number;
  readonly #world: World;
  readonly #message: Uint8Array;

  private constructor(world: World, size: number) {
    this.#world = world;
    this.#at = world.now;
    this.#message = new Uint8Array(size);
  }

  /** @param every ms between two messages; 0: as fast as it can */
  static async open(
    world: World,
    from: Host,
    to: Host,
    { port = 1, size = 1000, every = 0, address = to.address } = {},
  ) {
    const stream = new Stream(world, size);
    to.listen(port, { onChannel: (channel) => (channel.onMessage = (bytes, at) => stream.#take(bytes, at)) });
    stream.channel = await from.connect(address, port);
    stream.channel.onWritable = () => stream.#pump();
    if (every === 0) stream.#pump();
    else void stream.#drip(every);
    return stream;
  }

  #send(): boolean {
    new DataView(this.#message.buffer).setUint32(0, this.sent, true);
    if (!this.channel.send(this.#message)) return false;
    this.sent++;
    return true;
  }

  #pump(): void {
    while (this.#isOn && this.#send());
  }

  async #drip(every: number): Promise<void> {
    while (this.#isOn && this.channel.writable) {
      this.#send();
      await this.#world.sleep(every);
    }
  }

  #take(bytes: Uint8Array, at: number): void {
    const number = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0, true);
    if (number !== this.received) this.faults.push(`message ${number} in the place of ${this.received}`);
    this.received++;
    this.#longest = Math.max(this.#longest, this.#world.now - this.#at);
    this.#at = this.#world.now;
  }

  /** The longest time without a message since the last look, ms. */
  gap(): number {
    const gap = Math.max(this.#longest, this.#world.now - this.#at);
    this.#longest = 0;
    this.#at = this.#world.now;
    return gap / 1000;
  }

  /** Sends no more. What was not right: nothing may be lost, doubled or reordered, and the channel ends in peace. */
  async end(): Promise<string[]> {
    this.#isOn = false;
    await this.channel.end();
    const { reason } = await this.channel.closed;
    if (reason !== 'ended') this.faults.push(`it ended ${reason}`);
    if (this.received !== this.sent) this.faults.push(`${this.received} of ${this.sent} came`);
    return this.faults;
  }
}
