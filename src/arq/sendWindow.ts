import { distance } from './sequence.js';

/** How many later frames must have been acknowledged before a hole counts as a loss, not as reordering. */
export const REORDERING = 3;

/** All paths: they are bits of a word, by their numbers. */
export const ANY_PATH = -1;

/** Words of a slot. The first two are the time it was sent at, a double. */
export const Slot = {
  frame: 2,
  /** What is needed to write its header again. */
  word0: 3,
  word1: 4,
  sends: 5,
  /** Bit 0: whether it has arrived; above it, by which of several paths it went. */
  sacked: 6,
  word6: 7,
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
  /** Frames that may be under way now: `window`, or fewer while the way is congested. */
  allowed: number;
  /** Frames from `una` on that have arrived, though an earlier one has not: they are not under way any more. */
  sacked = 0;

  // Recovery after a timeout: frames in [resend, resendEnd) count as lost.
  #resend: number;
  #resendEnd: number;
  /** By which paths they went. */
  #lostPaths = ANY_PATH;
  /** When they were declared lost, µs. */
  readonly #lostAt = new Float64Array(1);

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
    this.allowed = window;
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

  /** Frames queued, not sent yet. */
  get waiting(): number {
    return (this.end - this.next) | 0;
  }

  /** Queued frames wait for credit only: nothing is under way whose acknowledgement could bring it. */
  get starved(): boolean {
    return this.una === this.next && this.next !== this.end && distance(this.next, this.limit) <= 0;
  }

  push(frame: number, word0: number, word1: number, word6: number): number {
    const sequence = this.end;
    const at = this.slot(sequence);
    const { slots } = this;
    slots[at + Slot.frame] = frame;
    slots[at + Slot.word0] = word0;
    slots[at + Slot.word1] = word1;
    slots[at + Slot.word6] = word6;
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

  /** Puts into `age` how long ago the frame was last sent, µs. */
  measure(sequence: number, now: Float64Array, age: Float64Array): void {
    age[0] = now[0] - this.#times[(sequence & this.mask) << (SLOT_SHIFT - 1)];
  }

  /** Puts into `latest` when the frame was last sent, if that is later, µs. */
  noteLatest(sequence: number, latest: Float64Array): void {
    const at = this.#times[(sequence & this.mask) << (SLOT_SHIFT - 1)];
    if (at > latest[0]) latest[0] = at;
  }

  /** How often the frame was sent. */
  sends(sequence: number): number {
    return this.slots[this.slot(sequence) + Slot.sends];
  }

  isSacked(sequence: number): boolean {
    return (this.slots[this.slot(sequence) + Slot.sacked] & 1) !== 0;
  }

  /** By which of several paths the frame, which has not arrived, was last sent. */
  pathOf(sequence: number): number {
    return this.slots[this.slot(sequence) + Slot.sacked] >> 1;
  }

  went(sequence: number, path: number): void {
    this.slots[this.slot(sequence) + Slot.sacked] = path << 1;
  }

  /**
   * The frame was sent (again). The time is in a cell, here and below: as an argument or a result a double may be an allocation, for each
   * frame, wherever V8 does not join the two functions.
   */
  sent(sequence: number, now: Float64Array): void {
    this.#times[(sequence & this.mask) << (SLOT_SHIFT - 1)] = now[0];
    this.slots[this.slot(sequence) + Slot.sends]++;
  }

  /** Whether `next` may be sent now. */
  get maySend(): boolean {
    return this.next !== this.end && this.allows(this.next);
  }

  /** Whether window, congestion control and credit let a frame go. */
  allows(sequence: number): boolean {
    const ahead = (sequence - this.una) | 0;
    return ahead < this.window && ahead - this.sacked < this.allowed && ((this.limit - sequence) | 0) > 0;
  }

  /** As many frames are under way as congestion control allows. */
  get isLimited(): boolean {
    return this.outstanding - this.sacked >= this.allowed;
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
    if (this.sacked > 0 && this.isSacked(this.una)) this.sacked--;
    this.una = (this.una + 1) | 0;
    if (distance(this.#resend, this.una) > 0) this.#resend = this.una;
    if (distance(this.#resendEnd, this.una) > 0) this.#resendEnd = this.una;
  }

  /** The frame arrived, though an earlier one did not. True when that is news. */
  sack(sequence: number): boolean {
    if (distance(this.una, sequence) < 0 || distance(sequence, this.next) <= 0) return false;
    if (this.isSacked(sequence)) return false;
    this.slots[this.slot(sequence) + Slot.sacked] |= 1;
    this.sacked++;
    return true;
  }

  /**
   * A timeout, or the end of a path: everything under way by it that was not acknowledged selectively counts as lost. What is sent after that does not.
   */
  declareLost(now: number, paths: number): void {
    // Those that were declared lost before, and are not sent again yet, still are.
    this.#lostPaths = this.lost ? this.#lostPaths | paths : paths;
    this.#resend = this.una;
    this.#resendEnd = this.next;
    this.#lostAt[0] = now;
  }

  /** Whether a frame still counts as lost after a timeout: `firstLost` is the first of them. */
  get lost(): boolean {
    while (this.#resend !== this.#resendEnd && this.#isSafe(this.#resend)) this.#resend = (this.#resend + 1) | 0;
    return this.#resend !== this.#resendEnd;
  }

  /** It has arrived, or was sent again since, because later frames showed that it was lost; or it went by another path. */
  #isSafe(sequence: number): boolean {
    if (this.isSacked(sequence) || this.sentAt(sequence) > this.#lostAt[0]) return true;
    return this.#lostPaths !== ANY_PATH && ((this.#lostPaths >> this.pathOf(sequence)) & 1) === 0;
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
