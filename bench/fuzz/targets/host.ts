import { FrameType } from '../../../src/wire/header.js';
import { HonestTalk } from '../host/honest.js';
import { together } from '../host/compose.js';
import { Puppet } from '../host/puppet.js';
import { checkBounds, checkEnd, checkMemory, memoryNow } from '../host/invariants.js';
import { OPEN_TO_ALL, Stage } from '../host/stage.js';
import { Reader } from '../reader.js';
import type { Target } from '../target.js';

const MOST_STEPS = 100;
/** ms */
const PAUSES = [0.05, 1, 5, 50, 500, 3000];

/**
 * The whole way of frames into a host. The input is a story of frames, most of them nearly right, of pauses, and of what the host's own
 * program does, while somebody honest talks with the same host.
 */
export const host: Target = {
  name: 'host',
  longest: 1024,
  async run(bytes) {
    const before = memoryNow();
    const input = new Reader(bytes);
    const puppet = new Puppet();
    const stage = new Stage(input, (heard) => puppet.hear(heard));
    await stage.world.run(async () => {
      const talk = await HonestTalk.begin(stage);
      const story = new Story(stage, puppet, input);
      for (let i = 0; i < MOST_STEPS && !input.isOver; i++) {
        await story.step();
      }
      checkMemory(before);
      await checkEnd(stage, talk);
    });
  },
};

class Story {
  readonly #stage: Stage;
  readonly #puppet: Puppet;
  readonly #input: Reader;
  /** Frames that share the next one of the link. */
  #gathered: Uint8Array[] = [];
  #gathers = false;
  #last: Uint8Array = new Uint8Array(0);

  constructor(stage: Stage, puppet: Puppet, input: Reader) {
    this.#stage = stage;
    this.#puppet = puppet;
    this.#input = input;
  }

  async step(): Promise<void> {
    const input = this.#input;
    const act = input.byte() % 20;
    if (act === 0) this.#send(this.#puppet.connect(input, OPEN_TO_ALL));
    else if (act <= FrameType.probe) this.#send(this.#puppet.frame(input, act, OPEN_TO_ALL));
    else if (act <= 10) this.#send(this.#puppet.frame(input, FrameType.data, OPEN_TO_ALL));
    else if (act === 11) this.#send(input.take(input.byte()));
    else if (act === 12) this.#arrive(this.#last);
    else if (act === 13) this.#damage();
    else if (act === 14) this.#gathers = true;
    else if (act === 15) this.#ship();
    else if (act === 16) this.#connect();
    else if (act === 17) this.#program();
    else await this.#pause();
  }

  /** Only now the victim looks at what has come. */
  async #pause(): Promise<void> {
    await this.#stage.world.sleep(this.#input.pick(PAUSES));
    checkBounds(this.#stage);
  }

  #send(bytes: Uint8Array): void {
    if (this.#gathers) this.#gathered.push(bytes);
    else this.#arrive(bytes);
  }

  #ship(): void {
    this.#gathers = false;
    this.#arrive(together(this.#gathered.splice(0)));
  }

  /** Comes from the fuzzer, or says that it comes from somebody else. */
  #arrive(bytes: Uint8Array): void {
    const { nics, senders, offered } = this.#stage;
    this.#last = bytes;
    offered.push(bytes);
    const forged = this.#input.byte() >> 3;
    nics[0].arrive(bytes, senders[forged < senders.length ? forged : 0]);
  }

  #damage(): void {
    const bytes = this.#last.slice();
    if (bytes.length > 0) bytes[this.#input.word() % bytes.length] ^= this.#input.byte();
    this.#arrive(bytes);
  }

  /** The victim wants something of us. */
  #connect(): void {
    const { victim, senders, accepted } = this.#stage;
    victim.connect(senders[0], this.#input.byte(), { timeout: 1000 }).then(
      (channel) => {
        accepted.push(channel);
        channel.onMessage = () => undefined;
      },
      () => undefined, // refused, or not in time
    );
  }

  /** What the victim's own program does. */
  #program(): void {
    const input = this.#input;
    const { accepted } = this.#stage;
    if (accepted.length === 0) return;
    const channel = input.pick(accepted);
    switch (input.byte() % 5) {
      case 0:
        return channel.abort();
      case 1:
        void channel.close();
        return;
      case 2:
        channel.end().catch(() => undefined);
        return;
      case 3:
        channel.write(new Uint8Array(input.word() % 4096), 7).catch(() => undefined);
        return;
      default:
        if (channel.writable) channel.send(input.take(input.byte() % 32));
    }
  }
}
