import { ArgumentError, NicError } from '../errors.js';
import type { Frame, LinkAddress, MemoryOptions, Nic, NicInfo, NicState, PeerIndex, RxBurst } from './contract.js';
import { NIC_COUNTERS, NO_FRAME, NicCounter } from './contract.js';
import { FrameStore } from './frameStore.js';
import { closedError, tooLong } from './nicErrors.js';
import { checkFrameMemory, framesOption, integerOption, knownOptions, powerOfTwoFor, SMALLEST_MTU } from './options.js';
import { PeerNumbers } from './peerNumbers.js';

const BURST = 64;
const RING = 4096;
const DEFAULT_MTU = 1500;
const SCHEME = 'memory:';
const OPTIONS = ['name', 'txFrames', 'rxFrames', 'mtu'];

/** All memory NICs of this process (of this thread) by address: the wire. */
const wire = new Map<string, MemoryNic>();

type Shape = Required<Omit<MemoryOptions, 'driver'>>;

/**
 * Two or more ends in one process: no kernel, no privileges, for tests and for learning. A frame sent is copied, at
 * `flush`, into a receive frame of the peer, as a DMA engine would; if the peer has none left it is lost, as on a wire.
 */
export class MemoryNic implements Nic {
  readonly info: NicInfo;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly rx: RxBurst = { frame: new Int32Array(BURST), length: new Int32Array(BURST) };
  counters: Float64Array = new Float64Array(NIC_COUNTERS);
  onState: ((state: NicState) => void) | undefined = undefined;

  readonly #mtu: number;
  readonly #frames: FrameStore;
  /** Receive frames that `hold` leaves for what arrives. */
  readonly #rxReserve: number;
  // Transmit ring: what `send` queued and `flush` has not carried over yet.
  readonly #txRing = new Int32Array(RING * 3);
  #txCount = 0;
  // Receive ring: frames that arrived, [tail, head) modulo RING. Both positions are 32-bit and wrap; that this works is seen early,
  // because they start shortly before.
  readonly #rxFrame = new Int32Array(RING);
  readonly #rxLength = new Int32Array(RING);
  /** Addresses, not NICs: they keep nothing alive. */
  readonly #rxSource: LinkAddress[] = new Array<LinkAddress>(RING).fill('');
  #rxHead = 0x7fffffff - RING / 2;
  #rxTail = 0x7fffffff - RING / 2;
  #burst = 0;
  readonly #held = new Uint8Array(BURST);
  readonly #burstSource: LinkAddress[] = new Array<LinkAddress>(BURST).fill('');
  readonly #peers = new PeerNumbers();
  #wake: (() => void) | undefined = undefined;
  #immediate: NodeJS.Immediate | undefined = undefined;
  #keepAlive: NodeJS.Timeout | undefined = undefined;
  #state: NicState = 'up';

  constructor({ name, txFrames, rxFrames, mtu }: Shape) {
    const address = SCHEME + name;
    if (wire.has(address)) {
      throw new NicError('ERR_EMP_ADDRESS_IN_USE', `${address} is open already.`, {
        remedy: 'Close the other one or choose another name.',
      });
    }
    const frameSize = powerOfTwoFor(mtu);
    const buffer = new ArrayBuffer((txFrames + rxFrames) * frameSize);
    this.#frames = new FrameStore(buffer, 0, { frameSize, txFrames, rxFrames });
    this.bytes = this.#frames.bytes;
    this.view = this.#frames.view;
    this.#mtu = mtu;
    this.#rxReserve = Math.min(BURST, rxFrames >> 2);
    this.info = {
      driver: 'memory',
      mode: 'memory',
      interface: undefined,
      namespace: undefined,
      queue: undefined,
      address,
      mtu,
      overhead: 0,
      frameSize,
      txFrames,
      rxFrames,
      hugePages: false,
      notes: [],
    };
    wire.set(address, this);
  }

  countIn(memory: Float64Array): void {
    memory.set(this.counters);
    this.counters = memory;
  }

  get state(): NicState {
    return this.#state;
  }

  alloc(reserve: number): Frame {
    return this.#frames.alloc(reserve);
  }

  free(frame: Frame): void {
    this.#frames.free(frame);
  }

  send(frame: Frame, length: number, peer: PeerIndex): boolean {
    if (this.#state === 'closed') return false;
    if (length > this.#mtu) throw tooLong(length, this.#mtu);
    if (this.#txCount === RING) {
      this.counters[NicCounter.txBusy]++;
      return false;
    }
    const at = this.#txCount++ * 3;
    this.#txRing[at] = frame;
    this.#txRing[at + 1] = length;
    this.#txRing[at + 2] = peer;
    this.#frames.tx.pin(frame);
    this.counters[NicCounter.txFrames]++;
    this.counters[NicCounter.txBytes] += length;
    return true;
  }

  inFlight(frame: Frame): boolean {
    return this.#frames.tx.pinned(frame);
  }

  flush(): boolean {
    const count = this.#txCount;
    if (count === 0) return true;
    this.counters[NicCounter.kicks]++;
    for (let i = 0; i < count; i++) {
      const frame = this.#txRing[i * 3];
      const address = this.#peers.address(this.#txRing[i * 3 + 2]);
      const peer = address === undefined ? undefined : wire.get(address);
      if (peer === undefined) this.counters[NicCounter.txErrors]++;
      else peer.#arrive(this, frame, this.#txRing[i * 3 + 1]);
      this.#frames.tx.unpin(frame);
    }
    this.#txCount = 0;
    return true;
  }

  #arrive(from: MemoryNic, frame: Frame, length: number): void {
    const full = ((this.#rxHead - this.#rxTail) | 0) === RING;
    const into = full || length > this.#mtu ? NO_FRAME : this.#frames.rx.alloc(0);
    if (into === NO_FRAME) {
      this.counters[NicCounter.rxDropped]++;
      if (full) this.counters[NicCounter.rxRingFull]++;
      return;
    }
    // Word by word: typed array `set` would need a subarray, which is an allocation.
    const source = from.#frames.words;
    const target = this.#frames.words;
    const words = (length + 3) >> 2;
    for (let i = 0, s = frame >> 2, t = into >> 2; i < words; i++) target[t + i] = source[s + i];
    const slot = this.#rxHead & (RING - 1);
    this.#rxHead = (this.#rxHead + 1) | 0;
    this.#rxFrame[slot] = into;
    this.#rxLength[slot] = length;
    this.#rxSource[slot] = from.info.address;
    if (this.#wake !== undefined) this.#scheduleWake();
  }

  receive(): number {
    if (this.#state === 'closed') return 0;
    const count = Math.min((this.#rxHead - this.#rxTail) | 0, BURST);
    for (let i = 0; i < count; i++) {
      const slot = (this.#rxTail + i) & (RING - 1);
      this.rx.frame[i] = this.#rxFrame[slot];
      this.rx.length[i] = this.#rxLength[slot];
      this.#burstSource[i] = this.#rxSource[slot];
      this.#held[i] = 0;
      this.counters[NicCounter.rxBytes] += this.#rxLength[slot];
    }
    this.#rxTail = (this.#rxTail + count) | 0;
    this.#burst = count;
    this.counters[NicCounter.rxFrames] += count;
    return count;
  }

  hold(index: number): Frame {
    if (this.#state === 'closed' || this.#frames.rx.available < this.#rxReserve) return NO_FRAME;
    this.#held[index] = 1;
    return this.rx.frame[index];
  }

  keep(at: Frame, length: number): Frame {
    if (this.#frames.rx.available < this.#rxReserve) return NO_FRAME;
    const copy = this.#frames.keep(at, length);
    if (copy !== NO_FRAME) this.counters[NicCounter.holdCopies]++;
    return copy;
  }

  recycle(): void {
    for (let i = 0; i < this.#burst; i++) if (this.#held[i] === 0) this.#frames.rx.free(this.rx.frame[i]);
    this.#burst = 0;
  }

  source(index: number): LinkAddress {
    return this.#burstSource[index];
  }

  peer(address: LinkAddress): PeerIndex {
    if (this.#state === 'closed') throw closedError();
    if (typeof address !== 'string' || !address.startsWith(SCHEME) || address === SCHEME) {
      throw new NicError('ERR_EMP_ADDRESS', `'${String(address)}' is not an address of the memory driver.`, {
        remedy: 'Use memory:<name>.',
      });
    }
    return this.#peers.add(address, undefined, this.#txCount === 0);
  }

  forget(peer: PeerIndex): void {
    this.#peers.forget(peer);
  }

  watch(wake: () => void): void {
    if (this.#state === 'closed') throw closedError();
    this.#wake = wake;
    // Nothing in libuv waits for this NIC: an idle timer keeps the process alive, as a descriptor would.
    this.#keepAlive ??= setInterval(() => {}, 0x7fffffff);
    if (this.#rxHead !== this.#rxTail) this.#scheduleWake();
  }

  unwatch(): void {
    this.#wake = undefined;
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    this.#immediate = undefined;
    if (this.#keepAlive !== undefined) clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }

  #scheduleWake(): void {
    this.#immediate ??= setImmediate(() => {
      const wake = this.#wake;
      this.unwatch();
      wake?.();
    });
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.unwatch();
    this.#state = 'closed';
    this.#frames.close();
    this.#txCount = 0;
    wire.delete(this.info.address);
    // Detaches the buffer, so that every driver behaves alike after close.
    structuredClone(this.bytes.buffer, { transfer: [this.bytes.buffer as ArrayBuffer] });
  }
}

/** Opens the memory driver (arguments are checked here). */
export function openMemory(options: MemoryOptions): MemoryNic {
  knownOptions('memory', options, OPTIONS);
  const { name } = options;
  if (typeof name !== 'string' || name === '') {
    throw new ArgumentError('The memory driver needs a name, a string that is not empty.');
  }
  const shape = {
    name,
    txFrames: framesOption('txFrames', options.txFrames),
    rxFrames: framesOption('rxFrames', options.rxFrames),
    mtu: integerOption('mtu', options.mtu, DEFAULT_MTU, SMALLEST_MTU, 65535),
  };
  checkFrameMemory(shape.mtu, (shape.txFrames + shape.rxFrames) * powerOfTwoFor(shape.mtu));
  return new MemoryNic(shape);
}
