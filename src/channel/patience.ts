import type { RttEstimator } from '../arq/rtt.js';
import { Time } from './link.js';

/** The soonest that the last frame is sent again, µs: a receiver's turn, or the waking of its process, is no loss. */
const SOONEST_PROBE = 300;
/**
 * So many probes, each after twice the wait of the one before (RFC 9002, section 6.2), come before a timeout. More only when the round trip is known
 * again: if it has become longer than a probe waits, it must be let to show that (Karn).
 */
const PROBES = 4;

/** How long to wait for an acknowledgement: until the next probe (RFC 8985, section 7.2), or until the timeout. */
export class Patience {
  readonly #rtt: RttEstimator;
  #probes = 0;

  constructor(rtt: RttEstimator) {
    this.#rtt = rtt;
  }

  get mayProbe(): boolean {
    return this.#probes < PROBES && this.#rtt.known;
  }

  /** Sets the time to resend, from now on. */
  arm(times: Float64Array, now: Float64Array): void {
    const { smoothed, variance, rto } = this.#rtt;
    const probe = Math.max(2 * smoothed + 4 * variance, SOONEST_PROBE) * (1 << this.#probes);
    times[Time.resend] = now[0] + (this.mayProbe ? Math.min(probe, rto) : rto);
  }

  probed(): void {
    this.#probes++;
  }

  measured(): void {
    this.#probes = 0;
  }

  /**
   * A frame that was sent again was acknowledged, so many µs after that: as soon as ever, so it was that sending which arrived (RFC 8985, section
   * 6.2). While many frames are lost measurements are few, and waits that only those took back would grow to their end.
   */
  confirm(time: number): void {
    const rtt = this.#rtt;
    if (!rtt.known || time < rtt.minimum || time > rtt.smoothed + 4 * rtt.variance) return;
    rtt.confirm();
    this.#probes = 0;
  }
}
