/** A rate is taken over so long at least, µs. */
const EPOCH = 1000;
/** How fast an estimate follows a rate that has changed. */
const GAIN = 1 / 8;
/** The shortest trip is looked for anew in each such period, µs: the way may have become longer. */
const PERIOD = 2_000_000;

// Where the doubles are.
const RATE = 0;
const BASE = 1;
const NEXT_BASE = 2;
const PERIOD_ENDS = 3;
const EPOCH_AT = 4;
const FASTEST = 5;
const ARRIVED_AT = 6;

/** How many frames are on a path, and how fast it delivers them: what striping goes by. Without allocation: it is told of each frame. */
export class Load {
  /** Sent, and not known to have arrived. */
  inFlight = 0;
  readonly #state = new Float64Array([0, Infinity, Infinity, 0, 0, 0, -Infinity]);
  #arrived = 0;
  /** The path has always had frames on it in this epoch: its rate is the path's, not the sender's. */
  #isBusy = false;

  /** A frame has arrived, `trip` µs after it was sent; cells, as all times. */
  arrived(now: Float64Array, trip: Float64Array): void {
    this.lost();
    this.#arrived++;
    this.#state[ARRIVED_AT] = now[0];
    if (this.inFlight === 0) this.#isBusy = false;
    this.#noteBase(now, trip);
    if (now[0] - this.#state[EPOCH_AT] >= EPOCH) this.#endEpoch(now);
  }

  #noteBase(now: Float64Array, trip: Float64Array): void {
    const state = this.#state;
    if (trip[0] < state[BASE]) state[BASE] = trip[0];
    if (trip[0] < state[NEXT_BASE]) state[NEXT_BASE] = trip[0];
    if (now[0] < state[PERIOD_ENDS]) return;
    state[PERIOD_ENDS] = now[0] + PERIOD;
    state[BASE] = state[NEXT_BASE];
    state[NEXT_BASE] = Infinity;
  }

  #endEpoch(now: Float64Array): void {
    const state = this.#state;
    const rate = this.#arrived / (now[0] - state[EPOCH_AT]);
    if (rate > state[RATE] && (this.#isBusy || state[RATE] > 0)) state[RATE] = rate;
    else if (this.#isBusy) state[RATE] += (rate - state[RATE]) * GAIN;
    // One that has had nothing to do at times may be faster than is known: as fast as the fastest, and then it will be seen.
    else state[RATE] = Math.max(state[RATE], Math.min(state[RATE] * (1 + GAIN), state[FASTEST]));
    state[EPOCH_AT] = now[0];
    this.#arrived = 0;
    this.#isBusy = this.inFlight > 0;
  }

  /** A probe has come back after so many µs. On a path without frames that is how long the way is, whatever it was before. */
  probed(trip: number): void {
    const state = this.#state;
    state[BASE] = this.inFlight === 0 ? trip : Math.min(state[BASE], trip);
  }

  /** It was lost, or is not waited for any more. */
  lost(): void {
    // Frames of a path that had the same number before may still be counted off.
    if (this.inFlight > 0) this.inFlight--;
  }

  /** When the last frame was known to have arrived, µs. */
  get arrivedAt(): number {
    return this.#state[ARRIVED_AT];
  }

  /** When another frame would be there, µs, into a cell; `fastest` stands for a rate that is not known yet, frames a µs. */
  score(fastest: number, cell: Float64Array): void {
    const state = this.#state;
    state[FASTEST] = fastest;
    const rate = state[RATE] === 0 ? fastest : state[RATE];
    const base = state[BASE] === Infinity ? 0 : state[BASE];
    // The shortest trip was that of a frame alone.
    cell[0] = base + this.inFlight / (rate === 0 ? 1 : rate);
  }

  get rate(): number {
    return this.#state[RATE];
  }
}
