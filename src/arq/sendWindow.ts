import { distance } from './sequence.js';

/** How many later frames must have been acknowledged before a hole counts as a loss, not as reordering. */
export const REORDERING = 3;

/** Words of a slot. The first two are the time it was sent at, a double. */
export const Slot = {
  frame: 2,
  /** What is needed to write its header again. */
  word0: 3,
  word1: 4,
  sends: 5,
  sacked: 6,
} as const;
const SLOT_SHIFT = 3;
const SLOT_WORDS = 1 << SLOT_SHIFT;

/**
 * The sender's half of Selective Repeat (E3): frames in order of their sequence numbers, in three stretches:
 *
 *     una ......... next ......... end
 *      sent, not     queued, not
 *      acknowledged  sent
 *
 * The window starts at the oldest unacknowledged frame; frames outside it wait. Slots are indexed by `sequence & mask`.
 */
export class SendWindow {
  readonly mask: number;
  /** The slots, `SLOT_WORDS` words each: one cache line of record a frame instead of one in each of six arrays. */
  readonly slots: Int32Array;
  /** The same memory, for the time. */
  readonly #times: Float64Array;

  /** Oldest unacknowledged. */
  una: number;
  /** Next to be sent for the first time. */
  next: number;
  /** Next to be given out. */
  end: number;
  /** The receiver has room for frames before this one. */
  limit: number;

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
    const memory = new ArrayBuffer(capacity * SLOT_WORDS * 4);
    this.slots = new Int32Array(memory);
    this.#times = new Float64Array(memory);
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
    const at = this.slot(sequence);
    const { slots } = this;
    slots[at + Slot.frame] = frame;
    slots[at + Slot.word0] = word0;
    slots[at + Slot.word1] = word1;
    slots[at + Slot.sends] = 0;
    slots[at + Slot.sacked] = 0;
    this.end = (sequence + 1) | 0;
    return sequence;
  }

  /** Where in `slots` the record of a frame begins. */
  slot(sequence: number): number {
    return (sequence & this.mask) << SLOT_SHIFT;
  }

  frameOf(sequence: number): number {
    return this.slots[this.slot(sequence) + Slot.frame];
  }

  /** When the frame was last sent, µs. */
  sentAt(sequence: number): number {
    return this.#times[(sequence & this.mask) << (SLOT_SHIFT - 1)];
  }

  /** How often the frame was sent. */
  sends(sequence: number): number {
    return this.slots[this.slot(sequence) + Slot.sends];
  }

  isSacked(sequence: number): boolean {
    return this.slots[this.slot(sequence) + Slot.sacked] === 1;
  }

  /** The frame was sent (again). */
  sent(sequence: number, now: number): void {
    this.#times[(sequence & this.mask) << (SLOT_SHIFT - 1)] = now;
    this.slots[this.slot(sequence) + Slot.sends]++;
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
    this.una = (this.una + 1) | 0;
    if (distance(this.#resend, this.una) > 0) this.#resend = this.una;
    if (distance(this.#resendEnd, this.una) > 0) this.#resendEnd = this.una;
  }

  /** The frame arrived, though an earlier one did not. True when that is news. */
  sack(sequence: number): boolean {
    if (distance(this.una, sequence) < 0 || distance(sequence, this.next) <= 0) return false;
    if (this.isSacked(sequence)) return false;
    this.slots[this.slot(sequence) + Slot.sacked] = 1;
    return true;
  }

  /** A timeout: everything under way that was not acknowledged selectively counts as lost. */
  declareLost(): void {
    this.#resend = this.una;
    this.#resendEnd = this.next;
  }

  /** Whether a frame still counts as lost after a timeout: `firstLost` is the first of them. */
  get lost(): boolean {
    while (this.#resend !== this.#resendEnd && this.isSacked(this.#resend)) {
      this.#resend = (this.#resend + 1) | 0;
    }
    return this.#resend !== this.#resendEnd;
  }

  /** The frame that `lost` found. */
  get firstLost(): number {
    return this.#resend;
  }

  /** It was resent. */
  takeLost(): void {
    this.#resend = (this.#resend + 1) | 0;
  }
}
