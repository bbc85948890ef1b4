import { Deadlines } from '../arq/deadlines.js';
import { TokenBucket } from '../arq/tokenBucket.js';
import { ChannelError } from '../errors.js';
import { Refusal, readHandshake, readReason, readReasonVersion } from '../wire/control.js';
import type { Handshake } from '../wire/control.js';
import {
  Flag,
  FrameType,
  HEADER_BYTES,
  Header,
  REJECT_REASONS,
  Reject,
  VERSION,
  decode,
  destinationOf,
  headerBytesOf,
  payloadLengthOf,
  sequenceOf,
  sourceOf,
  typeOf,
} from '../wire/header.js';
import { ControlFrames } from './controlFrames.js';
import { ChannelCore, ChannelState } from './core.js';
import type { ChannelOwner } from './core.js';
import { ENGINE_COUNTERS, EngineCounter } from './counters.js';
import { Link, Time } from './link.js';
import type { Clock } from './link.js';
import type { ChannelSettings } from './options.js';
import type { FramePort } from './port.js';
import { refusalReason } from './reasons.js';
import { Starvation } from './starvation.js';
import { ChannelTable } from './table.js';
import { TurnList } from './turnList.js';

/** Connections being opened to one port at a time; more are refused, so a flood of CONNECTs costs bounded memory. */
const BACKLOG = 128;
/** Answers to frames that are for nobody: so many at once, and so many more a second. */
const ANSWER_BURST = 64;
const ANSWERS_PER_MICROSECOND = 1000 / 1_000_000;
/** µs */
const SOONEST = 50;
/** The smallest frame that is worth a channel, bytes. */
const SMALLEST_MTU = HEADER_BYTES + 64;

export interface ConnectRequest {
  readonly address: string;
  readonly port: number;
}

/** Somebody who takes connections to a port. */
export interface Acceptor {
  readonly settings: ChannelSettings;
  /** Whether to take it, while so many others of this port are being opened. An exception counts as no. */
  accept(request: ConnectRequest, opening: number): boolean | 'backlog';
  /** The connection stands; sets `channel.events`. */
  accepted(channel: ChannelCore): void;
}

/**
 * All channels over one NIC. Sans-I/O: the owner gives it bursts (`digest`), time (`tick`), and calls `settle` at the end of a turn;
 * frames to send go to the port. The order of a turn: digest, settle, tick, settle.
 */
export class Engine implements ChannelOwner {
  readonly counters = new Float64Array(ENGINE_COUNTERS);
  /** Frames that could not be decoded, by `Reject` reason. */
  readonly rejects = new Float64Array(REJECT_REASONS);
  readonly clock: Clock;
  readonly control: ControlFrames;

  readonly #port: FramePort;
  readonly #random: () => number;
  readonly #table: ChannelTable;
  readonly #deadlines = new Deadlines();
  readonly #starvation = new Starvation<ChannelCore>();
  readonly #header = new Header();
  readonly #acceptors = new Map<number, Acceptor>();
  /** Accepted channels by the peer's address and id, so that a repeated CONNECT finds its channel. */
  readonly #accepted = new Map<string, ChannelCore>();
  /** Channels whose ACCEPT was not answered yet. */
  readonly #pending = new Set<ChannelCore>();
  readonly #touched = new TurnList<ChannelCore>();
  /** RESETs for unknown channels, and refusals where nobody listens. */
  readonly #answers = new TokenBucket(ANSWER_BURST, ANSWERS_PER_MICROSECOND);

  /** @param random 32 random bits, as an integer */
  constructor(port: FramePort, random: () => number, clock: Clock) {
    this.#port = port;
    this.#random = random;
    this.clock = clock;
    this.#table = new ChannelTable(random);
    this.control = new ControlFrames(port, this.counters);
  }

  get channels(): ChannelCore[] {
    return this.#table.all();
  }

  get channelCount(): number {
    return this.#table.count;
  }

  /** There is something that only another turn can send. */
  get busy(): boolean {
    return !this.#touched.isEmpty;
  }

  /** `tick` wants to be called now. A boolean, because a double returned from a call may be allocated. */
  get isDue(): boolean {
    const { now } = this.clock;
    return now >= this.#deadlines.next || now >= this.#starvation.retryAt;
  }

  /** `tick` wants to be called before the time in the cell. */
  isDueBefore(cell: Float64Array): boolean {
    return this.#deadlines.next < cell[0] || this.#starvation.retryAt < cell[0];
  }

  /** When `tick` wants to be called, µs. */
  get nextTimeout(): number {
    return Math.min(this.#deadlines.next, this.#starvation.retryAt);
  }

  // ---- the application's side

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

  /** A channel that is not connected yet: set its `events`, then call `connect`. Throws ERR_EMP_ADDRESS. */
  create(address: string, port: number, settings: ChannelSettings): ChannelCore {
    const peer = this.#port.peer(address);
    try {
      const id = this.#table.allocate();
      const link = new Link(this.#port, this.clock, id, peer, this.#starvation);
      const channel = new ChannelCore(link, ChannelTable.slotOf(id), address, port, settings, this.#random() | 0, this);
      this.#table.set(channel);
      return channel;
    } catch (error) {
      this.#port.forget(peer);
      throw error;
    }
  }

  // ---- the turn

  /** Takes in the port's current burst of `count` frames. */
  digest(count: number): void {
    const { frame, length } = this.#port.rx;
    const { view } = this.#port;
    const header = this.#header;
    this.counters[EngineCounter.framesReceived] += count;
    for (let i = 0; i < count; i++) {
      const at = frame[i];
      const reject = decode(view, at, length[i], header);
      if (reject !== Reject.ok) this.#rejected(i, at, reject);
      else this.#frame(i, at, header);
    }
  }

  #frame(index: number, at: number, header: Header): void {
    const { type } = header;
    if (type === FrameType.connect) return this.#connect(index, at);
    const channel = this.#table.find(header.destination);
    if (channel === undefined) return this.#unknown(index, at, type);
    if (channel.state === ChannelState.connecting) return this.#answer(channel, at, type);
    if (channel.link.remoteId !== header.source) return this.#unknown(index, at, type);
    channel.heard();
    if (type === FrameType.reset) return this.#reset(channel, at);
    if (channel.state === ChannelState.accepting && !this.#confirm(channel, type)) return;
    channel.sender.flight.acknowledged(header.acknowledgement, header.credit);
    // Before the handler runs, which may be long, and may end the channel.
    this.touch(channel);
    if (type === FrameType.data) {
      if (channel.link.checked && (header.flags & Flag.payloadCheck) === 0) return channel.fail('protocol');
      if (channel.state === ChannelState.open) channel.receiver.data(index, at, header);
      else channel.receiver.ackPending = true;
    } else if (type === FrameType.ack) {
      const bytes = header.payloadLength;
      if (bytes > 0)
        channel.sender.flight.selectivelyAcknowledged(header.acknowledgement, at + header.headerBytes, bytes);
    } else {
      // PROBE, or an ACCEPT that came twice because our answer was lost.
      channel.receiver.ackPending = true;
    }
  }

  /** What a CONNECT of ours may be answered by. Data that overtook its ACCEPT will come again. */
  #answer(channel: ChannelCore, at: number, type: number): void {
    if (type === FrameType.accept) this.#accept(channel, at);
    else if (type === FrameType.refuse) this.#refused(channel, at);
    else this.counters[EngineCounter.unexpected]++;
  }

  /** The first frame after our ACCEPT: the connection stands. */
  #confirm(channel: ChannelCore, type: number): boolean {
    if (type !== FrameType.data && type !== FrameType.ack && type !== FrameType.probe) return false;
    this.#pending.delete(channel);
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

  /** Runs what is due. */
  tick(): void {
    const { now } = this.clock;
    if (now >= this.#starvation.retryAt) this.#feed();
    for (let slot = this.#deadlines.due(now); slot >= 0; slot = this.#deadlines.due(now)) {
      const channel = this.#table.at(slot);
      if (channel === undefined) continue;
      channel.link.times[Time.scheduled] = Infinity;
      channel.timer();
      if (!channel.isClosed) this.#schedule(channel);
    }
  }

  /** Usually two comparisons: a timer that is put off needs nothing (see `Deadlines`). */
  #schedule(channel: ChannelCore): void {
    const { times } = channel.link;
    if (times[Time.timer] >= times[Time.scheduled] && times[Time.resend] >= times[Time.scheduled]) return;
    // A little later than now at least: what is due again at once must not keep `tick` from ending.
    const at = Math.max(channel.deadline, this.clock.now + SOONEST);
    times[Time.scheduled] = at;
    this.#deadlines.by(channel.slot, at);
  }

  touch(channel: ChannelCore): void {
    this.#touched.add(channel);
  }

  /** Sends what the turn has made possible; channels that the NIC had no room for stay touched. */
  settle(): void {
    const count = this.#touched.begin();
    for (let i = 0; i < count; i++) {
      const channel = this.#touched.take(i);
      channel.settle();
      if (channel.isClosed) continue;
      if (channel.isOpen) this.#afterSettling(channel);
      this.#schedule(channel);
    }
    if (this.#starvation.hungry && this.#starvation.freed) this.#feed();
  }

  #afterSettling(channel: ChannelCore): void {
    if (channel.sender.flight.stalled) this.touch(channel);
    if (channel.sender.starved) this.#starvation.add(channel, this.clock.now);
  }

  /** Frames came back to the pool: who found none tries again. */
  #feed(): void {
    this.#starvation.freed = false;
    for (const channel of this.#starvation.takeAll()) if (channel.isOpen) this.touch(channel);
  }

  // ---- the handshake

  #connect(index: number, at: number): void {
    const { view } = this.#port;
    this.counters[EngineCounter.connectsReceived]++;
    const remoteId = sourceOf(view, at);
    const handshake = readHandshake(view, at + headerBytesOf(view, at), payloadLengthOf(view, at));
    if (handshake === undefined || remoteId === 0) {
      this.counters[EngineCounter.malformedControl]++;
      return;
    }
    // Answers to a flood of CONNECTs are bounded as RESETs are; a CONNECT that is not answered comes again.
    if (!this.#acceptors.has(handshake.port) && !this.#answers.take(this.clock.now)) return;
    const address = this.#port.source(index);
    if (!isWorkable(handshake)) return this.control.refuse(address, remoteId, Refusal.parameters);
    const key = `${address}/${remoteId}`;
    const known = this.#accepted.get(key);
    if (known !== undefined && known.peerSequence === sequenceOf(view, at)) {
      if (known.state === ChannelState.accepting) this.control.accept(known);
      return;
    }
    // Another life of the peer has drawn the same id.
    known?.fail('peer-reset');
    const acceptor = this.#acceptors.get(handshake.port);
    if (acceptor === undefined) return this.control.refuse(address, remoteId, Refusal.noListener);
    const opening = this.#pendingOf(handshake.port);
    if (opening >= BACKLOG) return this.control.refuse(address, remoteId, Refusal.backlog);
    const answer = answerOf(acceptor, { address, port: handshake.port }, opening);
    if (answer !== true) {
      return this.control.refuse(address, remoteId, answer === 'backlog' ? Refusal.backlog : Refusal.refused);
    }
    let channel;
    try {
      channel = this.create(address, handshake.port, acceptor.settings);
    } catch {
      return this.control.refuse(address, remoteId, Refusal.backlog);
    }
    this.#pending.add(channel);
    this.#accepted.set(key, channel);
    channel.agree(remoteId, handshake, sequenceOf(view, at));
    channel.accept();
  }

  #accept(channel: ChannelCore, at: number): void {
    const { view } = this.#port;
    const handshake = readHandshake(view, at + headerBytesOf(view, at), payloadLengthOf(view, at));
    const remoteId = sourceOf(view, at);
    if (handshake === undefined || remoteId === 0) {
      this.counters[EngineCounter.malformedControl]++;
      return;
    }
    // What its ACCEPT made there ends by our RESET when it comes again.
    if (!isWorkable(handshake)) return channel.fail('parameters');
    channel.agree(remoteId, handshake, sequenceOf(view, at));
    channel.heard();
    channel.receiver.ackPending = true;
    this.touch(channel);
    channel.open();
    channel.events?.opened();
  }

  #refused(channel: ChannelCore, at: number): void {
    const { view } = this.#port;
    channel.fail(refusalReason(readReason(view, at + headerBytesOf(view, at), payloadLengthOf(view, at))));
  }

  #reset(channel: ChannelCore, at: number): void {
    const { view } = this.#port;
    channel.reset(readReason(view, at + headerBytesOf(view, at), payloadLengthOf(view, at)));
  }

  #pendingOf(port: number): number {
    let count = 0;
    for (const channel of this.#pending) if (channel.port === port) count++;
    return count;
  }

  // ---- frames that are for nobody

  #rejected(index: number, at: number, reject: number): void {
    this.rejects[reject]++;
    if (reject !== Reject.version) return;
    // The fixed header is the same in every version, and its check was right: we can say that we do not understand.
    const { view, rx } = this.#port;
    const type = typeOf(view, at);
    if (type === FrameType.connect)
      return this.control.refuse(this.#port.source(index), sourceOf(view, at), Refusal.version);
    if (type !== FrameType.refuse) return;
    const channel = this.#table.find(destinationOf(view, at));
    if (channel === undefined || channel.state !== ChannelState.connecting) return;
    const header = headerBytesOf(view, at);
    const theirs = readReasonVersion(view, at + header, rx.length[index] - header);
    channel.fail('version', `it speaks version ${theirs}, this side ${VERSION}`);
  }

  /** Tells a peer that outlived us (or that we outlived) that its channel is no more. */
  #unknown(index: number, at: number, type: number): void {
    this.counters[EngineCounter.unknownChannel]++;
    if (type === FrameType.reset || type === FrameType.refuse || !this.#answers.take(this.clock.now)) return;
    const { view } = this.#port;
    const to = this.#port.peer(this.#port.source(index));
    const id = destinationOf(view, at);
    this.control.reason(FrameType.reset, to, sourceOf(view, at), id, this.#table.farewell(id));
    this.#port.forget(to);
    this.counters[EngineCounter.resetsSent]++;
  }

  // ---- ends

  release(channel: ChannelCore): void {
    this.#deadlines.remove(channel.slot);
    this.#table.delete(channel);
    this.#pending.delete(channel);
    this.#starvation.delete(channel);
    const key = `${channel.address}/${channel.link.remoteId}`;
    if (this.#accepted.get(key) === channel) this.#accepted.delete(key);
    this.#port.forget(channel.link.peer);
  }
}

function isWorkable({ mtu, window }: Handshake): boolean {
  return mtu >= SMALLEST_MTU && window >= 1;
}

function answerOf(acceptor: Acceptor, request: ConnectRequest, opening: number): boolean | 'backlog' {
  try {
    return acceptor.accept(request, opening);
  } catch {
    return false;
  }
}
