import { ChannelError } from '../errors.js';
import { Refusal, readHandshake, readReason } from '../wire/control.js';
import type { Handshake } from '../wire/control.js';
import { FrameType, headerBytesOf, payloadLengthOf, acknowledgementOf, sequenceOf, sourceOf } from '../wire/header.js';
import type { ControlFrames } from './controlFrames.js';
import type { ChannelCore } from './core.js';
import { EngineCounter } from './counters.js';
import { ChannelState } from './events.js';
import type { ChannelSettings } from './options.js';
import type { FramePort } from './port.js';
import { refusalReason } from './reasons.js';
import { SMALLEST_MTU } from '../nic/options.js';
import type { Strangers } from './strangers.js';

/** Connections being opened to one port at a time; more are refused, so a flood of CONNECTs costs bounded memory. */
const BACKLOG = 128;

export interface ConnectRequest {
  readonly address: string;
  readonly port: number;
}

/** Somebody who takes connections to a port. */
export interface Acceptor {
  readonly settings: ChannelSettings;
  /** Whether to take it, while so many others of this port are being opened. Must not throw. */
  accept(request: ConnectRequest, opening: number): boolean | 'backlog';
  /** The connection stands; sets `channel.events`. */
  accepted(channel: ChannelCore): void;
}

/** Where channels are made and live. */
export interface HandshakeOwner {
  readonly control: ControlFrames;
  readonly counters: Float64Array;
  create(address: string, port: number, settings: ChannelSettings): ChannelCore;
  touch(channel: ChannelCore): void;
}

/** How connections come to be: who listens, what a CONNECT is answered, and what answers one of ours. */
export class Handshakes {
  readonly #port: FramePort;
  /** The clock's cell: µs. */
  readonly #now: Float64Array;
  readonly #strangers: Strangers;
  readonly #owner: HandshakeOwner;
  readonly #control: ControlFrames;
  readonly #counters: Float64Array;
  readonly #acceptors = new Map<number, Acceptor>();
  /** Accepted channels by the peer's address and id, so that a repeated CONNECT finds its channel. */
  readonly #accepted = new Map<string, ChannelCore>();
  /** Channels whose ACCEPT was not answered yet. */
  readonly #pending = new Set<ChannelCore>();
  /** How many of them each port has. */
  readonly #opening = new Map<number, number>();

  constructor(port: FramePort, now: Float64Array, strangers: Strangers, owner: HandshakeOwner) {
    this.#port = port;
    this.#now = now;
    this.#strangers = strangers;
    this.#owner = owner;
    this.#control = owner.control;
    this.#counters = owner.counters;
  }

  listen(port: number, acceptor: Acceptor): void {
    if (this.#acceptors.has(port)) {
      throw new ChannelError('ERR_EMP_PORT_IN_USE', `Port ${port} of this host has a listener already.`, {
        remedy: 'Close it first, or take another port.',
      });
    }
    this.#acceptors.set(port, acceptor);
  }

  unlisten(port: number): void {
    this.#acceptors.delete(port);
  }

  /**
   * What a CONNECT of ours may be answered by. An answer names its sequence number, beside its id: another one is to another connection, or from somebody
   * who guesses. Data that overtook its ACCEPT will come again.
   */
  answer(channel: ChannelCore, at: number, type: number): void {
    if (acknowledgementOf(this.#port.view, at) !== channel.initialSequence) {
      this.#counters[EngineCounter.unexpected]++;
    } else if (type === FrameType.accept) this.#accept(channel, at);
    else if (type === FrameType.refuse) this.#refused(channel, at);
    else this.#counters[EngineCounter.unexpected]++;
  }

  /** The first frame after our ACCEPT: the connection stands. */
  confirm(channel: ChannelCore, type: number): boolean {
    if (type !== FrameType.data && type !== FrameType.ack && type !== FrameType.probe) {
      this.#counters[EngineCounter.unexpected]++;
      return false;
    }
    this.#settled(channel);
    const acceptor = this.#acceptors.get(channel.port);
    if (acceptor === undefined) {
      channel.fail('aborted');
      return false;
    }
    // Open before the acceptor hears of it: it may send at once.
    channel.open();
    acceptor.accepted(channel);
    if (channel.isOpen) channel.events?.opened();
    return channel.isOpen;
  }

  /** Entry `index` of the burst is a CONNECT, at `at`. */
  connect(index: number, at: number): void {
    const { view } = this.#port;
    this.#counters[EngineCounter.connectsReceived]++;
    const remoteId = sourceOf(view, at);
    const sequence = sequenceOf(view, at);
    const handshake = readHandshake(view, at + headerBytesOf(view, at), payloadLengthOf(view, at));
    if (handshake === undefined || remoteId === 0) {
      this.#counters[EngineCounter.malformedControl]++;
      return;
    }
    // Here a flood of CONNECTs ends before it has cost so much as a name.
    if (!this.#acceptors.has(handshake.port) && !this.#strangers.mayAnswer(this.#now[0])) return;
    const address = this.#port.source(index);
    if (!isWorkable(handshake)) return this.#refuse(address, remoteId, sequence, Refusal.parameters);
    const key = `${address}/${remoteId}`;
    const known = this.#accepted.get(key);
    if (known !== undefined && known.peerSequence === sequence) {
      if (known.state === ChannelState.accepting) this.#control.accept(known);
      return;
    }
    // Another life of the peer has drawn the same id.
    known?.fail('peer-reset');
    const acceptor = this.#acceptors.get(handshake.port);
    if (acceptor === undefined) return this.#control.refuse(address, remoteId, sequence, Refusal.noListener);
    const opening = this.#opening.get(handshake.port) ?? 0;
    if (opening >= BACKLOG) return this.#refuse(address, remoteId, sequence, Refusal.backlog);
    const answer = acceptor.accept({ address, port: handshake.port }, opening);
    if (answer !== true) {
      return this.#refuse(address, remoteId, sequence, answer === 'backlog' ? Refusal.backlog : Refusal.refused);
    }
    let channel;
    try {
      channel = this.#owner.create(address, handshake.port, acceptor.settings);
    } catch {
      return this.#refuse(address, remoteId, sequence, Refusal.backlog);
    }
    this.#pending.add(channel);
    this.#opening.set(handshake.port, opening + 1);
    this.#accepted.set(key, channel);
    channel.agree(remoteId, handshake, sequence);
    channel.accept();
  }

  #accept(channel: ChannelCore, at: number): void {
    const { view } = this.#port;
    const handshake = readHandshake(view, at + headerBytesOf(view, at), payloadLengthOf(view, at));
    const remoteId = sourceOf(view, at);
    if (handshake === undefined || remoteId === 0) {
      this.#counters[EngineCounter.malformedControl]++;
      return;
    }
    // What its ACCEPT made there ends by our RESET when it comes again.
    if (!isWorkable(handshake)) return channel.fail('parameters');
    channel.agree(remoteId, handshake, sequenceOf(view, at));
    channel.heard();
    channel.receiver.ackPending = true;
    this.#owner.touch(channel);
    channel.open();
    channel.events?.opened();
  }

  #refused(channel: ChannelCore, at: number): void {
    const { view } = this.#port;
    channel.fail(refusalReason(readReason(view, at + headerBytesOf(view, at), payloadLengthOf(view, at))));
  }

  /** Answers to a flood of CONNECTs are bounded as RESETs are; a CONNECT that is not answered comes again. */
  #refuse(address: string, remoteId: number, sequence: number, reason: number): void {
    if (this.#strangers.mayAnswer(this.#now[0])) this.#control.refuse(address, remoteId, sequence, reason);
  }

  #settled(channel: ChannelCore): void {
    if (!this.#pending.delete(channel)) return;
    const left = this.#opening.get(channel.port)! - 1;
    if (left > 0) this.#opening.set(channel.port, left);
    else this.#opening.delete(channel.port);
  }

  /** The channel has ended. */
  forget(channel: ChannelCore): void {
    this.#settled(channel);
    const key = `${channel.address}/${channel.link.remoteId}`;
    if (this.#accepted.get(key) === channel) this.#accepted.delete(key);
  }
}

function isWorkable({ mtu, window }: Handshake): boolean {
  return mtu >= SMALLEST_MTU && window >= 1;
}
