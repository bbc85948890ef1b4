export interface RtoBounds {
  /** First RTO, before any measurement, µs. */
  initial: number;
  /** Smallest and largest RTO, µs. */
  min: number;
  max: number;
}

/**
 * Round trip time and retransmission timeout as RFC 6298 has them (times in µs), with Karn's rule left to the caller:
 * only frames that were sent once are measured.
 */
export class RttEstimator {
  readonly #bounds: RtoBounds;
  // A typed array, so that storing a double never allocates: [smoothed, variance, rto, minimum, rto in force].
  readonly #state = new Float64Array(5);
  /** A measurement, for `sampleLatest`: a double passed as an argument may be an allocation, one in a cell never is. */
  readonly latest = new Float64Array(1);
  #backoff = 0;
  #measured = false;
  #known = false;

  constructor(bounds: RtoBounds) {
    this.#bounds = bounds;
    this.#state[2] = bounds.initial;
    this.#state[3] = Infinity;
    this.#inForce();
  }

  /** There is a round trip to go by, be it that of the handshake. */
  get known(): boolean {
    return this.#known;
  }

  get smoothed(): number {
    return this.#known ? this.#state[0] : this.#bounds.initial;
  }

  get variance(): number {
    return this.#state[1];
  }

  get minimum(): number {
    return this.#state[3];
  }

  /** The timeout in force: doubled for each expiry in a row, µs. */
  get rto(): number {
    return this.#state[4];
  }

  #inForce(): void {
    this.#state[4] = Math.min(this.#state[2] * (1 << this.#backoff), this.#bounds.max);
  }

  sample(rtt: number): void {
    this.latest[0] = rtt;
    this.sampleLatest();
  }

  /** How long the handshake took, on a way without queues: to go by until the first measurement, which also takes the place of the first timeout. */
  hint(rtt: number): void {
    if (this.#known) return;
    const s = this.#state;
    s[0] = s[3] = rtt;
    s[1] = rtt / 2;
    this.#known = true;
  }

  /** Takes what is in `latest`. */
  sampleLatest(): void {
    const rtt = this.latest[0];
    const s = this.#state;
    if (this.#measured) {
      s[1] += (Math.abs(s[0] - rtt) - s[1]) / 4;
      s[0] += (rtt - s[0]) / 8;
    } else {
      s[0] = rtt;
      s[1] = rtt / 2;
      this.#measured = this.#known = true;
    }
    if (rtt < s[3]) s[3] = rtt;
    // RFC 6298's G is `min` here: without it an even round trip would leave no room for the first uneven one.
    s[2] = s[0] + Math.max(this.#bounds.min, 4 * s[1]);
    this.#backoff = 0;
    this.#inForce();
  }

  /** The round trip is what it was: the timeout is what it was before it was doubled. */
  confirm(): void {
    this.#backoff = 0;
    this.#inForce();
  }

  /**
   * The timer expired: doubles the timeout. Only a measurement, or word that the last one still holds, takes that back (Karn): if the round trip has become longer than the
   * timeout, every frame is sent twice and none can be measured until the timeout has grown beyond it.
   */
  backOff(): void {
    if (this.#backoff < 20) this.#backoff++;
    this.#inForce();
  }
}
