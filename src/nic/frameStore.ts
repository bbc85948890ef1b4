import type { Frame } from './contract.js';
import { NO_FRAME } from './contract.js';
import { FramePool } from './framePool.js';

/** Up to this many bytes a loop over words beats the call of copyWithin. */
const SHORT_COPY = 256;

interface Sizes {
  readonly frameSize: number;
  readonly txFrames: number;
  readonly rxFrames: number;
}

/**
 * A driver's memory and who owns its frames: a pool for `alloc` and, behind it, one for what is received. Drivers ask it with one line
 * each, which V8 inlines: a round trip takes as long as with pools of their own.
 */
export class FrameStore {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Int32Array;
  readonly tx: FramePool;
  readonly rx: FramePool;
  #closed = false;

  /** @param base where the pools begin in `buffer`, bytes */
  constructor(buffer: ArrayBuffer, base: number, { frameSize, txFrames, rxFrames }: Sizes) {
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer);
    this.tx = new FramePool(base, txFrames, frameSize, 0);
    this.rx = new FramePool(base + txFrames * frameSize, rxFrames, frameSize, 0);
  }

  alloc(reserve: number): Frame {
    return this.#closed ? NO_FRAME : this.tx.alloc(reserve);
  }

  free(frame: Frame): void {
    if (this.#closed) return;
    if (this.tx.contains(frame)) this.tx.free(frame);
    else this.rx.free(frame);
  }

  /** A copy of what lies at `from`, to be owned until `free`, or NO_FRAME. */
  keep(from: number, length: number): Frame {
    const frame = this.#closed ? NO_FRAME : this.rx.alloc(0);
    if (frame !== NO_FRAME) this.copy(from, frame, length);
    return frame;
  }

  /** To a multiple of 4. */
  copy(from: number, to: number, length: number): void {
    // A frame out of a datagram that the kernel joined may lie at any byte.
    if (length > SHORT_COPY || (from & 3) !== 0) {
      this.bytes.copyWithin(to, from, from + length);
      return;
    }
    const words = this.words;
    const end = (from + length + 3) >> 2;
    for (let s = from >> 2, t = to >> 2; s < end; s++, t++) words[t] = words[s];
  }

  /** Nothing is handed out any more. The memory is its driver's to free. */
  close(): void {
    this.#closed = true;
  }
}
