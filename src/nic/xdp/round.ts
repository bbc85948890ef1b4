import { FramePool } from '../framePool.js';
import { NO_FRAME } from '../contract.js';
import type { Layout } from './layout.js';
import type { ProducerRing } from './ring.js';

/** Chunks on the round of a NIC that has just been opened: with those of a message's way they fit the second cache. */
const FIRST = 512;
/** More than any ring holds. A small integer, as the others: the field stays one. */
const NEVER = 0x7fffffff;

/**
 * The chunks that frames are received into. Some are on their round: in the fill ring, in the kernel, in the receive ring, or lent out in the
 * current burst. The others wait here, or are held.
 *
 * Every frame is received into the chunk that is longest back, so a long round means cold memory for the kernel and for us. It begins short
 * and is doubled when half of it was found waiting; a first burst of more frames than it has chunks loses the rest, and the protocol sends
 * them again. It is whole once we have slept, and from the beginning for who has said how many frames he wants.
 */
export class Round {
  /** The chunks that are not on the round. */
  readonly pool: FramePool;
  /** With more frames than this waiting, `widen` should be called. */
  crowded = 0;

  readonly #fill: ProducerRing;
  readonly #most: number;
  #length = 0;

  /** @param whole from the beginning: a device that fills chunks by itself takes as many as it has descriptors */
  constructor(fill: ProducerRing, plan: Layout, whole: boolean) {
    this.#fill = fill;
    this.#most = plan.fill;
    this.pool = new FramePool(plan.rxBase, plan.rxChunks, plan.chunk, 0);
    this.#lengthen(whole ? plan.fill : Math.min(FIRST, plan.fill));
    fill.publish();
  }

  /** Shown to the kernel with the entries that go back next. */
  widen(): void {
    this.#lengthen(Math.min(this.#length, this.#most - this.#length));
  }

  /** The kernel may have to go on alone for long. */
  widenAll(): void {
    this.#lengthen(this.#most - this.#length);
  }

  #lengthen(chunks: number): void {
    for (let i = 0; i < chunks; i++) this.#fill.pushAddress(this.pool.alloc(0));
    this.#length += chunks;
    this.crowded = this.#length === this.#most ? NEVER : this.#length >> 1;
  }

  /** A chunk that leaves the round is replaced: held frames never make the fill ring run dry. False if there is none to spare. */
  replace(): boolean {
    const chunk = this.spare();
    if (chunk !== NO_FRAME) this.#fill.pushAddress(chunk);
    return chunk !== NO_FRAME;
  }

  /** A chunk to keep something in, or NO_FRAME: those that the round may still need are not spent. */
  spare(): number {
    return this.pool.alloc(this.#most - this.#length);
  }
}
