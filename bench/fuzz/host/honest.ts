import type { Channel } from '../../../src/index.js';
import { HONEST, type Stage } from './stage.js';

const MESSAGES = [0, 1, 40, 480, 2000, 5, 1200, 64, 0, 3].map((length, index) =>
  Uint8Array.from({ length }, (_, i) => index * 31 + i * 7),
);

/** Somebody who sends messages to the victim and gets each of them back, while others do what they like. */
export class HonestTalk {
  readonly #channel: Channel;
  #heard = 0;
  #wrong = 0;
  readonly #done: Promise<void>;

  private constructor(channel: Channel, stage: Stage) {
    this.#channel = channel;
    channel.onMessage = (bytes, at, length) => this.#hear(bytes.subarray(at, at + length));
    this.#done = this.#talk(stage);
    this.#done.catch(() => undefined); // looked at in `end`
  }

  static async begin(stage: Stage): Promise<HonestTalk> {
    return new HonestTalk(await stage.honest.connect(stage.victim.address, HONEST), stage);
  }

  async #talk({ world }: Stage): Promise<void> {
    for (let i = 0; i < MESSAGES.length; i++) {
      await this.#channel.write(MESSAGES[i]);
      await world.sleep(i);
    }
  }

  #hear(bytes: Uint8Array): void {
    if (this.#heard >= MESSAGES.length || Buffer.compare(bytes, MESSAGES[this.#heard]) !== 0) this.#wrong++;
    this.#heard++;
  }

  /** All was sent and came back, and the channel ends in peace; else what was missing. */
  async end({ world }: Stage): Promise<string | undefined> {
    await this.#done.catch(() => undefined); // the reason of the end tells more
    for (let i = 0; i < 3000 && this.#heard < MESSAGES.length; i++) await world.sleep(10);
    const { reason } = await this.#channel.close();
    if (this.#heard === MESSAGES.length && this.#wrong === 0 && reason === 'ended') return undefined;
    return `honest data: ${this.#heard} of ${MESSAGES.length} messages came back, ${this.#wrong} were changed; ${reason}`;
  }
}
