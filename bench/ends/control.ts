import type { Channel, Host } from '../../src/index.js';
import { CONTROL_PORT, type Manner, type Serve } from './commands.js';
import { decode, encode, LONGEST, question, VERSION, type Answer } from './dialogue.js';
import { loseTo } from './lossyNic.js';
import { Service } from './service.js';

/** A client that has died is noticed after so long, ms: the next one is not kept waiting. */
const PATIENCE = { keepAlive: 500, peerTimeout: 3000 };

/** Has a host take part in measurements, when a client asks for it, one at a time. */
export class Control {
  #current: Bout | undefined;

  /** @param tell told what goes on */
  constructor(
    private readonly host: Host,
    private readonly wait: Serve['wait'],
    private readonly tell: (text: string) => void,
  ) {
    host.listen(CONTROL_PORT, { ...PATIENCE, maxMessage: LONGEST, onChannel: (channel) => this.#serve(channel) });
  }

  #serve(channel: Channel): void {
    const answer = (what: Answer): void => void channel.write(encode(what)).catch(() => undefined);
    channel.onMessage = (bytes, at, length) => {
      const asked = question(decode(bytes.slice(at, at + length)));
      if (asked === undefined) channel.abort();
      else if ('begin' in asked) answer(this.#begin(channel, asked));
      else if (this.#current?.channel === channel) answer({ cpu: this.#current.service.cpu() });
      else channel.abort();
    };
    channel.onEnd = () => this.#end(channel);
    channel.onClose = () => this.#end(channel);
  }

  #begin(channel: Channel, { version, begin }: { version: number; begin: Manner }): Answer {
    if (version !== VERSION) return { version: VERSION };
    if (this.#current !== undefined) {
      return { version, refused: `it measures with ${this.#current.channel.address} at the moment` };
    }
    this.#current = new Bout(this.host, this.wait, channel, begin);
    this.tell(`Measurement with ${channel.address}, waiting by ${begin.wait}.`);
    return { version };
  }

  #end(channel: Channel): void {
    if (this.#current?.channel !== channel) return;
    this.#current.end();
    this.#current = undefined;
    this.tell(`Measurement with ${channel.address} ended.`);
  }
}

/** The host behaves as one client asked, until that has what it wanted. */
class Bout {
  readonly service: Service;
  readonly #restore: () => void;

  constructor(
    private readonly host: Host,
    private readonly wait: Serve['wait'],
    readonly channel: Channel,
    manner: Manner,
  ) {
    const { loss, seed = 1 } = manner;
    this.service = new Service(host, manner, channel.address);
    this.#restore = loss === undefined ? () => undefined : loseTo(host.nic, channel.address, loss, seed);
    host.waitBy(manner.wait);
    if (manner.wait === 'spin') void this.service.spin();
  }

  end(): void {
    this.service.stop();
    this.#restore();
    this.host.waitBy(this.wait);
  }
}
