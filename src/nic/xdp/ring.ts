/**
 * The rings between a process and the kernel, as AF_XDP lays them out: one side produces, the other consumes, each moves
 * one word that the other only reads. Both words count up for ever and wrap at 2^32; their difference, in 32-bit
 * arithmetic, is what is in the ring.
 *
 * Both classes keep their own position in a field and a copy of the other side's: the shared words, whose cache lines
 * travel between cores, are touched once per burst and not once per entry. Acquiring loads and releasing stores of them order the
 * entries, which themselves are plain. What asks for more, a store that is done before the flag behind it is read, is `Atomics`.
 */
import { loadAcquire, storeRelease } from '../ordering.js';

/** Where the parts of a ring lie in `buffer`: byte offsets. */
export interface MappedRing {
  readonly buffer: ArrayBuffer;
  readonly producer: number;
  readonly consumer: number;
  readonly flags: number;
  readonly entries: number;
}

const NEED_WAKEUP = 1;
/** The packet goes on in the next descriptor. */
export const CONTINUED = 1;

/** Words of a descriptor: address (two), length, options. */
const ADDRESS_SHIFT = 1;
const DESCRIPTOR_SHIFT = 2;
const LENGTH = 2;
const OPTIONS = 3;

/** The fill ring and the transmit ring. */
export class ProducerRing {
  readonly size: number;
  readonly #words: Int32Array;
  readonly #producer: number;
  readonly #consumer: number;
  readonly #flags: number;
  readonly #entries: number;
  readonly #mask: number;
  #next: number;
  #published: number;
  #seen: number;

  constructor(ring: MappedRing, size: number) {
    this.size = size;
    this.#words = new Int32Array(ring.buffer);
    this.#producer = ring.producer >> 2;
    this.#consumer = ring.consumer >> 2;
    this.#flags = ring.flags >> 2;
    this.#entries = ring.entries >> 2;
    this.#mask = size - 1;
    this.#next = Atomics.load(this.#words, this.#producer);
    this.#published = this.#next;
    this.#seen = Atomics.load(this.#words, this.#consumer);
  }

  /** Entries that were pushed and not published. */
  get unpublished(): number {
    return (this.#next - this.#published) | 0;
  }

  /** Entries that the kernel has not taken: looks at its word. */
  pending(): number {
    this.#seen = loadAcquire(this.#words, this.#consumer);
    return (this.#published - this.#seen) | 0;
  }

  hasRoom(count: number): boolean {
    // The other side's word is read only when the copy says the ring is full.
    if (this.size - ((this.#next - this.#seen) | 0) >= count) return true;
    this.#seen = loadAcquire(this.#words, this.#consumer);
    return this.size - ((this.#next - this.#seen) | 0) >= count;
  }

  /** Needs room. The upper half of the address is zero, and nobody ever writes it: our memory is below 2 GiB. */
  pushAddress(address: number): void {
    this.#words[this.#entries + ((this.#next & this.#mask) << ADDRESS_SHIFT)] = address;
    this.#next = (this.#next + 1) | 0;
  }

  pushDescriptor(address: number, length: number, options: number): void {
    const at = this.#entries + ((this.#next & this.#mask) << DESCRIPTOR_SHIFT);
    this.#words[at] = address;
    this.#words[at + LENGTH] = length;
    this.#words[at + OPTIONS] = options;
    this.#next = (this.#next + 1) | 0;
  }

  /** Shows the kernel everything that was pushed. */
  publish(): void {
    this.#published = this.#next;
    Atomics.store(this.#words, this.#producer, this.#next);
  }

  /**
   * The same, for a kernel that looks only when this thread calls it: the call itself puts the stores in order, so a plain one will do.
   * (`Atomics` is not inlined by the V8 of Node 20, and its store waits for all stores before it.)
   */
  publishBeforeCall(): void {
    this.#published = this.#next;
    this.#words[this.#producer] = this.#next;
  }

  /** Whether the kernel asks to be kicked. */
  get needsWakeup(): boolean {
    return (Atomics.load(this.#words, this.#flags) & NEED_WAKEUP) !== 0;
  }
}

/** The receive ring and the completion ring. */
export class ConsumerRing {
  readonly #words: Int32Array;
  readonly #producer: number;
  readonly #consumer: number;
  readonly #entries: number;
  readonly #mask: number;
  #next: number;
  #released: number;
  #seen: number;

  constructor(ring: MappedRing, size: number) {
    this.#words = new Int32Array(ring.buffer);
    this.#producer = ring.producer >> 2;
    this.#consumer = ring.consumer >> 2;
    this.#entries = ring.entries >> 2;
    this.#mask = size - 1;
    this.#next = Atomics.load(this.#words, this.#consumer);
    this.#released = this.#next;
    this.#seen = this.#next;
  }

  /** Entries to be read. The kernel's word is read only when the copy says there are none. */
  available(): number {
    if (this.#seen === this.#next) this.#seen = loadAcquire(this.#words, this.#producer);
    return (this.#seen - this.#next) | 0;
  }

  /** Like `available`, with a fresh look. */
  refresh(): number {
    this.#seen = loadAcquire(this.#words, this.#producer);
    return (this.#seen - this.#next) | 0;
  }

  /** The address in entry `index` of those available, in a ring of addresses. */
  address(index: number): number {
    return this.#words[this.#entries + (((this.#next + index) & this.#mask) << ADDRESS_SHIFT)];
  }

  /** The position of entry `index`, in a ring of descriptors, for the three that follow. */
  descriptor(index: number): number {
    return this.#entries + (((this.#next + index) & this.#mask) << DESCRIPTOR_SHIFT);
  }
  addressAt(descriptor: number): number {
    return this.#words[descriptor];
  }
  lengthAt(descriptor: number): number {
    return this.#words[descriptor + LENGTH];
  }
  optionsAt(descriptor: number): number {
    return this.#words[descriptor + OPTIONS];
  }

  /** Entries that were taken and not released. */
  get taken(): number {
    return (this.#next - this.#released) | 0;
  }

  /** Moves beyond the first `count` entries. */
  take(count: number): void {
    this.#next = (this.#next + count) | 0;
  }

  /** Gives the kernel back every entry that was taken. */
  release(): void {
    this.#released = this.#next;
    storeRelease(this.#words, this.#consumer, this.#next);
  }
}
