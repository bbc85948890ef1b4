import { distance } from './sequence.js';

export const Arrival = {
  /** The next one in order: deliver it now. */
  inOrder: 0,
  /** Kept until its turn comes. */
  early: 1,
  /** Was here before. */
  duplicate: 2,
  /** Beyond the window: the sender broke the credit, or the frame is very old. */
  outside: 3,
} as const;
export type ArrivalKind = (typeof Arrival)[keyof typeof Arrival];

const EMPTY = -1;

/**
 * The receiver's half of Selective Repeat (E3). Frames are delivered in order; early ones wait in their slot.
 *
 *     delivered ........ received ........ delivered + size
 *       arrived, not       holes and
 *       consumed           early frames
 *
 * `received` is what is acknowledged; `delivered + size` is the limit that the sender is granted.
 */
export class ReceiveWindow {
  readonly size: number;
  readonly #mask: number;
  readonly #frame: Int32Array;
  /** Next to be given to the reader. */
  delivered: number;
  /** Next that has not arrived. */
  received: number;
  /** One beyond the highest that has arrived. */
  highest: number;

  constructor(first: number, size: number) {
    this.size = size;
    this.#mask = size - 1;
    this.#frame = new Int32Array(size).fill(EMPTY);
    this.delivered = this.received = this.highest = first | 0;
  }

  /** Frames the sender may send from `received` on. */
  get credit(): number {
    return this.size - ((this.received - this.delivered) | 0);
  }

  /** Whether there are frames beyond a hole. */
  get hasHoles(): boolean {
    return this.highest !== this.received;
  }

  /** Frames that wait for the reader. */
  get waiting(): number {
    return (this.received - this.delivered) | 0;
  }

  classify(sequence: number): ArrivalKind {
    const ahead = distance(this.delivered, sequence);
    if (ahead === 0 && this.received === this.delivered) return Arrival.inOrder;
    if (ahead < 0) return Arrival.duplicate;
    if (ahead >= this.size) return Arrival.outside;
    return this.#frame[sequence & this.#mask] === EMPTY ? Arrival.early : Arrival.duplicate;
  }

  /** The frame that is `inOrder` is delivered without being stored. */
  pass(): void {
    this.delivered = (this.delivered + 1) | 0;
    if (this.highest === this.received) this.highest = this.delivered;
    this.received = this.delivered;
    this.#advance();
  }

  /** Stores an `early` (or an `inOrder` frame whose reader is not ready). */
  store(sequence: number, frame: number): void {
    this.#frame[sequence & this.#mask] = frame;
    const after = (sequence + 1) | 0;
    if (distance(this.highest, after) > 0) this.highest = after;
    if (sequence === this.received) {
      this.received = after;
      this.#advance();
    }
  }

  #advance(): void {
    while (this.received !== this.highest && this.#frame[this.received & this.#mask] !== EMPTY) {
      this.received = (this.received + 1) | 0;
    }
  }

  /** The frame to deliver next, or -1. */
  peek(): number {
    return this.delivered === this.received ? EMPTY : this.#frame[this.delivered & this.#mask];
  }

  /** Takes what `peek` showed. */
  take(): number {
    const slot = this.delivered & this.#mask;
    const frame = this.#frame[slot];
    this.#frame[slot] = EMPTY;
    this.delivered = (this.delivered + 1) | 0;
    return frame;
  }

  /** Whether an early frame has arrived: a bit of the selective acknowledgement. */
  has(sequence: number): boolean {
    return this.#frame[sequence & this.#mask] !== EMPTY;
  }

  /** Takes out every frame that still waits, to give it back; -1 when none is left. */
  drain(): number {
    for (; this.delivered !== this.highest; this.delivered = (this.delivered + 1) | 0) {
      const slot = this.delivered & this.#mask;
      const frame = this.#frame[slot];
      if (frame !== EMPTY) {
        this.#frame[slot] = EMPTY;
        return frame;
      }
    }
    return EMPTY;
  }
}
