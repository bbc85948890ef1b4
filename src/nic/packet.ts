import type { Frame, LinkAddress, Nic, NicInfo, NicState, PacketOptions, PeerIndex, RxBurst } from './contract.js';
import { NIC_COUNTERS, NO_FRAME, NicCounter } from './contract.js';
import { ETHERNET_HEADER, EthernetPeers, formatEthernetAddress, parseEthernetAddress } from './ethernet.js';
import { FrameStore } from './frameStore.js';
import { namespaceArgument } from './namespace.js';
import type { PacketSocket } from './native.js';
import { core } from './native.js';
import { closedError, tooLong } from './nicErrors.js';
import { NicEvents } from './nicEvents.js';
import { checkEthernetLink, ethernetOpenError, placeName } from './openErrors.js';
import {
  checkFrameMemory,
  etherTypeOption,
  framesOption,
  interfaceOption,
  knownOptions,
  mtuOption,
  powerOfTwoFor,
} from './options.js';
import { loadAcquire, storeRelease } from './ordering.js';
import * as tp from './tpacket.js';

const BURST = 64;
/**
 * A slot is used again only when the ring has come round, so a long ring is a cold one: 4096 receive slots cost a tenth of the
 * round trip against 512. Transmit slots only carry frames from `send` to the device.
 */
const TX_SLOTS = 256;
const LEAST_RX_SLOTS = 64;
const SMALLEST_FRAME = 2048;
/** Flushes without progress after which a congested device counts as broken: about a millisecond. */
const PATIENCE = 1000;

const EAGAIN = 11;
const ENOMEM = 12;
const ENOBUFS = 105;

const OPTIONS = ['interface', 'namespace', 'etherType', 'mtu', 'txFrames', 'rxFrames'];

interface Shape {
  readonly mtu: number;
  readonly etherType: number;
  readonly slotSize: number;
  readonly rxSlots: number;
  readonly txSlots: number;
  readonly frameSize: number;
  readonly txFrames: number;
  /** Frames for `hold`. */
  readonly rxFrames: number;
}

/**
 * AF_PACKET rings (TPACKET_V2), row E6: works on every Ethernet interface. Frames are received where the kernel put them, in the
 * slots of the receive ring. To send, a pool frame is copied into the next slot of the transmit ring: slots go out in
 * ring order, so a frame kept for retransmission must not live in one. For the same reason `hold` copies: one slot held would stop
 * the ring at the next turn, and would make the socket poll as readable for ever (docs/drivers/packet.md).
 *
 * Memory: [ receive slots | transmit slots | pool for alloc | pool for hold ]
 */
export class PacketNic implements Nic {
  readonly info: NicInfo;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly rx: RxBurst = { frame: new Int32Array(BURST), length: new Int32Array(BURST) };
  counters: Float64Array = new Float64Array(NIC_COUNTERS);
  onState: ((state: NicState) => void) | undefined = undefined;

  readonly #socket: PacketSocket;
  readonly #kick = core().kick;
  /** None once it is closed: its number may be another's by then. */
  #bell: number;
  readonly #events: NicEvents;
  readonly #frames: FrameStore;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #peers = new EthernetPeers();
  readonly #mtu: number;
  readonly #slotShift: number;
  #closed = false;

  readonly #rxMask: number;
  /** First slot of the current burst. */
  #rxNext = 0;
  /** Slots of the current burst, those that were not handed out included. */
  #rxTaken = 0;

  readonly #txBase: number;
  readonly #txMask: number;
  /** Next slot to fill. */
  #txNext = 0;
  /** Slots before it that the kernel has not been seen to take. */
  #txQueued = 0;
  #stalled = 0;

  constructor(socket: PacketSocket, options: PacketOptions, shape: Shape) {
    const { slotSize, rxSlots, txSlots, frameSize, txFrames, rxFrames } = shape;
    const ringBytes = (rxSlots + txSlots) * slotSize;
    const poolBytes = (txFrames + rxFrames) * frameSize;
    const buffer = socket.open(shape.etherType, slotSize, rxSlots, txSlots, poolBytes);
    this.#socket = socket;
    this.#bell = socket.bell;
    this.#frames = new FrameStore(buffer, ringBytes, shape);
    this.bytes = this.#frames.bytes;
    this.view = this.#frames.view;
    this.#words = this.#frames.words;
    this.#halves = new Uint16Array(buffer);
    this.#mtu = shape.mtu;
    this.#slotShift = Math.log2(slotSize);
    this.#rxMask = rxSlots - 1;
    this.#txBase = rxSlots * slotSize;
    this.#txMask = txSlots - 1;
    this.#prepareTxSlots(socket.link.address, shape.etherType);
    this.info = {
      driver: 'packet',
      mode: 'tpacket-v2',
      interface: options.interface,
      namespace: options.namespace,
      queue: undefined,
      address: socket.link.address,
      mtu: shape.mtu,
      overhead: ETHERNET_HEADER,
      frameSize,
      txFrames,
      rxFrames,
      hugePages: false,
      notes: [],
    };
    const { index } = socket.link;
    const onState = (state: NicState): void => this.onState?.(state);
    this.#events = new NicEvents(socket.fd, index, options.namespace, onState, () => socket.takeError());
  }

  /** What never changes in a transmit slot is written once: where the frame is, our address, the EtherType. */
  #prepareTxSlots(address: LinkAddress, etherType: number): void {
    const source = parseEthernetAddress(address);
    for (let slot = this.#txBase, i = 0; i <= this.#txMask; i++, slot += 1 << this.#slotShift) {
      this.#words[(slot >> 2) + tp.OFFSETS] = tp.VNET | (tp.PAYLOAD << 16);
      this.bytes.set(source, slot + tp.ETHERNET + 6);
      this.view.setUint16(slot + tp.ETHERNET + 12, etherType);
    }
  }

  countIn(memory: Float64Array): void {
    memory.set(this.counters);
    this.counters = memory;
  }

  get state(): NicState {
    return this.#events.state;
  }

  alloc(reserve: number): Frame {
    return this.#frames.alloc(reserve);
  }

  free(frame: Frame): void {
    this.#frames.free(frame);
  }

  send(frame: Frame, length: number, peer: PeerIndex): boolean {
    if (this.#closed) return false;
    if (length > this.#mtu) throw tooLong(length, this.#mtu);
    const words = this.#words;
    const slot = this.#txBase + (this.#txNext << this.#slotShift);
    // Plain accesses do here (a call of Atomics costs more than all the rest): the kernel reads the status only within our
    // own kick, and what we write into a free slot depends on having found it free.
    if (words[slot >> 2] !== tp.TX_AVAILABLE) {
      this.counters[NicCounter.txBusy]++;
      return false;
    }
    const halves = this.#halves;
    const destination = this.#peers.halves;
    const at = (slot + tp.ETHERNET) >> 1;
    halves[at] = destination[3 * peer];
    halves[at + 1] = destination[3 * peer + 1];
    halves[at + 2] = destination[3 * peer + 2];
    halves[(slot + tp.VNET_HDR_LEN) >> 1] = length + ETHERNET_HEADER;
    this.#frames.copy(frame, slot + tp.PAYLOAD, length);
    words[(slot >> 2) + tp.LENGTH] = length + (ETHERNET_HEADER + tp.VNET_HEADER);
    words[slot >> 2] = tp.TX_SEND_REQUEST; // last: from here on the slot is the kernel's
    this.#txNext = (this.#txNext + 1) & this.#txMask;
    this.#txQueued++;
    this.counters[NicCounter.txFrames]++;
    this.counters[NicCounter.txBytes] += length;
    return true;
  }

  /** Never: `send` copied it. */
  inFlight(_frame: Frame): boolean {
    return false;
  }

  flush(): boolean {
    if (this.#txQueued === 0 || this.#closed) return true;
    this.counters[NicCounter.kicks]++;
    const error = this.#kick(this.#bell);
    // The kernel takes slots in ring order: if it took the last one, it took all.
    if (this.#statusBack(1) !== tp.TX_SEND_REQUEST) {
      this.#txQueued = 0;
      this.#stalled = 0;
      return true;
    }
    return this.#flushRest(error);
  }

  /** Cold: the kernel left some. */
  #flushRest(error: number | undefined): boolean {
    const before = this.#txQueued;
    while (this.#statusBack(this.#txQueued) !== tp.TX_SEND_REQUEST) this.#txQueued--;
    this.#stalled = this.#txQueued < before ? 0 : this.#stalled + 1;
    const congested = error === undefined || error === EAGAIN || error === ENOBUFS || error === ENOMEM;
    if (congested && this.#stalled < PATIENCE && this.#events.state === 'up') return false;
    this.#takeBack();
    return true;
  }

  /** The interface is down or gone: what is queued is lost, as on a wire that is cut. */
  #takeBack(): void {
    this.counters[NicCounter.txErrors] += this.#txQueued;
    for (; this.#txQueued > 0; this.#txQueued--) {
      this.#txNext = (this.#txNext - 1) & this.#txMask;
      this.#words[(this.#txBase + (this.#txNext << this.#slotShift)) >> 2] = tp.TX_AVAILABLE;
    }
    this.#stalled = 0;
  }

  /** Status of the slot filled `back` sends ago (1: the last). */
  #statusBack(back: number): number {
    const slot = (this.#txNext - back) & this.#txMask;
    return this.#words[(this.#txBase + (slot << this.#slotShift)) >> 2];
  }

  /** An empty ring is polled with one load, and nothing else: this is what a waiting host does most. */
  receive(): number {
    if (this.#rxTaken !== 0) this.recycle();
    if (this.#closed || (this.#words[(this.#rxNext << this.#slotShift) >> 2] & tp.RX_USER) === 0) return 0;
    return this.#take();
  }

  #take(): number {
    const words = this.#words;
    const { frame, length } = this.rx;
    const mask = this.#rxMask;
    const shift = this.#slotShift;
    const mtu = this.#mtu;
    let seen = 0;
    let count = 0;
    let taken = 0;
    let bytes = 0;
    for (; taken < BURST; taken++) {
      const slot = ((this.#rxNext + taken) & mask) << shift;
      const word = slot >> 2;
      const status = loadAcquire(words, word);
      if ((status & tp.RX_USER) === 0) break;
      seen |= status;
      const size = words[word + tp.CAPTURED] - ETHERNET_HEADER;
      if (
        words[word + tp.LENGTH] !== words[word + tp.CAPTURED] ||
        words[word + tp.OFFSETS] !== tp.RX_OFFSETS ||
        size > mtu
      ) {
        this.counters[NicCounter.rxInvalid]++;
      } else if (((words[word + tp.PACKET_TYPE] >> 16) & 0xff) !== tp.PACKET_OTHERHOST) {
        frame[count] = slot + tp.PAYLOAD;
        length[count] = size;
        bytes += size;
        count++;
      }
    }
    this.#rxTaken = taken;
    this.counters[NicCounter.rxFrames] += count;
    this.counters[NicCounter.rxBytes] += bytes;
    if ((seen & tp.RX_LOSING) !== 0) this.#countDrops();
    return count;
  }

  #countDrops(): void {
    const drops = this.#socket.drops();
    this.counters[NicCounter.rxDropped] += drops;
    this.counters[NicCounter.rxRingFull] += drops;
  }

  hold(index: number): Frame {
    return this.keep(this.rx.frame[index], this.rx.length[index]);
  }

  keep(at: Frame, length: number): Frame {
    const copy = this.#frames.keep(at, length);
    if (copy !== NO_FRAME) this.counters[NicCounter.holdCopies]++;
    return copy;
  }

  recycle(): void {
    if (this.#closed) return;
    const words = this.#words;
    const end = this.#rxNext + this.#rxTaken;
    for (let i = this.#rxNext; i < end; i++) {
      storeRelease(words, ((i & this.#rxMask) << this.#slotShift) >> 2, tp.RX_KERNEL);
    }
    this.#rxNext = end & this.#rxMask;
    this.#rxTaken = 0;
  }

  source(index: number): LinkAddress {
    return formatEthernetAddress(this.bytes, this.rx.frame[index] - ETHERNET_HEADER + 6);
  }

  peer(address: LinkAddress): PeerIndex {
    if (this.#closed) throw closedError();
    return this.#peers.add(address);
  }

  forget(peer: PeerIndex): void {
    this.#peers.forget(peer);
  }

  watch(wake: () => void): void {
    if (!this.#closed) this.#countDrops(); // those after the last frame received
    this.#events.watch(wake);
  }

  unwatch(): void {
    this.#events.unwatch();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#bell = -1;
    this.#frames.close();
    this.#events.close(); // before the descriptor it waits for
    this.#socket.close();
  }
}

export function openPacket(options: PacketOptions): PacketNic {
  knownOptions('packet', options, OPTIONS);
  const place = { interface: interfaceOption(options.interface), namespace: options.namespace };
  const namespace = namespaceArgument(options.namespace);
  const wanted = {
    etherType: etherTypeOption(options.etherType),
    txFrames: framesOption('txFrames', options.txFrames),
    rxFrames: framesOption('rxFrames', options.rxFrames),
  };
  const { PacketSocket } = core();
  let socket: PacketSocket | undefined;
  try {
    socket = new PacketSocket(namespace, place.interface);
    checkEthernetLink(socket.link, place);
    const mtu = mtuOption(options.mtu, socket.link.mtu, `the MTU of ${placeName(place)}`);
    return new PacketNic(socket, options, shapeFor(mtu, wanted));
  } catch (error) {
    socket?.close();
    throw ethernetOpenError(error, 'packet', place);
  }
}

function shapeFor(mtu: number, wanted: Pick<Shape, 'etherType' | 'txFrames' | 'rxFrames'>): Shape {
  const shape = {
    ...wanted,
    mtu,
    slotSize: powerOfTwoFor(Math.max(SMALLEST_FRAME, tp.PAYLOAD + mtu)),
    rxSlots: Math.max(LEAST_RX_SLOTS, wanted.rxFrames / 8),
    txSlots: Math.min(wanted.txFrames, TX_SLOTS),
    frameSize: powerOfTwoFor(Math.max(SMALLEST_FRAME, mtu)),
  };
  const rings = (shape.rxSlots + shape.txSlots) * shape.slotSize;
  checkFrameMemory(mtu, rings + (shape.txFrames + shape.rxFrames) * shape.frameSize);
  return shape;
}
