import type { RttEstimator } from '../arq/rtt.js';
import { REORDERING } from '../arq/sendWindow.js';
import type { SendWindow } from '../arq/sendWindow.js';
import { distance } from '../arq/sequence.js';
import type { Trails } from './trails.js';

/** Repairs that may go at once. What has lost more frames than these would lose most of their repairs, too, if all went together. */
const MOST = 32;

/** Which holes are losses (RFC 8985), and how many of them may be sent again now (RFC 9937). Times in cells: a double stored in a field may be allocated. */
export class Repairs {
  /** Holes below `end` are losses, but the ring had no room for them, or they were not paid for: they go in a later turn, before anything new. */
  pending = false;
  end = 0;

  readonly #window: SendWindow;
  readonly #rtt: RttEstimator;
  readonly #trails: Trails | undefined;
  /** When the latest of the resent frames that an acknowledgement told of was sent, µs. */
  readonly #repairedAt = new Float64Array([-Infinity]);
  /** When the latest of all frames that are known to have arrived was sent, µs. */
  readonly #deliveredAt = new Float64Array([-Infinity]);
  #paid = MOST;

  /** @param trails where frames go by several paths */
  constructor(window: SendWindow, rtt: RttEstimator, trails: Trails | undefined) {
    this.#window = window;
    this.#trails = trails;
    this.#rtt = rtt;
  }

  /** An acknowledgement begins that may tell of several frames. */
  begin(): void {
    this.#repairedAt[0] = -Infinity;
  }

  /** A frame has arrived. */
  arrived(sequence: number): void {
    const window = this.#window;
    window.noteLatest(sequence, this.#deliveredAt);
    if (window.sends(sequence) > 1) window.noteLatest(sequence, this.#repairedAt);
  }

  /** So long ago was the latest repair sent that has arrived, µs. */
  age(now: number): number {
    return now - this.#repairedAt[0];
  }

  /** The frame was sent before the latest repair that has arrived. */
  precedes(sequence: number): boolean {
    return this.#window.sentAt(sequence) < this.#repairedAt[0];
  }

  /**
   * A hole is a loss if it lies well below the highest frame that arrived, or was sent well before a resent one that did. One that was sent again is lost
   * once more only if anything that was sent after that has arrived. By time alone, all holes would go out over and over to a receiver that has memory
   * for none of them, and crowd out the one that it waits for.
   */
  isLoss(sequence: number, highest: number): boolean {
    const window = this.#window;
    const at = window.sentAt(sequence);
    const slack = this.#rtt.minimum / 4;
    if (this.#trails !== undefined) return this.#trails.wasOvertaken(sequence, slack);
    if (distance(sequence, highest) < REORDERING && at >= this.#repairedAt[0] - slack) return false;
    return window.sends(sequence) <= 1 || at <= this.#deliveredAt[0] - slack;
  }

  /** One may go: frames that have arrived have paid for it. */
  get mayGo(): boolean {
    return this.#paid > 0;
  }

  /** Frames have arrived: so many more may go. */
  pay(count: number): void {
    this.#paid = Math.min(this.#paid + count, MOST);
  }

  went(): void {
    this.#paid--;
  }

  /** Those that are left go in a later turn. */
  postpone(end: number): void {
    this.end = end;
    this.pending = true;
  }
}
