import { ChannelState } from '../../../src/channel/events.js';
import type { ChannelEvents } from '../../../src/channel/events.js';
import type { ChannelCore } from '../../../src/channel/core.js';
import type { CloseReason } from '../../../src/channel/reasons.js';
import type { EmpError } from '../../../src/errors.js';
import { Chance } from '../../../src/fault/chance.js';
import type { Network } from './network.js';
import type { SimHost } from './simHost.js';

const BLOCK = new Uint8Array(4 * 1024 * 1024);
const blockChance = new Chance(0x454d50);
for (let i = 0; i < BLOCK.length; i += 4) new DataView(BLOCK.buffer).setInt32(i, blockChance.bits(), true);

/** What one side of a channel does. */
export interface Plan {
  /** Lengths of the messages it sends, in order. */
  lengths: readonly number[];
  /** Begins to send so long after it was opened, µs. */
  start: number;
  /** Sends so many at a time (Infinity: all it can), then waits up to `pause` µs. */
  batch: number;
  pause: number;
  /** One more message for each that it gets, from within the handler. */
  replies: boolean;
  /** Probability of `reserve`/`commit` instead of `send`, where it fits. */
  reserve: number;
  /** Probability, per message received, that it stops reading for up to `rest` µs. */
  rests: number;
  rest: number;
  /** Aborts, or throws in its handler, after so many messages received. */
  abortAfter: number;
  throwAfter: number;
  /** Ends its side at once when the peer has ended. Otherwise it goes on until all its messages are sent. */
  keepOpen: boolean;
}

export const PLAIN: Plan = {
  lengths: [],
  start: 0,
  batch: Infinity,
  pause: 0,
  replies: false,
  reserve: 0,
  rests: 0,
  rest: 0,
  abortAfter: Infinity,
  throwAfter: Infinity,
  keepOpen: false,
};

/**
 * An application on one side of a channel. It sends messages that its partner can recompute, and checks each that it gets:
 * exactly once, in order, unchanged.
 */
export class Talker implements ChannelEvents {
  partner!: Talker;
  core: ChannelCore | undefined = undefined;
  /** Messages the channel has taken; messages that arrived. */
  sent = 0;
  received = 0;
  isOpened = false;
  peerHasEnded = false;
  hasEnded = false;
  reason: CloseReason | undefined = undefined;
  error: EmpError | undefined = undefined;
  writables = 0;
  /** Set by a test: called for each message, when it was checked. */
  onMessage: (() => void) | undefined = undefined;
  readonly faults: string[] = [];
  /** Which frame the last message came in. */
  #frame = NaN;

  readonly #network: Network;
  readonly #chance: Chance;
  readonly #scratch = new Uint8Array(64 * 1024);
  /** A message that comes in pieces. */
  readonly #whole = new Uint8Array(BLOCK.length);
  #pieces = 0;
  #sentEnd = false;

  constructor(
    network: Network,
    readonly host: SimHost,
    /** Tells streams apart: the contents depend on it. */
    readonly stream: number,
    readonly plan: Plan,
    chance: Chance,
  ) {
    this.#network = network;
    this.#chance = chance;
  }

  /** Message `index` of this side, where it lies in the block of random bytes. */
  content(index: number): Uint8Array {
    const length = this.plan.lengths[index];
    const hash = Math.imul(Math.imul(this.stream + 1, 0x9e3779b1) ^ (index + 1), 0x85ebca77) >>> 0;
    const at = hash % (BLOCK.length - length + 1);
    return BLOCK.subarray(at, at + length);
  }

  typeOf(index: number): number {
    return (Math.imul(index + 1, 40503) ^ this.stream) & 0xffff;
  }

  #fault(text: string): void {
    this.faults.push(`stream ${this.stream} at ${this.host.address}, ${this.#network.now} µs: ${text}`);
  }

  // ---- sending

  get #mayTalk(): boolean {
    return this.core !== undefined && this.core.isOpen && !this.#sentEnd;
  }

  /** Sends until the batch is over or the channel says no. */
  talk(): void {
    for (let n = 0; this.#mayTalk && this.sent < this.plan.lengths.length; n++) {
      if (n >= this.plan.batch) {
        const pause = this.#chance.between(0, this.plan.pause);
        this.#network.after(pause, () => this.host.enter(() => this.talk()));
        return;
      }
      if (!this.#sendOne()) return;
    }
    if (this.#mayTalk && this.sent === this.plan.lengths.length && (!this.plan.keepOpen || this.peerHasEnded)) {
      this.#sentEnd = true;
      this.core!.end();
    }
  }

  #sendOne(): boolean {
    const core = this.core!;
    const index = this.sent;
    const content = this.content(index);
    const type = this.typeOf(index);
    core.owner.touch(core);
    if (content.length <= core.link.maxPayload && this.#chance.happens(this.plan.reserve)) {
      const at = core.sender.reserve(content.length + this.#chance.between(0, core.link.maxPayload - content.length));
      if (at < 0) return false;
      core.link.port.bytes.set(content, at);
      this.sent++;
      core.sender.commit(content.length, type);
      return true;
    }
    // Short messages are copied during the call: the buffer may change at once.
    const isShort = content.length <= core.link.maxPayload;
    const bytes = isShort ? this.#scratch.subarray(0, content.length) : content;
    if (isShort) bytes.set(content);
    this.sent++;
    const taken = core.sender.submit(bytes, type);
    if (isShort) bytes.fill(0xee);
    if (!taken) this.sent--;
    return taken;
  }

  abort(): void {
    this.host.enter(() => this.core?.fail('aborted'));
  }

  // ---- what the channel tells

  opened(): void {
    if (this.isOpened) this.#fault('opened twice');
    if (this.reason !== undefined) this.#fault('opened after it was closed');
    this.isOpened = true;
    if (this.plan.start === 0) this.talk();
    else this.#network.after(this.plan.start, () => this.host.enter(() => this.talk()));
  }

  message(bytes: Uint8Array, offset: number, length: number, type: number): void {
    const { partner, core } = this;
    const index = this.received++;
    if (this.reason !== undefined) this.#fault(`message ${index} after the channel was closed`);
    if (this.peerHasEnded) this.#fault(`message ${index} after the end`);
    // A pause acts between frames: who pauses gets the rest of the messages of that frame, and no more.
    const { paused, window } = core!.receiver;
    if (paused && window.delivered !== this.#frame) this.#fault(`message ${index} while paused`);
    this.#frame = window.delivered;
    if (index >= partner.sent) this.#fault(`message ${index} was never sent (${partner.sent} were)`);
    else {
      const expected = partner.content(index);
      if (length !== expected.length) this.#fault(`message ${index} has ${length} bytes, not ${expected.length}`);
      else if (Buffer.compare(bytes.subarray(offset, offset + length), expected) !== 0) {
        this.#fault(`message ${index} of ${length} bytes was changed`);
      }
      if (type !== partner.typeOf(index)) this.#fault(`message ${index} has type ${type}`);
    }
    this.onMessage?.();
    if (this.received > this.plan.throwAfter) throw new Error('on purpose');
    if (this.received > this.plan.abortAfter) {
      core!.fail('aborted');
      return;
    }
    if (this.#chance.happens(this.plan.rests)) this.#rest();
    if (this.plan.replies && this.#mayTalk && this.sent < this.plan.lengths.length) this.#sendOne();
  }

  /** Some long messages are taken piece by piece. */
  get wantsFragments(): boolean {
    return (this.received & 1) === 1;
  }

  fragment(bytes: Uint8Array, offset: number, length: number, position: number, total: number, type: number): void {
    if (position !== this.#pieces) this.#fault(`a piece from ${position} on, not ${this.#pieces}`);
    this.#whole.set(bytes.subarray(offset, offset + length), position);
    this.#pieces = position + length;
    if (this.#pieces < total) return;
    this.#pieces = 0;
    this.message(this.#whole, 0, total, type);
  }

  #rest(): void {
    this.core!.pause();
    this.#network.after(this.#chance.between(0, this.plan.rest), () => this.host.enter(() => this.core!.resume()));
  }

  writable(): void {
    this.writables++;
    this.talk();
  }

  peerEnded(): void {
    if (this.peerHasEnded) this.#fault('the peer ended twice');
    this.peerHasEnded = true;
    if (this.plan.start === 0) this.talk();
  }

  ended(): void {
    if (this.hasEnded) this.#fault('ended twice');
    if (!this.#sentEnd) this.#fault('ended, but never asked to');
    this.hasEnded = true;
  }

  closed(reason: CloseReason, error: EmpError | undefined): void {
    if (this.reason !== undefined) this.#fault(`closed twice: ${this.reason}, ${reason}`);
    if ((reason === 'ended') !== (error === undefined)) this.#fault(`closed ${reason} with error ${error?.code}`);
    this.reason = reason;
    this.error = error;
  }

  /**
   * The promise, word by word: what arrived is a beginning of what was sent (checked message by message); a sender that was told
   * of no error has had everything delivered.
   */
  verdict(): string[] {
    const found = [...this.faults];
    const { partner } = this;
    if (this.core === undefined) return found;
    if (this.core.state !== ChannelState.closed) found.push(`stream ${this.stream} is in state ${this.core.state}`);
    else if (this.reason === undefined && this.isOpened) found.push(`stream ${this.stream} was never told of its end`);
    const everything = this.sent === partner.received;
    if (this.reason === 'ended' && !everything) {
      found.push(`stream ${this.stream} ended in peace; ${this.sent} were sent, ${partner.received} delivered`);
    }
    if (this.hasEnded && (!everything || !partner.peerHasEnded)) {
      found.push(`stream ${this.stream} was told that its end was consumed; it was not`);
    }
    return found;
  }
}
