import { ArgumentError, NicError } from '../errors.js';
import type { Frame, LinkAddress, Nic, NicInfo, NicState, PeerIndex, RxBurst, UdpOptions } from './contract.js';
import { NIC_COUNTERS, NO_FRAME, NicCounter } from './contract.js';
import type { FramePool } from './framePool.js';
import { FrameStore } from './frameStore.js';
import { listLinks } from './links.js';
import { namespaceArgument } from './namespace.js';
import type { UdpSocket } from './native.js';
import { core } from './native.js';
import { closedError, tooLong } from './nicErrors.js';
import { NicEvents } from './nicEvents.js';
import { checkFrameMemory, framesOption, integerOption, knownOptions, mtuOption, powerOfTwoFor } from './options.js';
import { PeerNumbers } from './peerNumbers.js';
import { UDP_PORT, checkPeer, formatUdpAddress, parseUdpAddress, parseUdpHost } from './udpAddress.js';
import type { UdpEnd } from './udpAddress.js';
import { udpOpenError } from './udpErrors.js';

const OPTIONS = ['namespace', 'address', 'port', 'mtu', 'txFrames', 'rxFrames', 'offload'];

const EMSGSIZE = 90;
const MTU_SHRANK =
  'Frames were longer than the MTU of the interface they leave by, and were lost (txErrors): lower mtu, or raise that MTU.';

const SMALLEST_FRAME = 2048;
/** IP and UDP headers. */
const OVERHEAD_4 = 20 + 8;
const OVERHEAD_6 = 40 + 8;
const ETHERNET_MTU = 1500;
/** What a UDP datagram can carry over IPv4. */
const LARGEST_DATAGRAM = 65507;
/** Receive buffers of datagrams that the kernel joined; without that, of single frames. */
const JOINED_BUFFERS = 16;
const JOINED_BUFFER_SIZE = 65536;
const SINGLE_BUFFERS = 64;

// The tables shared with the addon: native/core/udp_tables.h.
const STATUS_WORDS = 8;
const TX_RING = 1024;
const BURST = 64;
const Status = { calls: 0, lost: 1, error: 2, invalid: 3, dropped: 4, gsoRefused: 5, more: 6 } as const;

interface Shape {
  readonly mtu: number;
  readonly overhead: number;
  readonly frameSize: number;
  readonly txFrames: number;
  /** Frames for `hold`. */
  readonly rxFrames: number;
  readonly gso: boolean;
  readonly gro: boolean;
}

/**
 * UDP over IPv4 or IPv6, row E6: needs no privileges, crosses routers. One system call sends a burst, one receives one. Frames of one
 * peer and one length that follow each other go through the kernel as one packet (UDP_SEGMENT, UDP_GRO).
 *
 * Memory: [ pool for alloc | pool for hold | receive buffers ]. The buffers are lent for one burst, so `hold` copies.
 */
export class UdpNic implements Nic {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly rx: RxBurst;
  counters: Float64Array = new Float64Array(NIC_COUNTERS);
  onState: ((state: NicState) => void) | undefined = undefined;

  readonly #info: { -readonly [K in keyof NicInfo]: NicInfo[K] };
  readonly #socket: UdpSocket;
  readonly #kernelSend = core().udpSend;
  readonly #kernelReceive = core().udpReceive;
  readonly #fd: number;
  readonly #events: NicEvents;
  readonly #frames: FrameStore;
  readonly #tx: FramePool;
  readonly #peers = new PeerNumbers();
  readonly #mtu: number;
  readonly #status: Int32Array;
  /** Descriptors of what `send` queued, three words each: frame, length, peer. */
  readonly #txRing: Int32Array;
  readonly #rxDatagram: Int32Array;
  #txQueued = 0;
  #closed = false;

  constructor(socket: UdpSocket, namespace: string | undefined, shape: Shape, notes: string[]) {
    const { mtu, frameSize, txFrames, rxFrames, gro } = shape;
    const poolBytes = (txFrames + rxFrames) * frameSize;
    const bufferSize = gro ? JOINED_BUFFER_SIZE : frameSize;
    const buffers = gro ? JOINED_BUFFERS : SINGLE_BUFFERS;
    socket.open(poolBytes + buffers * bufferSize, poolBytes, bufferSize, buffers, mtu);
    const { tables } = socket;
    this.#socket = socket;
    this.#fd = socket.fd;
    this.#frames = new FrameStore(socket.frames, 0, shape);
    this.bytes = this.#frames.bytes;
    this.view = this.#frames.view;
    this.#tx = this.#frames.tx;
    this.#mtu = mtu;
    const table = (word: number, words: number): Int32Array => new Int32Array(tables, 4 * word, words);
    const rxTables = STATUS_WORDS + 3 * TX_RING;
    this.#status = table(0, STATUS_WORDS);
    this.#txRing = table(STATUS_WORDS, 3 * TX_RING);
    this.rx = { frame: table(rxTables, BURST), length: table(rxTables + BURST, BURST) };
    this.#rxDatagram = table(rxTables + 2 * BURST, BURST);
    const owner = socket.interface;
    this.#info = {
      driver: 'udp',
      mode: modeName(shape),
      interface: owner?.name,
      namespace,
      queue: undefined,
      address: formatUdpAddress(socket.local),
      mtu,
      overhead: shape.overhead,
      frameSize,
      txFrames,
      rxFrames,
      hugePages: false,
      notes,
    };
    this.#events = new NicEvents(socket.fd, owner?.index, namespace, (state) => this.onState?.(state));
  }

  get info(): NicInfo {
    return this.#info;
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
    const queued = this.#txQueued;
    if (queued === TX_RING) {
      this.counters[NicCounter.txBusy]++;
      return false;
    }
    const ring = this.#txRing;
    const at = 3 * queued;
    ring[at] = frame;
    ring[at + 1] = length;
    ring[at + 2] = peer;
    this.#txQueued = queued + 1;
    this.#tx.pin(frame);
    this.counters[NicCounter.txFrames]++;
    this.counters[NicCounter.txBytes] += length;
    return true;
  }

  /** Until `flush`: the kernel copies what it takes. */
  inFlight(frame: Frame): boolean {
    return this.#tx.pinned(frame);
  }

  flush(): boolean {
    const queued = this.#txQueued;
    if (queued === 0 || this.#closed) return true;
    const taken = this.#kernelSend(this.#fd, queued);
    const ring = this.#txRing;
    for (let i = 0; i < taken; i++) this.#tx.unpin(ring[3 * i]);
    this.#txQueued = queued - taken;
    const status = this.#status;
    this.counters[NicCounter.kicks] += status[Status.calls];
    if (status[Status.lost] !== 0) this.#countLost();
    if (status[Status.gsoRefused] !== 0) this.#noteGsoRefused();
    if (taken === queued) return true;
    ring.copyWithin(0, 3 * taken, 3 * queued);
    return false;
  }

  /** Cold. */
  #countLost(): void {
    this.counters[NicCounter.txErrors] += this.#status[Status.lost];
    if (this.#status[Status.error] === EMSGSIZE) this.#note(MTU_SHRANK);
  }

  receive(): number {
    if (this.#closed) return 0;
    const count = this.#kernelReceive(this.#fd);
    const status = this.#status;
    // Most polls find nothing, and nothing wrong: they leave the counters alone.
    if (status[Status.invalid] !== 0) this.counters[NicCounter.rxInvalid] += status[Status.invalid];
    if (status[Status.dropped] !== 0) this.#countDropped();
    if (count === 0) return 0;
    const { length } = this.rx;
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += length[i];
    this.counters[NicCounter.rxFrames] += count;
    this.counters[NicCounter.rxBytes] += bytes;
    return count;
  }

  /** Cold. */
  #countDropped(): void {
    this.counters[NicCounter.rxDropped] += this.#status[Status.dropped];
    this.counters[NicCounter.rxRingFull] += this.#status[Status.dropped];
  }

  hold(index: number): Frame {
    return this.keep(this.rx.frame[index], this.rx.length[index]);
  }

  keep(at: Frame, length: number): Frame {
    const copy = this.#frames.keep(at, length);
    if (copy !== NO_FRAME) this.counters[NicCounter.holdCopies]++;
    return copy;
  }

  /** Nothing to do: the next `receive` writes over the buffers. */
  recycle(): void {}

  source(index: number): LinkAddress {
    if (this.#closed) throw closedError();
    return formatUdpAddress(this.#socket.source(this.#rxDatagram[index]));
  }

  peer(address: LinkAddress): PeerIndex {
    if (this.#closed) throw closedError();
    const end = parseUdpAddress(address, scopesOf(this.info.namespace));
    checkPeer(end, address);
    if (end.ip.includes(':') !== this.#socket.local.ip.includes(':')) throw otherFamily(address, this.info.address);
    const enter = (peer: PeerIndex): void => this.#socket.setPeer(peer, end.ip, end.port, end.scope);
    return this.#peers.add(formatUdpAddress(end), enter, this.#txQueued === 0);
  }

  forget(peer: PeerIndex): void {
    this.#peers.forget(peer);
  }

  watch(wake: () => void): void {
    this.#events.watch(wake, this.#status[Status.more] !== 0);
  }

  unwatch(): void {
    this.#events.unwatch();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#frames.close();
    this.#events.close(); // before the descriptor it waits for
    this.#socket.close();
  }

  /** Cold, once: the sender goes on without. */
  #noteGsoRefused(): void {
    this.#status[Status.gsoRefused] = 0;
    this.#info.mode = this.#info.mode.replace('+gso', '');
    this.#note('The kernel or the device refused UDP_SEGMENT: frames are sent one by one, which costs throughput.');
  }

  #note(text: string): void {
    if (!this.#info.notes.includes(text)) this.#info.notes = [...this.#info.notes, text];
  }
}

/** Opens the udp driver (arguments are checked here). */
export function openUdp(options: UdpOptions): UdpNic {
  knownOptions('udp', options, OPTIONS);
  const namespace = namespaceArgument(options.namespace);
  const scopeOf = scopesOf(options.namespace);
  const local = {
    ...parseUdpHost(options.address ?? '127.0.0.1', scopeOf),
    port: integerOption('port', options.port, UDP_PORT, 0, 65535),
  };
  const frames = {
    txFrames: framesOption('txFrames', options.txFrames),
    rxFrames: framesOption('rxFrames', options.rxFrames),
  };
  const { UdpSocket } = core();
  let socket: UdpSocket | undefined;
  try {
    socket = new UdpSocket(namespace, local.ip, local.port, local.scope);
    const notes: string[] = [];
    const shape = { ...frames, ...sizes(socket, options.mtu), ...offload(socket, options.offload ?? true, notes) };
    const buffers = Math.max(SINGLE_BUFFERS * shape.frameSize, JOINED_BUFFERS * JOINED_BUFFER_SIZE);
    checkFrameMemory(shape.mtu, (shape.txFrames + shape.rxFrames) * shape.frameSize + buffers);
    noteSmallBuffer(socket, notes);
    return new UdpNic(socket, options.namespace, shape, notes);
  } catch (error) {
    socket?.close();
    throw udpOpenError(error, local, options.namespace);
  }
}

/** Scopes are named after interfaces of the socket's own namespace. */
function scopesOf(namespace: string | undefined): (name: string) => number | undefined {
  return (name) => listLinks({ namespace }).find((link) => link.name === name)?.index;
}

function sizes(socket: UdpSocket, wanted: number | undefined): Pick<Shape, 'mtu' | 'overhead' | 'frameSize'> {
  const { local, interface: owner } = socket;
  const overhead = local.ip.includes(':') ? OVERHEAD_6 : OVERHEAD_4;
  const limit = Math.min((owner?.mtu ?? Infinity) - overhead, LARGEST_DATAGRAM);
  // Loopback could carry more, and behind the any-address anything may be: the default fits every Ethernet.
  const cautious = owner === undefined || isLoopback(local) ? Math.min(ETHERNET_MTU - overhead, limit) : limit;
  const source = owner === undefined ? 'UDP' : `UDP over the MTU of ${owner.name}`;
  const mtu = mtuOption(wanted ?? cautious, limit, source);
  return { mtu, overhead, frameSize: powerOfTwoFor(Math.max(SMALLEST_FRAME, mtu)) };
}

function isLoopback({ ip }: UdpEnd): boolean {
  return ip === '::1' || ip.startsWith('127.');
}

function offload(socket: UdpSocket, wanted: boolean, notes: string[]): Pick<Shape, 'gso' | 'gro'> {
  if (typeof wanted !== 'boolean') throw new ArgumentError(`offload is ${String(wanted)}; expected true or false.`);
  if (!wanted) return { gso: false, gro: false };
  const obtained = socket.enableOffload();
  if (!obtained.gso) notes.push('This kernel has no UDP_SEGMENT (Linux 4.18): frames are sent one by one.');
  if (!obtained.gro) notes.push('This kernel has no UDP_GRO (Linux 5.0): frames are received one by one.');
  return obtained;
}

function noteSmallBuffer(socket: UdpSocket, notes: string[]): void {
  const { obtained, wanted } = socket.receiveBuffer;
  if (obtained >= wanted) return;
  notes.push(
    `The receive buffer is ${obtained} bytes, not ${wanted}: bursts may be lost. ` +
      `Raise net.core.rmem_max to ${wanted}, or run with CAP_NET_ADMIN.`,
  );
}

function modeName({ overhead, gso, gro }: Shape): string {
  return (overhead === OVERHEAD_4 ? 'udp4' : 'udp6') + (gso ? '+gso' : '') + (gro ? '+gro' : '');
}

function otherFamily(address: LinkAddress, own: LinkAddress): NicError {
  return new NicError('ERR_EMP_ADDRESS', `'${address}' cannot be reached from ${own}: IPv4 and IPv6 do not mix.`, {
    remedy: 'Use addresses of one family, or open a NIC for each.',
  });
}
