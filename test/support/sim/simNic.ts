import type { FramePort } from '../../../src/channel/port.js';
import { NO_FRAME } from '../../../src/nic/contract.js';
import type { NicInfo } from '../../../src/nic/contract.js';
import type { Chance } from './chance.js';
import type { Network, Station } from './network.js';

/** How a NIC makes life hard for the protocol, within the contract. Probabilities; times in µs. */
export interface Temper {
  /** `send` says that the ring is full. */
  busy: number;
  /** `hold` finds no memory; `hold` copies. */
  holdFails: number;
  holdCopies: number;
  /** How long, at most, the kernel may read a frame after `flush`. */
  inFlight: number;
}
export const GENTLE: Temper = { busy: 0, holdFails: 0, holdCopies: 0, inFlight: 0 };

export interface SimNicOptions {
  mtu?: number;
  txFrames?: number;
  rxFrames?: number;
  /** Entries of the transmit ring. */
  ring?: number;
  burst?: number;
  temper?: Temper;
}

/** In front of the EMP header, as an Ethernet header; odd on purpose. */
const HEADROOM = 13;
const POISON = 0xdb;

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
export class SimNic implements FramePort, Station {
  readonly info: NicInfo;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly rx: { frame: Int32Array; length: Int32Array };
  /** What the protocol did wrong. */
  readonly breaches: string[] = [];
  /** Frames dropped because nothing was left to receive them in; `hold` calls that failed; `send` calls refused. */
  readonly count = { rxDropped: 0, holdFailures: 0, busy: 0 };
  temper: Temper;
  onArrival: () => void = () => {};

  readonly #network: Network;
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
  readonly #peers: { address: string; uses: number }[] = [];

  constructor(
    network: Network,
    readonly address: string,
    chance: Chance,
    options: SimNicOptions = {},
  ) {
    const { mtu = 512, txFrames = 1024, rxFrames = 1024, ring = 256, burst = 64, temper = GENTLE } = options;
    this.#network = network;
    this.#chance = chance;
    this.temper = temper;
    this.#size = mtu + HEADROOM;
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
    const index = (frame - HEADROOM) / this.#size;
    if (!Number.isInteger(index) || index < 0 || index >= this.#slots.length) this.#breach(`${frame} is no frame`);
    return index;
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
    return start + HEADROOM;
  }

  #giveBack(index: number): void {
    this.bytes.fill(POISON, index * this.#size, (index + 1) * this.#size);
    (index < this.#txFrames ? this.#freeTx : this.#freeRx).push(index);
  }

  alloc(reserve: number): number {
    return this.#freeTx.length <= reserve ? NO_FRAME : this.#take(this.#freeTx);
  }

  free(frame: number): void {
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
    const to = this.#peers[peer];
    if (to === undefined || to.uses === 0) this.#breach(`a frame is sent to the unknown peer ${peer}`);
    if (this.#ring.length >= this.#ringSize || this.#chance.happens(this.temper.busy)) {
      this.count.busy++;
      return false;
    }
    const bytes = this.bytes.slice(frame, frame + length);
    this.#ring.push({ frame, length, to: to.address, bytes, flushed: false, doneAt: Infinity });
    this.#slots[index].pins++;
    return true;
  }

  inFlight(frame: number): boolean {
    return this.#slots[this.#indexOf(frame)].pins > 0;
  }

  flush(): boolean {
    const { now } = this.#network;
    for (const queued of this.#ring) {
      if (queued.flushed) continue;
      queued.flushed = true;
      queued.doneAt = now + (this.temper.inFlight > 0 ? this.#chance.between(0, this.temper.inFlight) : 0);
      this.#network.carry(queued.bytes, this.address, queued.to);
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
    if (this.#freeRx.length === 0 || bytes.length > this.info.mtu) {
      this.count.rxDropped++;
      return;
    }
    const frame = this.#take(this.#freeRx);
    this.bytes.set(bytes, frame);
    this.#arrived.push({ frame, length: bytes.length, from });
    this.onArrival();
  }

  get waiting(): number {
    return this.#arrived.length;
  }

  receive(): number {
    if (this.#burst.length > 0) this.#breach('receive before recycle');
    const taken = this.#arrived.splice(0, this.rx.frame.length);
    taken.forEach(({ frame, length }, i) => {
      this.rx.frame[i] = frame;
      this.rx.length[i] = length;
    });
    this.#burst = taken.map(({ frame, from }) => ({ frame, from, held: false }));
    return taken.length;
  }

  hold(index: number): number {
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
    let index = this.#peers.findIndex((peer) => peer.address === address);
    if (index < 0) index = this.#peers.push({ address, uses: 0 }) - 1;
    this.#peers[index].uses++;
    return index;
  }

  forget(peer: number): void {
    const entry = this.#peers[peer];
    if (entry === undefined || entry.uses === 0) this.#breach(`peer ${peer} is forgotten too often`);
    entry.uses--;
  }

  // ---- the end

  /** Frames held by the protocol now: for bounds on memory. */
  get txUsed(): number {
    return this.#txFrames - this.#freeTx.length;
  }
  get rxUsed(): number {
    return this.#slots.length - this.#txFrames - this.#freeRx.length - this.#arrived.length;
  }

  /** Everything must be back when all channels have closed. */
  leaks(): string[] {
    for (const queued of this.#ring) this.#complete(queued);
    this.#ring = [];
    const found = [...this.breaches];
    if (this.txUsed > 0) found.push(`${this.txUsed} transmit frames are missing`);
    if (this.rxUsed > 0) found.push(`${this.rxUsed} receive frames are missing`);
    for (const { address, uses } of this.#peers) if (uses > 0) found.push(`${address} was not forgotten (${uses})`);
    return found;
  }
}
