import type { Frame } from './contract.js';
import { NO_FRAME } from './contract.js';

const OWNED = 1;
const PIN = 2;

/**
 * Free list and reference counts of equally sized frames that lie one after the other in a NIC's memory. A frame is held by
 * its owner (from `alloc` until `free`) and by the kernel (from `pin` until `unpin`); it returns to the list when nobody holds it.
 * Everything is in typed arrays: no allocation per frame.
 */
export class FramePool {
  readonly count: number;
  readonly #base: number;
  readonly #shift: number;
  readonly #headroom: number;
  readonly #free: Int32Array;
  /** Who holds each frame: bit 0 the owner, above it how often the kernel has it. One array, so one cache line a frame. */
  readonly #holders: Int32Array;
  #available: number;

  /**
   * @param base byte offset of the first frame in the NIC's memory
   * @param count number of frames
   * @param size bytes of each, a power of two
   * @param headroom bytes from the start of a frame to its EMP header
   */
  constructor(base: number, count: number, size: number, headroom: number) {
    this.#base = base;
    this.count = count;
    this.#shift = 31 - Math.clz32(size);
    this.#headroom = headroom;
    this.#free = new Int32Array(count);
    this.#holders = new Int32Array(count);
    // Last in, first out: the frame used last is the one still in the cache. The first frames go out first.
    for (let i = 0; i < count; i++) this.#free[i] = count - 1 - i;
    this.#available = count;
  }

  get available(): number {
    return this.#available;
  }

  contains(frame: Frame): boolean {
    const index = (frame - this.#base) >> this.#shift;
    return index >= 0 && index < this.count;
  }

  alloc(reserve: number): Frame {
    if (this.#available <= reserve) return NO_FRAME;
    const index = this.#free[--this.#available];
    this.#holders[index] = OWNED;
    return this.#base + (index << this.#shift) + this.#headroom;
  }

  free(frame: Frame): void {
    const index = (frame - this.#base) >> this.#shift;
    const holders = this.#holders[index];
    // Without its name: to be made a text, the optimizer would box every frame's.
    if ((holders & OWNED) === 0) throw new Error('a frame is freed twice');
    this.#holders[index] = holders - OWNED;
    if (holders === OWNED) this.#free[this.#available++] = index;
  }

  pin(frame: Frame): void {
    this.#holders[(frame - this.#base) >> this.#shift] += PIN;
  }

  /** `offset`: any byte of the frame, as the kernel names it. */
  unpin(offset: number): void {
    const index = (offset - this.#base) >> this.#shift;
    const holders = this.#holders[index] - PIN;
    this.#holders[index] = holders;
    if (holders === 0) this.#free[this.#available++] = index;
  }

  pinned(frame: Frame): boolean {
    return this.#holders[(frame - this.#base) >> this.#shift] >= PIN;
  }
}
