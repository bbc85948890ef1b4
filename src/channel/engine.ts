import { Deadlines } from '../arq/deadlines.js';
import { readReason } from '../wire/control.js';
import {
  Flag,
  FrameType,
  Header,
  Reject,
  aligned,
  decode,
  follows,
  headerBytesOf,
  payloadLengthOf,
  type RejectReason,
} from '../wire/header.js';
import { Coalescer } from './coalescer.js';
import { ControlFrames } from './controlFrames.js';
import { ChannelCore } from './core.js';
import { PlainCounters, type CounterMemory } from './counterMemory.js';
import { CHANNEL_COUNTERS, ChannelCounter, EngineCounter } from './counters.js';
import { ChannelState } from './events.js';
import { Handshakes } from './handshakes.js';
import { Link, Time } from './link.js';
import type { Clock, Commons } from './link.js';
import type { ChannelSettings } from './options.js';
import type { ChannelOwner } from './owner.js';
import { controlReserve, type FramePort, type PathPort } from './port.js';
import { PART } from './receiver.js';
import type { PeerIndex } from '../nic/contract.js';
import type { Share } from './share.js';
import { SpareBuffer } from './spareBuffer.js';
import { Starvation } from './starvation.js';
import { Strangers } from './strangers.js';
import { ChannelTable } from './table.js';
import { TurnList } from './turnList.js';

/** µs */
const SOONEST = 50;
/** A buffer for long messages that nobody has wanted for so long is let go, µs. */
const SPARE_FOR = 1_000_000;

/**
 * All channels over one NIC. Sans-I/O: the owner gives it bursts (`digest`), time (`tick`), and calls `settle` at the end of a turn;
 * frames to send go to the port. The order of a turn: digest, settle, tick, settle.
 */
export class Engine implements ChannelOwner<ChannelCore> {
  readonly memory: CounterMemory;
  readonly counters: Float64Array;
  readonly control: ControlFrames;

  readonly #port: FramePort;
  /** Of a port over several NICs, which says what goes again together. */
  readonly #byPeer = new Map<PeerIndex, Set<ChannelCore>>();
  /** Of a port over several NICs. */
  readonly #paths: PathPort | undefined;
  readonly #random: () => number;
  /** The clock's cell: µs. */
  readonly #now: Float64Array;
  readonly #table: ChannelTable;
  readonly #deadlines = new Deadlines();
  readonly #starvation = new Starvation<Share>();
  /** Frames that are looked for at once, for those who wait. */
  readonly #frames = new Int32Array(64);
  readonly #reserve: number;
  readonly #header = new Header();
  readonly #touched = new TurnList<ChannelCore>();
  readonly #strangers: Strangers;
  /** Connections that are being made. */
  readonly handshakes: Handshakes;
  readonly #coalescer: Coalescer;
  readonly #commons: Commons;
  readonly #spareAgesAt = new Float64Array(1);

  /** @param random 32 random bits, as an integer */
  constructor(port: FramePort, random: () => number, clock: Clock, memory: CounterMemory = new PlainCounters()) {
    this.memory = memory;
    this.counters = memory.engine;
    this.#port = port;
    this.#random = random;
    this.#now = clock.cell;
    this.#table = new ChannelTable(random);
    this.#reserve = controlReserve(port);
    this.control = new ControlFrames(port, this.counters);
    const { roundTrips } = memory;
    const coalescer = (this.#coalescer = new Coalescer(port, this.counters));
    this.#commons = { port, clock, pool: this.#starvation, spare: new SpareBuffer(), coalescer, roundTrips };
    this.#strangers = new Strangers(port, this.#table, this.control, this.counters);
    this.handshakes = new Handshakes(port, this.#now, this.#strangers, this);
    const { paths } = port;
    this.#paths = paths;
    if (paths !== undefined) paths.onReroute = (peer, path) => this.#reroute(peer, path);
  }

  get channels(): ChannelCore[] {
    return this.#table.all();
  }

  get channelCount(): number {
    return this.#table.count;
  }

  /** There is something that only another turn can send. */
  get busy(): boolean {
    return !this.#touched.isEmpty || this.#coalescer.pending;
  }

  /** `tick` wants to be called now. A boolean, because a double returned from a call may be allocated. */
  get isDue(): boolean {
    const now = this.#now[0];
    return now >= this.#deadlines.next || now >= this.#starvation.retryAt || now >= this.#pathsNext();
  }

  /** `tick` wants to be called before the time in the cell. */
  isDueBefore(cell: Float64Array): boolean {
    return this.#deadlines.next < cell[0] || this.#starvation.retryAt < cell[0] || this.#pathsNext() < cell[0];
  }

  /** When `tick` wants to be called, µs. */
  get nextTimeout(): number {
    return Math.min(this.#deadlines.next, this.#starvation.retryAt, this.#pathsNext());
  }

  #pathsNext(): number {
    return this.#paths === undefined ? Infinity : this.#paths.next;
  }

  // ---- the application's side

  /** A channel that is not connected yet: set its `events`, then call `connect`. Throws ERR_EMP_ADDRESS. */
  create(address: string, port: number, settings: ChannelSettings): ChannelCore {
    const peer = this.#port.peer(address);
    try {
      const id = this.#table.allocate();
      const slot = ChannelTable.slotOf(id);
      const counters = this.memory.open(slot, id, address, port);
      const link = new Link(this.#commons, id, peer, counters);
      const channel = new ChannelCore(link, slot, address, port, settings, this.#random() | 0, this);
      this.#table.set(channel);
      this.#coalescer.enter(peer);
      if (this.#paths !== undefined) this.#note(channel, peer);
      return channel;
    } catch (error) {
      this.#port.forget(peer);
      throw error;
    }
  }

  #note(channel: ChannelCore, peer: PeerIndex): void {
    const channels = this.#byPeer.get(peer) ?? new Set();
    this.#byPeer.set(peer, channels.add(channel));
  }

  /** A channel to nobody that nobody knows: for its shape alone (`host/shapes.ts`). */
  mould(settings: ChannelSettings): ChannelCore {
    const link = new Link(this.#commons, 0, 0, new Float64Array(CHANNEL_COUNTERS));
    return new ChannelCore(link, 0, '', 0, settings, 0, this);
  }

  // ---- the turn

  /** Takes in the port's current burst of `count` frames. */
  digest(count: number): void {
    const { frame, length } = this.#port.rx;
    const { view } = this.#port;
    const header = this.#header;
    for (let i = 0; i < count; i++) {
      const at = frame[i];
      const reject = decode(view, at, length[i], header);
      const next = at + aligned(header.headerBytes + header.payloadLength);
      if (reject === Reject.ok && !follows(view, next, at + length[i])) this.#frame(i, i, at, header);
      else this.#walk(i, at, reject);
    }
    this.counters[EngineCounter.framesReceived] += count;
  }

  /**
   * Entry `index` holds more than the frame at `at`, or that was rejected. None of them can be kept where it lies: were the memory of one
   * given back, and used again, while the others are read, they would be overwritten.
   */
  #walk(index: number, at: number, reject: RejectReason): void {
    const { rx, view } = this.#port;
    const header = this.#header;
    const end = rx.frame[index] + rx.length[index];
    for (;;) {
      const next = at + aligned(header.headerBytes + header.payloadLength);
      // A sound header says where its frame ends; after any other nobody knows where the next one begins.
      const isBounded = reject === Reject.ok || reject === Reject.payloadCheck;
      if (reject === Reject.ok) this.#frame(index, PART, at, header);
      else this.#rejected(index, at, reject);
      if (!isBounded || !follows(view, next, end)) return;
      at = next;
      this.counters[EngineCounter.framesReceived]++;
      reject = decode(view, at, end - at, header);
    }
  }

  /** What handlers have queued goes to the NIC, before the rest of the turn. */
  push(): void {
    const touched = this.#touched;
    this.#coalescer.begin(touched.count);
    for (let i = 0; i < touched.count; i++) {
      const channel = touched.peek(i);
      if (channel.isOpen) channel.sender.release();
    }
    this.#coalescer.end();
  }

  /** @param kept entry `index`, or PART if it holds other frames, too */
  #frame(index: number, kept: number, at: number, header: Header): void {
    const { type } = header;
    // A machine with several NICs asks one with a single NIC, which has nothing to tell.
    if (type === FrameType.path) {
      this.counters[EngineCounter.unexpected]++;
      return;
    }
    if (type === FrameType.connect) {
      // Nobody sends them together: it would only multiply the answers that a forged address can ask for.
      if (kept === PART) this.counters[EngineCounter.unexpected]++;
      else this.handshakes.connect(index, at);
      return;
    }
    const channel = this.#table.find(header.destination);
    if (channel === undefined) return this.#strangers.unknown(index, at, type, this.#now[0]);
    if (channel.state === ChannelState.connecting) {
      this.handshakes.answer(channel, at, type);
      if (channel.isOpen) this.#paths?.heard(channel.link.peer, index);
      return;
    }
    if (channel.link.remoteId !== header.source) return this.#strangers.unknown(index, at, type, this.#now[0]);
    this.#paths?.heard(channel.link.peer, index);
    channel.heard();
    if (type === FrameType.reset) {
      channel.link.counters[ChannelCounter.controlsReceived]++;
      return this.#reset(channel, at);
    }
    if (channel.state === ChannelState.accepting && !this.handshakes.confirm(channel, type)) return;
    channel.sender.flight.acknowledged(header.acknowledgement, header.credit);
    // Before the handler runs, which may be long, and may end the channel.
    this.touch(channel);
    if (type === FrameType.data) {
      if (channel.link.checked && (header.flags & Flag.payloadCheck) === 0) {
        this.counters[EngineCounter.unexpected]++;
        return channel.fail('protocol');
      }
      if (channel.state === ChannelState.open) channel.receiver.data(kept, at, header);
      else channel.receiver.again();
      return;
    }
    channel.link.counters[ChannelCounter.controlsReceived]++;
    if (type === FrameType.ack) {
      const bytes = header.payloadLength;
      if (bytes > 0)
        channel.sender.flight.selectivelyAcknowledged(header.acknowledgement, at + header.headerBytes, bytes);
    } else {
      // PROBE, or an ACCEPT that came twice because our answer was lost.
      channel.receiver.asked();
    }
  }

  /** Runs what is due. */
  tick(): void {
    const now = this.#now[0];
    if (now >= this.#spareAgesAt[0]) {
      this.#spareAgesAt[0] = now + SPARE_FOR;
      this.#commons.spare.age();
    }
    if (now >= this.#starvation.retryAt) this.#feed();
    // First: whoever finds that a path has failed says so before channels resend by it.
    if (now >= this.#pathsNext()) this.#paths!.tick();
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
    const at = Math.max(channel.deadline, this.#now[0] + SOONEST);
    times[Time.scheduled] = at;
    this.#deadlines.by(channel.slot, at);
  }

  /** What is under way to the peer has gone by a path that has failed: it goes again, in this turn. */
  #reroute(peer: PeerIndex, path: number): void {
    for (const channel of this.#byPeer.get(peer) ?? []) channel.reroute(path);
  }

  touch(channel: ChannelCore): void {
    this.#touched.add(channel);
  }

  /** Sends what the turn has made possible; channels that the NIC had no room for stay touched. */
  settle(): void {
    const count = this.#touched.begin();
    this.#coalescer.begin(count);
    for (let i = 0; i < count; i++) {
      const channel = this.#touched.take(i);
      channel.settle();
      if (channel.isClosed) continue;
      if (channel.isOpen) this.#afterSettling(channel);
      this.#schedule(channel);
    }
    this.#coalescer.end();
    if (this.#starvation.isDue) this.#feed();
  }

  #afterSettling(channel: ChannelCore): void {
    if (channel.sender.flight.stalled) this.touch(channel);
    const { sender } = channel;
    const { share } = sender;
    if (sender.starved) return this.#starvation.add(share, share.hunger, this.#now[0]);
    this.#starvation.leave(share);
    // It was called, and does not want what was set aside for it: the next one may have it.
    if (share.helping > 0 && !sender.blocked) {
      share.helping = 0;
      this.#starvation.freed = true;
    }
  }

  /** There may be frames in the pool: those who found none try again. */
  #feed(): void {
    this.#starvation.serve(this.#available(), this.#now[0], this.#called);
  }

  /** How many frames there are for channels, up to a few; the kernel may still have some that we have given back. */
  #available(): number {
    const port = this.#port;
    const frames = this.#frames;
    let count = 0;
    while (count < frames.length) {
      const frame = port.alloc(this.#reserve);
      if (frame < 0) break;
      frames[count++] = frame;
    }
    for (let i = count - 1; i >= 0; i--) port.free(frames[i]);
    return count;
  }

  /** It is the turn of this channel. */
  readonly #called = ({ id }: Share, helping: number): void => {
    const channel = this.#table.find(id);
    if (channel?.isOpen !== true) {
      this.#starvation.freed = true;
      return;
    }
    channel.sender.share.helping = helping;
    this.touch(channel);
  };

  #reset(channel: ChannelCore, at: number): void {
    const { view } = this.#port;
    channel.reset(readReason(view, at + headerBytesOf(view, at), payloadLengthOf(view, at)));
  }

  #rejected(index: number, at: number, reject: number): void {
    this.memory.rejects[reject]++;
    if (reject === Reject.version) this.#strangers.speak(index, at, this.#now[0]);
  }

  // ---- ends

  release(channel: ChannelCore): void {
    this.#deadlines.remove(channel.slot);
    this.#table.delete(channel);
    // Before the handshake there is no sender.
    if (channel.receiver !== undefined) this.#starvation.leave(channel.sender.share);
    this.handshakes.forget(channel);
    // Without channels nothing ticks.
    if (this.#table.count === 0) this.#commons.spare.clear();
    const channels = this.#byPeer.get(channel.link.peer);
    if (channels?.delete(channel) === true && channels.size === 0) this.#byPeer.delete(channel.link.peer);
    this.#coalescer.leave(channel.link.peer);
    this.#port.forget(channel.link.peer);
    channel.link.counters = this.memory.close(channel.slot, channel.link.counters);
  }
}
