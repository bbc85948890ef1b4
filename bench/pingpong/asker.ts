import { EmpError, Host, type Channel } from '../../src/index.js';
import { MonotonicClock } from '../../src/host/clock.js';
import type { OpenAsker, Opened } from './commands.js';
import { isIntact, readRound, writePayload } from './payload.js';
import { Tally, type Losses } from './tally.js';

/** A round that takes longer, µs, ends the measurement: the channel itself repeats lost frames long before. */
const PATIENCE = 10_000_000;
const IDLE_TURNS_PER_CLOCK = 1 << 16;

function connect(host: Host, { address, port, payloadCheck }: OpenAsker): Promise<Channel> {
  return host.connect(address, port, { payloadCheck });
}

/**
 * The client's end. A round is timed from before `reserve` to the call of the handler with the whole answer; the handler
 * starts the next round, so what the turn still does after it (acknowledgements, recycling) is part of that round. Nothing is left out.
 */
export class Asker {
  readonly #tally: Tally;
  readonly #size: number;
  readonly #channel: Channel;
  readonly #memory: Uint8Array;
  /** The message, when it is too long for one frame. */
  readonly #long: Uint8Array | undefined;
  #samples = new Float64Array(0);
  #first = 0;
  #round = 0;
  #end = 0;
  readonly #clock = new MonotonicClock();
  /** When the round began: in a typed array, because a number with a fraction in a field may be a new one on the heap each time. */
  readonly #started = new Float64Array(1);
  #failure: Error | undefined;
  #settle: (() => void) | undefined;

  private constructor(
    readonly host: Host,
    channel: Channel,
    { rounds, size }: OpenAsker,
  ) {
    this.#tally = new Tally(rounds);
    this.#size = size;
    this.#channel = channel;
    this.#memory = channel.bytes;
    this.#long = size <= channel.maxFrameMessage ? undefined : new Uint8Array(size);
    channel.onMessage = (bytes, offset, length) => this.#answered(bytes, offset, length);
    channel.onClose = ({ error }) => {
      this.#failure ??= error ?? new EmpError('ERR_EMP_CLOSED', 'The server ended the channel.');
      this.#settle?.();
    };
  }

  static async open(options: OpenAsker): Promise<Asker> {
    const host = await Host.open({ nic: options.nic, wait: options.wait });
    try {
      return new Asker(host, await connect(host, options), options);
    } catch (error) {
      await host.close({ force: true });
      throw error;
    }
  }

  get opened(): Opened {
    return { address: this.host.address, info: this.host.nic.info };
  }

  /** `rounds` more rounds; their times. `spin`: polls until they are done; `also` is polled too. */
  async run(rounds: number, spin: boolean, also?: Host): Promise<Float64Array> {
    this.#samples = new Float64Array(rounds);
    this.#first = this.#round;
    this.#end = this.#round + rounds;
    this.#ask();
    if (spin) this.#spin(also);
    else await this.#wait();
    if (this.#failure !== undefined) throw this.#failure;
    return this.#samples;
  }

  losses(): Losses {
    return this.#tally.losses(this.#round);
  }

  async close(): Promise<void> {
    await Promise.race([this.#channel.close(), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
    await this.host.close({ force: true });
  }

  // ---- the hot path: allocates nothing ----

  #ask(): void {
    const size = this.#size;
    const channel = this.#channel;
    this.#clock.read();
    this.#started[0] = this.#clock.cell[0];
    if (this.#long === undefined) {
      const at = channel.reserve(size);
      if (at < 0) throw new Error('no room for a message');
      writePayload(this.#memory, at, size, this.#round);
      channel.commit(size);
    } else {
      writePayload(this.#long, 0, size, this.#round);
      if (!channel.send(this.#long)) throw new Error('no room for a message');
    }
  }

  #answered(bytes: Uint8Array, offset: number, length: number): void {
    this.#clock.read();
    const round = readRound(bytes, offset, length, this.#round);
    this.#tally.see(round, length === this.#size && isIntact(bytes, offset, length, round));
    if (round !== this.#round) return;
    this.#samples[round - this.#first] = this.#clock.cell[0] - this.#started[0];
    this.#round = round + 1;
    if (this.#round < this.#end) this.#ask();
    else this.#settle?.();
  }

  #spin(also: Host | undefined): void {
    let seen = this.#round;
    for (let idle = 0; this.#round < this.#end;) {
      also?.poll();
      if (this.host.poll() > 0 || ++idle < IDLE_TURNS_PER_CLOCK) continue;
      idle = 0;
      if (this.#failure !== undefined) return;
      if (this.#round === seen && this.#overdue()) throw this.#noAnswer();
      seen = this.#round;
    }
  }

  // ----

  async #wait(): Promise<void> {
    let watch: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#settle = resolve;
      if (this.#round >= this.#end || this.#failure !== undefined) resolve();
      watch = setInterval(() => {
        if (this.#overdue()) reject(this.#noAnswer());
      }, 1000);
    });
    clearInterval(watch);
    this.#settle = undefined;
  }

  #overdue(): boolean {
    this.#clock.read();
    return this.#clock.cell[0] - this.#started[0] > PATIENCE;
  }

  #noAnswer(): EmpError {
    return new EmpError('ERR_EMP_TIMEOUT', `Round ${this.#round} had no answer for ${PATIENCE / 1e6} s.`, {
      remedy: 'Check that the server answers: emp echo.',
    });
  }
}
