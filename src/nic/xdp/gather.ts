import type { RxBurst } from '../contract.js';
import { NO_FRAME } from '../contract.js';
import { ETHERNET_HEADER } from '../ethernet.js';
import { FramePool } from '../framePool.js';
import type { Filter } from './filter.js';
import type { Layout } from './layout.js';
import { TX_HEADROOM } from './layout.js';
import type { ConsumerRing, ProducerRing } from './ring.js';
import { CONTINUED } from './ring.js';

/** Receives jumbo packets: each takes several descriptors, and is gathered, by copy, into one contiguous frame. */
export class Gatherer {
  readonly pool: FramePool;
  /** Packets that were not for us, or too long. */
  invalid = 0;
  /** Packets lost for want of a frame to gather them in. */
  lost = 0;
  readonly #bytes: Uint8Array;
  readonly #ring: ConsumerRing;
  readonly #fill: ProducerRing;
  readonly #filter: Filter;
  readonly #mtu: number;
  readonly #burst: number;

  /** @param burst the most packets of one `receive` */
  constructor(bytes: Uint8Array, ring: ConsumerRing, fill: ProducerRing, filter: Filter, plan: Layout, burst: number) {
    this.pool = new FramePool(plan.gatherBase, plan.gatherFrames, plan.frameSize, TX_HEADROOM);
    this.#bytes = bytes;
    this.#ring = ring;
    this.#fill = fill;
    this.#filter = filter;
    this.#mtu = plan.mtu;
    this.#burst = burst;
  }

  /** Takes packets out of the ring into `rx`, until that is full; returns how many. */
  receive(rx: RxBurst): number {
    const ring = this.#ring;
    // All descriptors of one packet are shown by the kernel at once.
    const available = ring.refresh();
    const burst = rx.frame.length;
    let taken = 0;
    let count = 0;
    while (taken < available && count < burst) {
      const segments = this.#segments(taken, available);
      if (segments === 0) break;
      const start = ring.addressAt(ring.descriptor(taken));
      const size = this.#packetSize(taken, segments) - ETHERNET_HEADER;
      const valid = size >= 0 && size <= this.#mtu && this.#filter.takes(start);
      if (!valid) this.invalid++;
      let frame = start + ETHERNET_HEADER;
      if (!valid || segments > 1) {
        frame = valid ? this.#gather(taken, segments) : NO_FRAME;
        if (valid && frame === NO_FRAME) this.lost++;
        this.#giveBack(taken, segments);
      }
      if (frame !== NO_FRAME) {
        rx.frame[count] = frame;
        rx.length[count++] = size;
      }
      taken += segments;
    }
    ring.take(taken);
    return count;
  }

  /** A frame to keep a copy in: those that are left are for the next burst. */
  alloc(): number {
    return this.pool.available < this.#burst ? NO_FRAME : this.pool.alloc(0);
  }

  /** Descriptors of the packet that starts at entry `first`; 0 if its end is not there yet. */
  #segments(first: number, available: number): number {
    for (let i = first; i < available; i++) {
      if ((this.#ring.optionsAt(this.#ring.descriptor(i)) & CONTINUED) === 0) return i - first + 1;
    }
    return 0;
  }

  #packetSize(first: number, segments: number): number {
    let size = 0;
    for (let i = first; i < first + segments; i++) size += this.#ring.lengthAt(this.#ring.descriptor(i));
    return size;
  }

  /** Copies a packet, its Ethernet header included. */
  #gather(first: number, segments: number): number {
    const frame = this.pool.alloc(0);
    if (frame === NO_FRAME) return NO_FRAME;
    let to = frame - ETHERNET_HEADER;
    for (let i = first; i < first + segments; i++) {
      const descriptor = this.#ring.descriptor(i);
      const from = this.#ring.addressAt(descriptor);
      const size = this.#ring.lengthAt(descriptor);
      this.#bytes.copyWithin(to, from, from + size);
      to += size;
    }
    return frame;
  }

  #giveBack(first: number, segments: number): void {
    for (let i = first; i < first + segments; i++) {
      this.#fill.pushAddress(this.#ring.addressAt(this.#ring.descriptor(i)));
    }
  }
}
