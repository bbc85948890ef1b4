import { distance } from './sequence.js';

/** How many later frames must have been acknowledged before a hole counts as a loss, not as reordering. */
export const REORDERING = 3;

/**
 * The sender's half of Selective Repeat (E3): frames in order of their sequence numbers, in three stretches:
 *
 *     una ......... next ......... end
 *      sent, not     queued, not
 *      acknowledged  sent
 *
 * The window starts at the oldest unacknowledged frame; frames outside it wait. All slots are typed arrays indexed by
 * `sequence & mask`.
 */
export class SendWindow {
  readonly mask: number;
  /** What the caller knows each frame by, and what it needs to send it (again). */
  readonly frame: Int32Array;
  readonly word0: Int32Array;
  readonly word1: Int32Array;
  /** When it was last sent, µs. */
  readonly sentAt: Float64Array;
  /** How often it was sent, up to 255. */
  readonly sends: Uint8Array;
  readonly sacked: Uint8Array;

  /** Oldest unacknowledged. */
  una: number;
  /** Next to be sent for the first time. */
  next: number;
  /** Next to be given out. */
  end: number;
  /** The receiver has room for frames before this one. */
  limit: number;
  /** Frames of the unacknowledged stretch that were acknowledged selectively. */
  sackedCount = 0;

  // Recovery after a timeout: frames in [resend, resendEnd) count as lost.
  #resend: number;
  #resendEnd: number;

  /**
   * @param first sequence number of the first frame
   * @param window frames that may be under way, a power of two
   * @param capacity frames that may be under way or queued, a power of two >= window
   */
  constructor(
    first: number,
    readonly window: number,
    capacity: number,
    credit: number,
  ) {
    this.mask = capacity - 1;
    this.frame = new Int32Array(capacity);
    this.word0 = new Int32Array(capacity);
    this.word1 = new Int32Array(capacity);
    this.sentAt = new Float64Array(capacity);
    this.sends = new Uint8Array(capacity);
    this.sacked = new Uint8Array(capacity);
    this.una = this.next = this.end = this.#resend = this.#resendEnd = first | 0;
    this.limit = (first + credit) | 0;
  }

  /** Room for another frame to be queued. */
  get hasRoom(): boolean {
    return ((this.end - this.una) | 0) <= this.mask;
  }

  get room(): number {
    return this.mask + 1 - ((this.end - this.una) | 0);
  }

  get idle(): boolean {
    return this.una === this.end;
  }

  /** Frames under way. */
  get outstanding(): number {
    return (this.next - this.una) | 0;
  }

  /** Queued frames wait for credit only: nothing is under way whose acknowledgement could bring it. */
  get starved(): boolean {
    return this.una === this.next && this.next !== this.end && distance(this.next, this.limit) <= 0;
  }

  push(frame: number, word0: number, word1: number): number {
    const sequence = this.end;
    const slot = sequence & this.mask;
    this.frame[slot] = frame;
    this.word0[slot] = word0;
    this.word1[slot] = word1;
    this.sends[slot] = 0;
    this.sacked[slot] = 0;
    this.end = (sequence + 1) | 0;
    return sequence;
  }

  /** Whether `next` may be sent now. */
  get maySend(): boolean {
    return this.next !== this.end && ((this.next - this.una) | 0) < this.window && ((this.limit - this.next) | 0) > 0;
  }

  /** An acknowledgement is good if it names something sent and not older than `una`. */
  accepts(acknowledgement: number): boolean {
    return distance(this.una, acknowledgement) >= 0 && distance(acknowledgement, this.next) >= 0;
  }

  /** Moves the limit; it never moves back. True when it moved. */
  grant(acknowledgement: number, credit: number): boolean {
    const limit = (acknowledgement + credit) | 0;
    if (distance(this.limit, limit) <= 0) return false;
    this.limit = limit;
    return true;
  }

  /** Ends the oldest frame, whose slot the caller has dealt with. */
  release(): void {
    const slot = this.una & this.mask;
    if (this.sacked[slot] === 1) this.sackedCount--;
    this.una = (this.una + 1) | 0;
    if (distance(this.#resend, this.una) > 0) this.#resend = this.una;
    if (distance(this.#resendEnd, this.una) > 0) this.#resendEnd = this.una;
  }

  /** The frame arrived, though an earlier one did not. True when that is news. */
  sack(sequence: number): boolean {
    if (distance(this.una, sequence) < 0 || distance(sequence, this.next) <= 0) return false;
    const slot = sequence & this.mask;
    if (this.sacked[slot] === 1) return false;
    this.sacked[slot] = 1;
    this.sackedCount++;
    return true;
  }

  /** A timeout: everything under way that was not acknowledged selectively counts as lost. */
  declareLost(): void {
    this.#resend = this.una;
    this.#resendEnd = this.next;
  }

  /** The next frame that counts as lost after a timeout, or undefined slot -1. Does not move on. */
  get lost(): boolean {
    while (this.#resend !== this.#resendEnd && this.sacked[this.#resend & this.mask] === 1) {
      this.#resend = (this.#resend + 1) | 0;
    }
    return this.#resend !== this.#resendEnd;
  }

  /** Takes the frame that `lost` found. */
  takeLost(): number {
    const sequence = this.#resend;
    this.#resend = (sequence + 1) | 0;
    return sequence;
  }
}
