import type { Chance } from '../fault/chance.js';
import { NIC_COUNTERS, NO_FRAME, NicCounter } from '../nic/contract.js';
import type { Nic, NicInfo, NicState } from '../nic/contract.js';
import { closedError } from '../nic/nicErrors.js';
import { GENTLE } from './nicModel.js';
import type { Failure, Medium, SimNicOptions, Temper } from './nicModel.js';
import { PeerBook } from './peerBook.js';

/** In front of the EMP header, as an Ethernet header; of frames that come in odd on purpose. */
const TX_HEADROOM = 16;
const RX_HEADROOM = 13;
const POISON = 0xdb;
/** Bytes of the largest frame, unless a test says otherwise. */
export const MTU = 512;

interface Queued {
  frame: number;
  length: number;
  to: string;
  /** The bytes when they were queued. */
  bytes: Uint8Array;
  flushed: boolean;
  doneAt: number;
}

interface Slot {
  owned: boolean;
  pins: number;
}

/**
 * A NIC that keeps the contract of `src/nic/contract.ts` to the letter and notes every breach by its user: use after free,
 * double free, bytes changed in flight, frames and peers never given back. What is free, or recycled, is poisoned.
 */
export class SimNic implements Nic {
  readonly info: NicInfo;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly rx: { frame: Int32Array; length: Int32Array };
  /** What the protocol did wrong. */
  readonly breaches: string[] = [];
  /** Frames dropped because nothing was left to receive them in; `hold` calls that failed; `send` calls refused. */
  readonly count = { rxDropped: 0, holdFailures: 0, busy: 0 };
  temper: Temper;
  /** Told of each frame that has arrived; settles no promise. @internal */
  onArrival: () => void = () => {};
  onState: ((state: NicState) => void) | undefined = undefined;
  failure: Failure = 'none';
  counters: Float64Array = new Float64Array(NIC_COUNTERS);

  readonly #medium: Medium;
  readonly #chance: Chance;
  readonly #size: number;
  readonly #ringSize: number;
  readonly #txFrames: number;
  readonly #rxReserve: number;
  readonly #slots: Slot[];
  readonly #freeTx: number[] = [];
  readonly #freeRx: number[] = [];
  readonly #poison: Uint8Array;
  #ring: Queued[] = [];
  readonly #arrived: { frame: number; length: number; from: string }[] = [];
  #burst: { frame: number; from: string; held: boolean }[] = [];
  #wake: (() => void) | undefined = undefined;
  /** A wake that the machine has been asked for, and that was not called off. */
  #waking: (() => void) | undefined = undefined;
  #state: NicState = 'up';
  readonly #peers = new PeerBook();

  constructor(
    medium: Medium,
    readonly address: string,
    chance: Chance,
    options: SimNicOptions = {},
  ) {
    const { mtu = MTU, txFrames = 1024, rxFrames = 1024, ring = 256, burst = 64, temper = GENTLE } = options;
    this.#medium = medium;
    this.#chance = chance;
    this.temper = { ...GENTLE, ...temper };
    this.#size = (mtu + TX_HEADROOM + 3) & ~3;
    this.#ringSize = ring;
    this.#txFrames = txFrames;
    this.#rxReserve = rxFrames >> 2;
    const count = txFrames + rxFrames;
    this.bytes = new Uint8Array(count * this.#size).fill(POISON);
    this.view = new DataView(this.bytes.buffer);
    this.#poison = new Uint8Array(this.#size).fill(POISON);
    this.#slots = Array.from({ length: count }, () => ({ owned: false, pins: 0 }));
    for (let i = 0; i < count; i++) (i < txFrames ? this.#freeTx : this.#freeRx).push(i);
    this.rx = { frame: new Int32Array(burst).fill(-1), length: new Int32Array(burst).fill(-1) };
    this.info = {
      driver: 'memory',
      mode: 'simulated',
      interface: undefined,
      namespace: undefined,
      queue: undefined,
      address,
      mtu,
      overhead: 0,
      frameSize: this.#size,
      txFrames,
      rxFrames,
      hugePages: false,
      notes: [],
    };
  }

  /** Noted as well as thrown: an exception inside a handler's turn may be caught there. */
  #breach(text: string): never {
    this.breaches.push(text);
    throw new Error(text);
  }

  // ---- the pool

  #indexOf(frame: number): number {
    const index = Math.floor(frame / this.#size);
    const isOne = index >= 0 && index < this.#slots.length && frame === this.#start(index);
    if (!isOne) this.#breach(`${frame} is no frame`);
    return index;
  }

  #start(index: number): number {
    return index * this.#size + (index < this.#txFrames ? TX_HEADROOM : RX_HEADROOM);
  }

  #take(pool: number[]): number {
    const at = this.#chance.between(0, pool.length - 1);
    const index = pool[at];
    pool[at] = pool[pool.length - 1];
    pool.pop();
    const start = index * this.#size;
    if (Buffer.compare(this.bytes.subarray(start, start + this.#size), this.#poison) !== 0) {
      this.#breach(`frame ${index} was written to after it was given back`);
    }
    this.#slots[index].owned = true;
    return this.#start(index);
  }

  #giveBack(index: number): void {
    this.bytes.fill(POISON, index * this.#size, (index + 1) * this.#size);
    (index < this.#txFrames ? this.#freeTx : this.#freeRx).push(index);
  }

  alloc(reserve: number): number {
    if (this.#state === 'closed') return NO_FRAME;
    return this.#freeTx.length <= reserve ? NO_FRAME : this.#take(this.#freeTx);
  }

  free(frame: number): void {
    if (this.#state === 'closed') return;
    const index = this.#indexOf(frame);
    const slot = this.#slots[index];
    if (!slot.owned) this.#breach(`frame ${index} is freed twice`);
    if (this.#burst.some((entry) => entry.frame === frame && !entry.held)) {
      this.#breach(`frame ${index} is freed, but was only lent`);
    }
    slot.owned = false;
    if (slot.pins === 0) this.#giveBack(index);
  }

  // ---- sending

  send(frame: number, length: number, peer: number): boolean {
    const index = this.#indexOf(frame);
    if (!this.#slots[index].owned) this.#breach(`frame ${index} is sent after it was freed`);
    if (index >= this.#txFrames) this.#breach(`frame ${index} is a receive frame, and is sent`);
    if (length < 0 || length > this.info.mtu) this.#breach(`a frame of ${length} bytes is sent; mtu ${this.info.mtu}`);
    const to = this.#peers.addressOf(peer);
    if (to === undefined) this.#breach(`a frame is sent to the unknown peer ${peer}`);
    if (this.#state === 'closed') return false;
    const isFull = this.#ring.length >= this.#ringSize || this.failure === 'full';
    if (isFull || this.#chance.happens(this.temper.busy)) {
      this.count.busy++;
      this.counters[NicCounter.txBusy]++;
      return false;
    }
    this.counters[NicCounter.txFrames]++;
    this.counters[NicCounter.txBytes] += length;
    const bytes = this.bytes.slice(frame, frame + length);
    this.#ring.push({ frame, length, to, bytes, flushed: false, doneAt: Infinity });
    this.#slots[index].pins++;
    return true;
  }

  inFlight(frame: number): boolean {
    if (this.#state === 'closed') return false;
    return this.#slots[this.#indexOf(frame)].pins > 0;
  }

  flush(): boolean {
    const { now } = this.#medium;
    for (const queued of this.#ring) {
      if (queued.flushed) continue;
      queued.flushed = true;
      queued.doneAt = now + (this.temper.inFlight > 0 ? this.#chance.between(0, this.temper.inFlight) : 0);
      if (this.failure !== 'dead' && this.failure !== 'mute' && this.#state === 'up') {
        this.#medium.carry(queued.bytes, this.address, queued.to);
      }
    }
    const left: Queued[] = [];
    for (const queued of this.#ring) {
      if (queued.doneAt <= now) this.#complete(queued);
      else left.push(queued);
    }
    this.#ring = left;
    return true;
  }

  #complete({ frame, length, bytes }: Queued): void {
    const index = this.#indexOf(frame);
    const slot = this.#slots[index];
    if (Buffer.compare(this.bytes.subarray(frame, frame + length), bytes) !== 0) {
      this.#breach(`frame ${index} was changed while it was in flight`);
    }
    if (--slot.pins === 0 && !slot.owned) this.#giveBack(index);
  }

  // ---- receiving

  arrive(bytes: Uint8Array, from: string): void {
    if (this.failure === 'dead' || this.failure === 'deaf' || this.#state !== 'up') return;
    if (this.#freeRx.length === 0 || bytes.length > this.info.mtu) {
      this.count.rxDropped++;
      this.counters[NicCounter.rxDropped]++;
      return;
    }
    const frame = this.#take(this.#freeRx);
    this.bytes.set(bytes, frame);
    this.#arrived.push({ frame, length: bytes.length, from });
    this.onArrival();
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    this.#wake = undefined;
    this.#waking = wake;
    this.#medium.soon(() => {
      if (this.#waking !== wake) return;
      this.#waking = undefined;
      wake();
    });
  }

  get waiting(): number {
    return this.#arrived.length;
  }

  receive(): number {
    if (this.#burst.length > 0) this.#breach('receive before recycle');
    if (this.#arrived.length === 0) return 0; // what a polling host does most
    const taken = this.#arrived.splice(0, this.rx.frame.length);
    taken.forEach(({ frame, length }, i) => {
      this.rx.frame[i] = frame;
      this.rx.length[i] = length;
    });
    this.counters[NicCounter.rxFrames] += taken.length;
    for (const { length } of taken) this.counters[NicCounter.rxBytes] += length;
    this.#burst = taken.map(({ frame, from }) => ({ frame, from, held: false }));
    return taken.length;
  }

  hold(index: number): number {
    if (this.#state === 'closed') return NO_FRAME;
    const entry = this.#burst[index];
    if (entry === undefined || entry.held) this.#breach(`entry ${index} of the burst cannot be held`);
    // The contract: held frames never take the last memory to receive with.
    if (this.#freeRx.length < this.#rxReserve || this.#chance.happens(this.temper.holdFails)) {
      this.count.holdFailures++;
      return NO_FRAME;
    }
    if (this.#chance.happens(this.temper.holdCopies)) {
      if (this.#freeRx.length === 0) {
        this.count.holdFailures++;
        return NO_FRAME;
      }
      const copy = this.#take(this.#freeRx);
      this.bytes.copyWithin(copy, entry.frame, entry.frame + this.rx.length[index]);
      return copy;
    }
    entry.held = true;
    return entry.frame;
  }

  keep(at: number, length: number): number {
    if (this.#state === 'closed') return NO_FRAME;
    const isLent = this.#burst.some((_, i) => {
      const start = this.rx.frame[i];
      return at >= start && at + length <= start + this.rx.length[i];
    });
    const slot = this.#slots[Math.floor(at / this.#size)];
    if (!isLent && slot?.owned !== true) this.#breach(`${length} bytes at ${at} are neither in the burst nor held`);
    if (this.#freeRx.length < this.#rxReserve || this.#chance.happens(this.temper.holdFails)) {
      this.count.holdFailures++;
      return NO_FRAME;
    }
    const copy = this.#take(this.#freeRx);
    this.bytes.copyWithin(copy, at, at + length);
    return copy;
  }

  recycle(): void {
    for (const { frame, held } of this.#burst) {
      if (held) continue;
      const index = this.#indexOf(frame);
      this.#slots[index].owned = false;
      this.#giveBack(index);
    }
    this.#burst = [];
    this.rx.frame.fill(-1);
    this.rx.length.fill(-1);
  }

  source(index: number): string {
    return this.#burst[index].from;
  }

  // ---- peers

  peer(address: string): number {
    if (this.#state === 'closed') throw closedError();
    return this.#peers.add(address, this.#medium.addresses?.());
  }

  forget(peer: number): void {
    if (this.#state === 'closed') return;
    if (!this.#peers.forget(peer)) this.#breach(`peer ${peer} is forgotten too often`);
  }

  // ---- waiting, and the state of the link

  countIn(memory: Float64Array): void {
    memory.set(this.counters);
    this.counters = memory;
  }

  watch(wake: () => void): void {
    if (this.#state === 'closed') throw closedError();
    this.#waking = undefined;
    this.#wake = wake;
    if (this.#arrived.length > 0) this.#wakeUp();
  }

  unwatch(): void {
    this.#wake = this.#waking = undefined;
  }

  get state(): NicState {
    return this.#state;
  }

  /** The link went up or down, or the interface is gone: at once; the machine hears of it when it can. */
  become(state: 'up' | 'down' | 'removed'): void {
    if (state === this.#state || this.#state === 'closed' || this.#state === 'removed') return;
    this.#state = state;
    this.#medium.soon(() => {
      if (this.#state !== 'closed') this.onState?.(state);
    });
  }

  /** What has arrived, and the current burst, go back to the pool. Frames that the protocol still holds are leaks from here on. */
  close(): void {
    if (this.#state === 'closed') return;
    this.unwatch();
    this.recycle();
    for (const { frame } of this.#arrived.splice(0)) this.free(frame);
    for (const queued of this.#ring.splice(0)) this.#complete(queued);
    this.#state = 'closed';
    // Detaches the buffer, as every driver does.
    structuredClone(this.bytes.buffer, { transfer: [this.bytes.buffer as ArrayBuffer] });
  }

  // ---- the end

  /** Frames held by the protocol now: for bounds on memory. */
  get txUsed(): number {
    return this.#owned(0, this.#txFrames);
  }
  get rxUsed(): number {
    const lent = this.#arrived.length + this.#burst.filter(({ held }) => !held).length;
    return this.#owned(this.#txFrames, this.#slots.length) - lent;
  }

  #owned(from: number, to: number): number {
    let count = 0;
    for (let i = from; i < to; i++) if (this.#slots[i].owned) count++;
    return count;
  }

  /** What its user has done against the contract, and what it has not given back: everything must be when all channels have ended. */
  leaks(): string[] {
    const found = [...this.breaches];
    if (this.txUsed > 0) found.push(`${this.txUsed} transmit frames are missing`);
    if (this.rxUsed > 0) found.push(`${this.rxUsed} receive frames are missing`);
    return [...found, ...this.#peers.left()];
  }
}
