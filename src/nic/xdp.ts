import type { Frame, LinkAddress, Nic, NicInfo, NicState, PeerIndex, RxBurst, XdpOptions } from './contract.js';
import { NIC_COUNTERS, NO_FRAME, NicCounter } from './contract.js';
import { ETHERNET_HEADER, EthernetPeers, formatEthernetAddress, parseEthernetAddress } from './ethernet.js';
import { FramePool } from './framePool.js';
import { closedError, tooLong } from './nicErrors.js';
import { NicEvents } from './nicEvents.js';
import type { XdpSocket } from './xdp/addon.js';
import { xdpAddon } from './xdp/addon.js';
import { Filter } from './xdp/filter.js';
import { Gatherer } from './xdp/gather.js';
import type { Layout } from './xdp/layout.js';
import { TX_HEADROOM } from './xdp/layout.js';
import { BURST, openSocket } from './xdp/open.js';
import type { OpenSocket } from './xdp/open.js';
import type { ConsumerRing, ProducerRing } from './xdp/ring.js';
import { CONTINUED } from './xdp/ring.js';
import type { Round } from './xdp/round.js';

const EAGAIN = 11;
const EBUSY = 16;
const ENOBUFS = 105;
/** Kicks of one flush: each carries what the kernel takes at once (32 frames before Linux 6.17). */
const KICKS = 64;

/**
 * AF_XDP on one queue of an interface (rows E6, A11). The UMEM and the four rings are mapped here and worked here: receiving makes
 * no call into the addon, sending makes one per burst. docs/drivers/xdp.md tells how.
 */
export class XdpNic implements Nic {
  readonly info: NicInfo;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly rx: RxBurst = { frame: new Int32Array(BURST), length: new Int32Array(BURST) };
  onState: ((state: NicState) => void) | undefined = undefined;

  readonly #socket: XdpSocket;
  readonly #kick = xdpAddon().kick;
  readonly #wakeKernel = xdpAddon().wake;
  /** None once it is closed: its number may be another's by then. */
  #bell: number;
  readonly #events: NicEvents;
  readonly #halves: Uint16Array;
  readonly #fill: ProducerRing;
  readonly #tx: ProducerRing;
  readonly #rxRing: ConsumerRing;
  readonly #completion: ConsumerRing;
  readonly #txPool: FramePool;
  readonly #round: Round;
  readonly #peers = new EthernetPeers();
  #counters: Float64Array = new Float64Array(NIC_COUNTERS);
  readonly #filter: Filter;
  /** Only if there are jumbo frames. */
  readonly #gatherer: Gatherer | undefined;
  readonly #chunk: number;
  readonly #mtu: number;
  /** Kick without a look at the flag: in copy mode it is always set, and without need_wakeup never. */
  readonly #alwaysKick: boolean;
  /** The kernel may have to be called to receive: zero-copy, busy polling. */
  readonly #receiveCalls: boolean;
  readonly #busyPoll: boolean;
  readonly #zeroCopy: boolean;
  /** Entries of the current burst, and which of them were held. */
  #burst = 0;
  readonly #held = new Uint8Array(BURST);
  #closed = false;

  constructor(opened: OpenSocket) {
    const { socket, memory, plan, rings, options, link } = opened;
    this.#socket = socket;
    this.#bell = socket.fd;
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
    this.#halves = new Uint16Array(memory);
    this.#fill = rings.fill;
    this.#completion = rings.completion;
    this.#rxRing = rings.rx;
    this.#tx = rings.tx;
    this.#round = rings.round;
    this.#txPool = new FramePool(0, plan.txFrames, plan.frameSize, TX_HEADROOM);
    this.#chunk = plan.chunk;
    this.#mtu = plan.mtu;
    this.#zeroCopy = opened.mode === 'native-zerocopy';
    this.#alwaysKick = !this.#zeroCopy || !opened.needWakeup;
    this.#busyPoll = options.busyPoll !== undefined;
    this.#receiveCalls = this.#busyPoll || (this.#zeroCopy && opened.needWakeup);
    this.#prepareTxFrames(plan, link.address, opened.etherType);
    this.#filter = new Filter(this.#halves);
    this.#gatherer = plan.jumbo ? new Gatherer(this.bytes, rings.rx, rings.fill, this.#filter, plan, BURST) : undefined;
    this.info = infoOf(opened);
    this.#events = new NicEvents(socket.fd, link.index, options.namespace, (state) => this.onState?.(state));
  }

  /** What never changes in front of a transmit frame is written once: our address and the EtherType. */
  #prepareTxFrames(plan: Layout, address: LinkAddress, etherType: number): void {
    const source = parseEthernetAddress(address);
    for (let i = 0; i < plan.txFrames; i++) {
      const header = i * plan.frameSize + TX_HEADROOM - ETHERNET_HEADER;
      this.bytes.set(source, header + 6);
      this.view.setUint16(header + 12, etherType);
    }
  }

  /** `rxDropped` and `rxRingFull` are the kernel's numbers, asked for at each look at this property. */
  get counters(): Float64Array {
    const counters = this.#counters;
    if (this.#closed) return counters;
    const { dropped, ringFull } = this.#socket.statistics();
    counters[NicCounter.rxDropped] = dropped + ringFull + (this.#gatherer?.lost ?? 0);
    counters[NicCounter.rxRingFull] = ringFull;
    return counters;
  }

  countIn(memory: Float64Array): void {
    memory.set(this.#counters);
    this.#counters = memory;
  }

  get state(): NicState {
    return this.#events.state;
  }

  // ---- sending -----------------------------------------------------------------------------------------------------------

  alloc(reserve: number): Frame {
    if (this.#closed) return NO_FRAME;
    const frame = this.#txPool.alloc(reserve);
    if (frame !== NO_FRAME) return frame;
    this.#reap();
    return this.#txPool.alloc(reserve);
  }

  free(frame: Frame): void {
    if (this.#closed) return;
    if (this.#txPool.contains(frame)) this.#txPool.free(frame);
    else if (this.#round.pool.contains(frame)) this.#round.pool.free(frame);
    else this.#gatherer?.pool.free(frame);
  }

  send(frame: Frame, length: number, peer: PeerIndex): boolean {
    if (this.#closed) return false;
    if (length > this.#mtu) throw tooLong(length, this.#mtu);
    const size = length + ETHERNET_HEADER;
    const start = frame - ETHERNET_HEADER;
    const first = this.#chunk - (TX_HEADROOM - ETHERNET_HEADER);
    if (!this.#tx.hasRoom(size <= first ? 1 : 1 + this.#furtherChunks(size - first))) {
      this.#counters[NicCounter.txBusy]++;
      return false;
    }
    // Three stores: the rest of the Ethernet header is there since the beginning.
    const halves = this.#halves;
    const destination = this.#peers.halves;
    const at = start >> 1;
    halves[at] = destination[3 * peer];
    halves[at + 1] = destination[3 * peer + 1];
    halves[at + 2] = destination[3 * peer + 2];
    this.#txPool.pin(frame);
    if (size <= first) this.#tx.pushDescriptor(start, size, 0);
    else this.#pushChain(frame, size, first);
    this.#counters[NicCounter.txFrames]++;
    this.#counters[NicCounter.txBytes] += length;
    return true;
  }

  #furtherChunks(bytes: number): number {
    return Math.ceil(bytes / this.#chunk);
  }

  /** A jumbo frame: contiguous here, a chain of descriptors for the kernel, which completes each by itself. */
  #pushChain(frame: Frame, size: number, first: number): void {
    const start = frame - ETHERNET_HEADER;
    this.#tx.pushDescriptor(start, first, CONTINUED);
    for (let done = first; done < size;) {
      const part = Math.min(size - done, this.#chunk);
      this.#txPool.pin(frame);
      this.#tx.pushDescriptor(start + done, part, done + part < size ? CONTINUED : 0);
      done += part;
    }
  }

  inFlight(frame: Frame): boolean {
    if (this.#closed || !this.#txPool.pinned(frame)) return false;
    this.#reap();
    return this.#txPool.pinned(frame);
  }

  flush(): boolean {
    if (this.#closed) return true;
    const tx = this.#tx;
    const queued = tx.unpublished;
    let done = true;
    if (queued !== 0) {
      if (this.#zeroCopy) tx.publish();
      else tx.publishBeforeCall();
    }
    if (queued !== 0 || tx.pending() !== 0) {
      // The kernel that does not ask for a kick sends on its own; it looks at the ring once more before it asks.
      if (this.#alwaysKick || tx.needsWakeup) done = this.#push(queued);
    }
    // After the kick, when the frames are on their way and the peer is at work: this delays nobody.
    this.#reap();
    this.#returnEntries();
    return done;
  }

  /** Kicks until the kernel has taken everything, or does not get on. */
  #push(queued: number): boolean {
    const tx = this.#tx;
    let before = -1;
    for (let i = 0; i < KICKS; i++) {
      this.#counters[NicCounter.kicks]++;
      const error = this.#kick(this.#bell);
      if (error !== undefined && error !== EAGAIN && error !== EBUSY && error !== ENOBUFS) {
        // The interface is down or gone. What is in the ring stays there; the protocol counts it as lost.
        this.#counters[NicCounter.txErrors] += queued;
        return true;
      }
      // Zero-copy: the device works on its own from here.
      if (this.#zeroCopy) return error === undefined;
      const left = tx.pending();
      if (left === 0) return true;
      this.#reap(); // a full completion ring stops the transmit ring
      if (left === before) return false;
      before = left;
    }
    return false;
  }

  #reap(): void {
    const completion = this.#completion;
    const count = completion.refresh();
    if (count === 0) return;
    for (let i = 0; i < count; i++) this.#txPool.unpin(completion.address(i));
    completion.take(count);
    completion.release();
  }

  // ---- receiving ---------------------------------------------------------------------------------------------------------

  receive(): number {
    if (this.#burst !== 0) this.recycle();
    if (this.#closed) return 0;
    this.#returnEntries(); // those of the burst before, if no flush has
    const ring = this.#rxRing;
    const available = ring.available();
    if (available === 0) {
      if (this.#receiveCalls && (this.#busyPoll || this.#fill.needsWakeup)) this.#wakeKernel(this.#bell);
      return 0;
    }
    if (this.#gatherer !== undefined) return this.#receiveJumbo(this.#gatherer);
    if (available > this.#round.crowded) this.#round.widen();
    const { frame, length } = this.rx;
    const limit = available < BURST ? available : BURST;
    let count = 0;
    let bytes = 0;
    for (let i = 0; i < limit; i++) {
      const descriptor = ring.descriptor(i);
      const start = ring.addressAt(descriptor);
      const size = ring.lengthAt(descriptor) - ETHERNET_HEADER;
      if (size < 0 || size > this.#mtu || !this.#filter.takes(start)) {
        this.#discard(start);
        continue;
      }
      frame[count] = start + ETHERNET_HEADER;
      length[count] = size;
      this.#held[count] = 0;
      bytes += size;
      count++;
    }
    // The descriptors are read. The frames are ours until `recycle`.
    ring.take(limit);
    this.#burst = count;
    this.#counters[NicCounter.rxFrames] += count;
    this.#counters[NicCounter.rxBytes] += bytes;
    return count;
  }

  #discard(address: number): void {
    this.#counters[NicCounter.rxInvalid]++;
    this.#fill.pushAddress(address);
  }

  #receiveJumbo(gatherer: Gatherer): number {
    const count = gatherer.receive(this.rx);
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += this.rx.length[i];
    this.#held.fill(0, 0, count);
    this.#burst = count;
    this.#counters[NicCounter.rxInvalid] = gatherer.invalid;
    this.#counters[NicCounter.rxFrames] += count;
    this.#counters[NicCounter.rxBytes] += bytes;
    return count;
  }

  hold(index: number): Frame {
    if (this.#closed) return NO_FRAME;
    const frame = this.rx.frame[index];
    if (this.#round.pool.contains(frame)) {
      if (!this.#round.replace()) return NO_FRAME;
    } else if (this.#gatherer === undefined || this.#gatherer.pool.available < BURST) {
      return NO_FRAME; // those that are left are for the next burst
    }
    this.#held[index] = 1;
    return frame;
  }

  keep(at: Frame, length: number): Frame {
    if (this.#closed) return NO_FRAME;
    const frame = length <= this.#chunk ? this.#round.spare() : this.#gatherer!.alloc();
    if (frame === NO_FRAME) return NO_FRAME;
    this.bytes.copyWithin(frame, at, at + length);
    this.#counters[NicCounter.holdCopies]++;
    return frame;
  }

  recycle(): void {
    if (this.#closed) return;
    for (let i = 0; i < this.#burst; i++) {
      if (this.#held[i] !== 0) continue;
      const frame = this.rx.frame[i];
      if (this.#gatherer?.pool.contains(frame)) this.#gatherer.pool.free(frame);
      else this.#fill.pushAddress(frame); // any address within the chunk will do
    }
    this.#burst = 0;
  }

  /**
   * Shows the kernel which receive descriptors are read and which chunks it can fill again. Not in `recycle` but after the kick
   * that usually follows: these are two stores that wait for the memory, and no hurry, for there are more entries.
   */
  #returnEntries(): void {
    if (this.#rxRing.taken !== 0) this.#rxRing.release();
    if (this.#fill.unpublished !== 0) this.#fill.publish();
  }

  source(index: number): LinkAddress {
    return formatEthernetAddress(this.bytes, this.rx.frame[index] - ETHERNET_HEADER + 6);
  }

  // ---- everything else ---------------------------------------------------------------------------------------------------

  peer(address: LinkAddress): PeerIndex {
    if (this.#closed) throw closedError();
    return this.#peers.add(address);
  }

  forget(peer: PeerIndex): void {
    this.#peers.forget(peer);
  }

  /**
   * The kernel looks at the rings when it starts to watch the descriptor and whenever it has put frames into one, so frames that came
   * before are seen; with zero-copy that look also wakes a device that waits for its fill ring.
   */
  watch(wake: () => void): void {
    if (!this.#closed) {
      this.#round.widenAll();
      this.#returnEntries();
    }
    this.#events.watch(wake);
  }

  unwatch(): void {
    this.#events.unwatch();
  }

  close(): void {
    if (this.#closed) return;
    void this.counters; // the last look at the kernel's
    this.#closed = true;
    this.#bell = -1;
    this.#events.close(); // before the descriptor it waits for
    this.#socket.close();
  }
}

function infoOf({ mode, options, queue, link, plan, hugePages, notes }: OpenSocket): NicInfo {
  return {
    ...{ driver: 'xdp', mode, interface: options.interface, namespace: options.namespace, queue },
    ...{ address: link.address, mtu: plan.mtu, overhead: ETHERNET_HEADER, frameSize: plan.frameSize },
    ...{ txFrames: plan.txFrames, rxFrames: plan.rxFrames, hugePages, notes },
  };
}

export function openXdp(options: XdpOptions): XdpNic {
  const opened = openSocket(options);
  try {
    return new XdpNic(opened);
  } catch (error) {
    opened.socket.close();
    throw error;
  }
}
