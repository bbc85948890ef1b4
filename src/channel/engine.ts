import { Deadlines } from '../arq/deadlines.js';
import { ChannelError } from '../errors.js';
import {
  HANDSHAKE_BYTES,
  REASON_BYTES,
  Refusal,
  readHandshake,
  readReason,
  readReasonVersion,
  writeHandshake,
  writeReason,
} from '../wire/control.js';
import type { Handshake } from '../wire/control.js';
import {
  CHECKED_HEADER_BYTES,
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
  payloadCheck,
  payloadLengthOf,
  sequenceOf,
  sourceOf,
  typeOf,
  word0,
  word1,
  writeCheckedHeader,
  writeHeader,
} from '../wire/header.js';
import { ChannelCore, ChannelState } from './core.js';
import type { ChannelOwner } from './core.js';
import { ChannelCounter, ENGINE_COUNTERS, EngineCounter } from './counters.js';
import { Link, Time } from './link.js';
import type { Clock } from './link.js';
import type { ChannelSettings } from './options.js';
import type { FramePort } from './port.js';
import { refusalReason } from './reasons.js';
import { ChannelTable } from './table.js';

/** Connections being opened to this host at a time; more are refused, so a flood of CONNECTs costs bounded memory. */
const BACKLOG = 128;
/** RESETs for unknown channels: so many at once, and so many more a second. */
const RESET_BURST = 64;
const RESETS_PER_MICROSECOND = 1000 / 1_000_000;
const PLAIN_WORD1 = word1(HEADER_BYTES >> 2, 0);
const CHECKED_WORD1 = word1(CHECKED_HEADER_BYTES >> 2, 0);
/** The smallest frame that is worth a channel, bytes. */
const SMALLEST_MTU = HEADER_BYTES + 64;

export interface ConnectRequest {
  readonly address: string;
  readonly port: number;
}

/** Somebody who takes connections to a port. */
export interface Acceptor {
  readonly settings: ChannelSettings;
  /** Whether to take it. An exception counts as no. */
  accept(request: ConnectRequest): boolean;
  /** The connection stands; sets `channel.events`. */
  accepted(channel: ChannelCore): void;
}

/**
 * All channels over one NIC. Sans-I/O: the owner gives it bursts (`digest`), time (`tick`), and calls `settle` at the end of a turn;
 * frames to send go to the port. The order of a turn: digest, tick, settle.
 */
export class Engine implements ChannelOwner {
  readonly counters = new Float64Array(ENGINE_COUNTERS);
  /** Frames that could not be decoded, by `Reject` reason. */
  readonly rejects = new Float64Array(REJECT_REASONS);
  readonly clock: Clock;

  readonly #port: FramePort;
  readonly #random: () => number;
  readonly #table: ChannelTable;
  readonly #deadlines = new Deadlines();
  readonly #header = new Header();
  readonly #acceptors = new Map<number, Acceptor>();
  /** Accepted channels by the peer's address and id, so that a repeated CONNECT finds its channel. */
  readonly #accepted = new Map<string, ChannelCore>();
  /** Channels whose ACCEPT was not answered yet. */
  readonly #pending = new Set<ChannelCore>();
  // The channels with something to do at the end of this turn. Two lists that change places, and a count: an array that is emptied
  // (length = 0) gives up its memory, and the next push allocates.
  #touched: ChannelCore[] = [];
  #settling: ChannelCore[] = [];
  #touchedCount = 0;
  #resetTokens = RESET_BURST;
  #resetsAt = 0;

  /** @param random 32 random bits, as an integer */
  constructor(port: FramePort, random: () => number, clock: Clock) {
    this.#port = port;
    this.#random = random;
    this.clock = clock;
    this.#table = new ChannelTable(random);
  }

  get channels(): ChannelCore[] {
    return this.#table.all();
  }

  get channelCount(): number {
    return this.#table.count;
  }

  /** There is something that only another turn can send. */
  get busy(): boolean {
    return this.#touchedCount > 0;
  }

  /** When `tick` wants to be called, µs. */
  get nextTimeout(): number {
    return this.#deadlines.next;
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
      const link = new Link(this.#port, this.clock, id, peer);
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
    channel.sender.acknowledged(header.acknowledgement, header.credit);
    // Before the handler runs, which may be long, and may end the channel.
    this.touch(channel);
    if (type === FrameType.data) {
      if (channel.state === ChannelState.open) channel.receiver.data(index, at, header);
      else channel.receiver.ackPending = true;
    } else if (type === FrameType.ack) {
      const bytes = header.payloadLength;
      if (bytes > 0) channel.sender.selectivelyAcknowledged(header.acknowledgement, at + header.headerBytes, bytes);
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
    times[Time.scheduled] = channel.deadline;
    this.#deadlines.by(channel.slot, channel.deadline);
  }

  touch(channel: ChannelCore): void {
    if (channel.touched) return;
    channel.touched = true;
    this.#touched[this.#touchedCount++] = channel;
  }

  /** Sends what the turn has made possible; channels that the NIC had no room for stay touched. */
  settle(): void {
    const list = this.#touched;
    const count = this.#touchedCount;
    if (count === 0) return;
    this.#touched = this.#settling;
    this.#touchedCount = 0;
    for (let i = 0; i < count; i++) {
      const channel = list[i];
      channel.touched = false;
      channel.settle();
      if (channel.isClosed) continue;
      if (channel.isOpen && channel.sender.stalled) this.touch(channel);
      this.#schedule(channel);
    }
    this.#settling = list;
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
    const address = this.#port.source(index);
    if (!isWorkable(handshake)) return this.#refuse(address, remoteId, Refusal.parameters);
    const key = `${address}/${remoteId}`;
    const known = this.#accepted.get(key);
    if (known !== undefined) {
      if (known.state === ChannelState.accepting) this.sendAccept(known);
      return;
    }
    const acceptor = this.#acceptors.get(handshake.port);
    if (acceptor === undefined) return this.#refuse(address, remoteId, Refusal.noListener);
    if (this.#pending.size >= BACKLOG) return this.#refuse(address, remoteId, Refusal.backlog);
    if (!willAccept(acceptor, { address, port: handshake.port })) {
      return this.#refuse(address, remoteId, Refusal.refused);
    }
    let channel;
    try {
      channel = this.create(address, handshake.port, acceptor.settings);
    } catch {
      return this.#refuse(address, remoteId, Refusal.backlog);
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

  // ---- frames that are for nobody

  #rejected(index: number, at: number, reject: number): void {
    this.rejects[reject]++;
    if (reject !== Reject.version) return;
    // The fixed header is the same in every version, and its check was right: we can say that we do not understand.
    const { view, rx } = this.#port;
    const type = typeOf(view, at);
    if (type === FrameType.connect) return this.#refuse(this.#port.source(index), sourceOf(view, at), Refusal.version);
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
    if (type === FrameType.reset || type === FrameType.refuse || !this.#mayReset()) return;
    const { view } = this.#port;
    const to = this.#port.peer(this.#port.source(index));
    const id = destinationOf(view, at);
    this.#reason(FrameType.reset, to, sourceOf(view, at), id, this.#table.farewell(id));
    this.#port.forget(to);
    this.counters[EngineCounter.resetsSent]++;
  }

  #mayReset(): boolean {
    const { now } = this.clock;
    this.#resetTokens = Math.min(RESET_BURST, this.#resetTokens + (now - this.#resetsAt) * RESETS_PER_MICROSECOND);
    this.#resetsAt = now;
    if (this.#resetTokens < 1) return false;
    this.#resetTokens--;
    return true;
  }

  // ---- control frames. One that finds no memory or no room in the ring is lost, as on the wire: timers repeat it.

  sendConnect(channel: ChannelCore): void {
    this.#handshake(FrameType.connect, channel);
  }

  sendAccept(channel: ChannelCore): void {
    this.#handshake(FrameType.accept, channel);
  }

  #handshake(type: number, channel: ChannelCore): void {
    const { settings, link } = channel;
    const frame = this.#port.alloc(0);
    if (frame < 0) return;
    writeHandshake(this.#port.view, frame + CHECKED_HEADER_BYTES, {
      port: channel.port,
      mtu: this.#port.info.mtu,
      window: settings.window,
      version: VERSION,
      payloadCheck: settings.payloadCheck || link.checked,
      maxMessage: settings.maxMessage,
    });
    const acknowledgement = type === FrameType.accept ? channel.receiver.acknowledgement : 0;
    const { localId, remoteId, peer } = link;
    this.#send(frame, type, HANDSHAKE_BYTES, peer, remoteId, localId, channel.initialSequence, acknowledgement, 0);
  }

  sendAck(channel: ChannelCore): void {
    const { receiver, link } = channel;
    const frame = this.#port.alloc(0);
    if (frame < 0) return;
    let bitmap = 0;
    if (receiver.window.hasHoles) {
      bitmap = receiver.writeBitmap(frame + CHECKED_HEADER_BYTES, this.#port.info.mtu - CHECKED_HEADER_BYTES);
    }
    if (!this.#plain(frame, FrameType.ack, bitmap, channel)) return;
    receiver.acknowledged();
    receiver.sackPending = false;
    link.counters[ChannelCounter.acksSent]++;
    if (bitmap > 0) link.counters[ChannelCounter.sacksSent]++;
  }

  sendProbe(channel: ChannelCore): void {
    const frame = this.#port.alloc(0);
    if (frame >= 0) this.#plain(frame, FrameType.probe, 0, channel);
  }

  #plain(frame: number, type: number, length: number, channel: ChannelCore): boolean {
    const { receiver, sender, link } = channel;
    const { peer, remoteId, localId } = link;
    const { acknowledgement, credit } = receiver;
    return this.#send(frame, type, length, peer, remoteId, localId, sender.window.next, acknowledgement, credit);
  }

  sendReset(channel: ChannelCore, reason: number): void {
    const { peer, remoteId, localId } = channel.link;
    this.#reason(FrameType.reset, peer, remoteId, localId, reason);
    this.counters[EngineCounter.resetsSent]++;
  }

  #refuse(address: string, remoteId: number, reason: number): void {
    const peer = this.#port.peer(address);
    this.#reason(FrameType.refuse, peer, remoteId, 0, reason);
    this.#port.forget(peer);
    this.counters[EngineCounter.refusalsSent]++;
  }

  #reason(type: number, peer: number, destination: number, source: number, reason: number): void {
    const frame = this.#port.alloc(0);
    if (frame < 0) return;
    writeReason(this.#port.view, frame + CHECKED_HEADER_BYTES, reason, VERSION);
    this.#send(frame, type, REASON_BYTES, peer, destination, source, 0, 0, 0);
  }

  /**
   * A frame that is not kept: the pool has it back when the kernel is done with it. A payload is always checked: a damaged bitmap
   * would say that frames arrived which did not, a damaged handshake would set up another channel than was asked for.
   */
  #send(
    frame: number,
    type: number,
    length: number,
    peer: number,
    destination: number,
    source: number,
    sequence: number,
    acknowledgement: number,
    credit: number,
  ): boolean {
    const { view } = this.#port;
    let header = HEADER_BYTES;
    if (length === 0) {
      const w0 = word0(type, 0, 0);
      writeHeader(view, frame, w0, PLAIN_WORD1, destination, source, sequence, acknowledgement, credit);
    } else {
      header = CHECKED_HEADER_BYTES;
      const w0 = word0(type, Flag.payloadCheck, length);
      const check = payloadCheck(view, frame + header, length);
      writeCheckedHeader(view, frame, w0, CHECKED_WORD1, destination, source, sequence, acknowledgement, credit, check);
    }
    const sent = this.#port.send(frame, header + length, peer);
    this.#port.free(frame);
    return sent;
  }

  // ---- ends

  release(channel: ChannelCore): void {
    this.#deadlines.remove(channel.slot);
    this.#table.delete(channel);
    this.#pending.delete(channel);
    const key = `${channel.address}/${channel.link.remoteId}`;
    if (this.#accepted.get(key) === channel) this.#accepted.delete(key);
    this.#port.forget(channel.link.peer);
  }
}

function isWorkable({ mtu, window }: Handshake): boolean {
  return mtu >= SMALLEST_MTU && window >= 1;
}

function willAccept(acceptor: Acceptor, request: ConnectRequest): boolean {
  try {
    return acceptor.accept(request);
  } catch {
    return false;
  }
}
