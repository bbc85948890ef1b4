import type { Frame } from './contract.js';
import { NO_FRAME } from './contract.js';

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
  readonly #owned: Uint8Array;
  readonly #pins: Uint16Array;
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
    this.#owned = new Uint8Array(count);
    this.#pins = new Uint16Array(count);
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
    const index = this.#free[--this.#available]!;
    this.#owned[index] = 1;
    return this.#base + (index << this.#shift) + this.#headroom;
  }

  free(frame: Frame): void {
    const index = (frame - this.#base) >> this.#shift;
    if (this.#owned[index] !== 1) throw new Error(`frame ${frame} is freed twice`);
    this.#owned[index] = 0;
    if (this.#pins[index] === 0) this.#free[this.#available++] = index;
  }

  pin(frame: Frame): void {
    const index = (frame - this.#base) >> this.#shift;
    this.#pins[index] = this.#pins[index]! + 1;
  }

  /** `offset`: any byte of the frame, as the kernel names it. */
  unpin(offset: number): void {
    const index = (offset - this.#base) >> this.#shift;
    const pins = this.#pins[index]! - 1;
    this.#pins[index] = pins;
    if (pins === 0 && this.#owned[index] === 0) this.#free[this.#available++] = index;
  }

  pinned(frame: Frame): boolean {
    return this.#pins[(frame - this.#base) >> this.#shift] !== 0;
  }
}
