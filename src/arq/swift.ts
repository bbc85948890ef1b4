import type { Congestion, Times } from './congestion.js';

/** Frames at the start; doubled each round trip until the first sign of a queue. */
const INITIAL = 32;
/** Additive increase, frames a round trip. */
const INCREASE = 1;
/** How strongly a delay above the target shrinks the window, and the most it may lose in one round trip. */
const DECREASE = 0.8;
const LARGEST_DECREASE = 0.5;
/**
 * Frames lost while the delay is small are the wire's and not a queue's, up to a share of those that arrive (and some at once): a
 * window that shrank at each would be small on any wire that loses one in a hundred. More are a ring that overflows.
 */
const TOLERATED = 1 / 32;
const TOLERATED_AT_ONCE = 8;
const GENTLE_DECREASE = 0.125;
/** Losses without delay leave so many frames: enough that later ones show what is missing, and no timeout has to. */
const ENOUGH = 32;
/** Timeouts in a row after which a single frame feels its way. */
const TIMEOUTS_TO_RESET = 3;
/** Small windows have a larger target, or many channels would never come to equal shares: this much more, at a window of 1. */
const SCALING = 0.5;
const SCALING_ENDS_AT = 64;
/** The smallest round trip is looked for anew in each such period, µs: the way may have become longer. */
const BASE_PERIOD = 2_000_000;
/**
 * A channel that comes to a queue takes it for the length of the way. So all channels that fill their windows let the queue run dry
 * together, by the clock, and see how long the way is: once in so many µs, for so many. It costs a hundredth of the rate.
 */
const DRAIN_EVERY = 100_000;
const DRAIN_FOR = 1000;
const DRAINED = 2;

// Where the doubles are.
const WINDOW = 0;
const LAST_DECREASE = 1;
const BASE = 2;
const NEXT_BASE = 3;
const PERIOD_ENDS = 4;
const DRAIN_AT = 5;
/** Frames that may be lost without an answer. */
const TOLERANCE = 6;

/**
 * Delay-based, after Swift (Kumar et al., SIGCOMM 2020, section 3): below a target delay the window grows by a frame a round trip,
 * above it shrinks in proportion to the excess, at most once a round trip. Chosen over TIMELY because a target is something that can be
 * stated and tested, and a gradient is noise where the round trip is a few microseconds. What differs: the target counts from the
 * smallest round trip seen (there are no timestamps of NICs to take apart), which is looked for now and then; a loss without delay
 * hardly counts; the window stays at 1 or more.
 */
export class Swift implements Congestion {
  window: number;
  readonly #largest: number;
  readonly #target: number;
  readonly #times: Times;
  readonly #state: Float64Array;
  #starting = true;
  /** The queue is being let run dry: nothing else makes the window larger meanwhile. */
  #draining = false;

  /**
   * @param largest the window that is never exceeded, frames
   * @param target delay above the smallest round trip that is aimed at, µs
   */
  constructor(largest: number, target: number, times: Times) {
    this.#largest = largest;
    this.#target = target;
    this.#times = times;
    this.window = Math.min(INITIAL, largest);
    const now = times.now[0];
    const [baseEnds, drain] = [now + BASE_PERIOD, nextDrain(now)];
    this.#state = new Float64Array([this.window, -Infinity, Infinity, Infinity, baseEnds, drain, TOLERATED_AT_ONCE]);
  }

  acknowledged(frames: number, limited: boolean): void {
    const state = this.#state;
    const rtt = this.#times.rtt[0];
    this.#noteBase();
    state[TOLERANCE] = Math.min(state[TOLERANCE] + TOLERATED * frames, TOLERATED_AT_ONCE);
    if (this.#times.now[0] >= state[DRAIN_AT] && this.#drains(limited)) return;
    // The usual case of who asks and waits for the answer: a delay is not of its making.
    if (!limited) return;
    if (rtt < this.#targetNow()) {
      state[WINDOW] += this.#starting ? frames : (INCREASE * frames) / state[WINDOW];
      this.#apply();
    } else {
      this.#decrease(Math.min((DECREASE * (rtt - this.#targetNow())) / rtt, LARGEST_DECREASE));
    }
  }

  /** Whether the queue is being let run dry. */
  #drains(limited: boolean): boolean {
    const now = this.#times.now[0];
    if (now < this.#state[DRAIN_AT] + DRAIN_FOR) {
      this.#draining ||= limited;
      this.#apply();
      return true;
    }
    this.#state[DRAIN_AT] = nextDrain(now);
    this.#draining = false;
    this.#apply();
    return false;
  }

  #noteBase(): void {
    const state = this.#state;
    const rtt = this.#times.rtt[0];
    if (rtt < state[BASE]) state[BASE] = rtt;
    if (rtt < state[NEXT_BASE]) state[NEXT_BASE] = rtt;
    if (this.#times.now[0] < state[PERIOD_ENDS]) return;
    state[PERIOD_ENDS] = this.#times.now[0] + BASE_PERIOD;
    state[BASE] = state[NEXT_BASE];
    state[NEXT_BASE] = Infinity;
  }

  lost(frames: number): void {
    if (this.#times.rtt[0] >= this.#targetNow()) return this.#decrease(LARGEST_DECREASE);
    const state = this.#state;
    if (state[TOLERANCE] >= frames) state[TOLERANCE] -= frames;
    else if (state[WINDOW] > ENOUGH) this.#decrease(GENTLE_DECREASE);
  }

  timedOut(inARow: number): void {
    if (inARow >= TIMEOUTS_TO_RESET) {
      this.#state[WINDOW] = 1;
      this.#starting = true;
      this.#draining = false;
      this.#apply();
    } else this.#decrease(LARGEST_DECREASE);
  }

  #targetNow(): number {
    const window = this.#state[WINDOW];
    const scaling = window >= SCALING_ENDS_AT ? 0 : SCALING * (1 / Math.sqrt(window) - 1 / Math.sqrt(SCALING_ENDS_AT));
    return this.#state[BASE] + this.#target * (1 + scaling);
  }

  /** At most once a round trip: what is under way was sent under the window of before. */
  #decrease(share: number): void {
    const state = this.#state;
    const now = this.#times.now[0];
    this.#starting = false;
    if (now - state[LAST_DECREASE] < this.#times.rtt[0]) return;
    state[LAST_DECREASE] = now;
    state[WINDOW] *= 1 - share;
    this.#apply();
  }

  #apply(): void {
    const state = this.#state;
    state[WINDOW] = Math.min(Math.max(state[WINDOW], 1), this.#largest);
    this.window = this.#draining ? Math.min(state[WINDOW] | 0, DRAINED) : state[WINDOW] | 0;
  }
}

function nextDrain(now: number): number {
  return (Math.floor(now / DRAIN_EVERY) + 1) * DRAIN_EVERY;
}
