import { RttEstimator } from '../arq/rtt.js';
import type { LinkAddress, PeerIndex } from '../nic/contract.js';
import type { Member } from './member.js';
import { Load } from './load.js';
import type { PathSettings } from './options.js';

/** From worst to best. */
export const PathState = {
  /** It does not answer, or has no link. */
  down: 0,
  /** Nobody has answered yet. */
  unknown: 1,
  /** It answers again, but not for long: it is taken if there is no better one. */
  resting: 2,
  up: 3,
} as const;
export type PathStateValue = (typeof PathState)[keyof typeof PathState];
export const pathStates = ['down', 'unknown', 'resting', 'up'] as const;

/** Probes that an answer may still come to: it may take longer than they are apart. */
const REMEMBERED = 64;
/** So many in a row have to go unanswered. */
export const ATTEMPTS = 3;
/** µs */
const SOONEST_RETRY = 1000;
const FIRST_SEARCH = 10_000;
/** A failure within so long of the one before makes the next probation twice as long, up to so long. µs */
const FLAPPING = 60_000_000;
const LONGEST_PROBATION = 30_000_000;
/** An address that never answered is asked so many times less often than a path that rests. */
const RARELY = 5;

/** How long to wait while nobody knows how long frames take: as the first timeout of a channel, µs. And how many answers tell. */
const UNTRIED = 50_000;
const FAMILIAR = 3;

const NEVER = -Infinity;

/** From a NIC here to an address there. Knows when it was asked and what it answered; times are arguments, µs. */
export class Path {
  state: PathStateValue = PathState.unknown;
  /** Tells it from the other paths to the same peer: small, below `MOST_PATHS`. */
  number = 0;
  readonly rtt: RttEstimator;
  readonly load: Load;
  /** When to ask next. */
  probeAt = NEVER;
  /** Frames have gone by it since it was asked last. */
  used = false;
  /** Probes in a row without an answer, and when the first of them was sent. */
  unanswered = 0;
  unansweredSince = Infinity;
  /** When another path to the peer has answered in this silence; Infinity: none has. And how often this one was asked since. */
  witnessedAt = Infinity;
  askedSince = 0;
  /** The last answer: when it came, and when that was asked. */
  echoAt = NEVER;
  echoedProbeAt = NEVER;
  probedAt = NEVER;

  readonly #settings: PathSettings;
  readonly #nonces = new Int32Array(2 * REMEMBERED);
  readonly #times = new Float64Array(REMEMBERED).fill(NEVER);
  #next = 0;
  #echoes = 0;
  #failedAt = NEVER;
  #probation: number;
  /** Answers without a break since. */
  #soundSince = NEVER;

  constructor(
    readonly member: Member,
    readonly address: LinkAddress,
    /** Of the NIC. */
    readonly nicPeer: PeerIndex,
    settings: PathSettings,
    /** When it was made, µs. */
    readonly since: number,
  ) {
    this.#settings = settings;
    this.#probation = settings.probation;
    this.load = new Load();
    this.rtt = new RttEstimator({ initial: SOONEST_RETRY, min: SOONEST_RETRY, max: settings.idleProbe });
  }

  get isUsable(): boolean {
    return this.state >= PathState.resting;
  }

  /** It is asked now, with these 64 bits. Returns the first half of those that are forgotten for them. */
  probed(now: number, nonce: readonly [number, number]): number | undefined {
    const slot = this.#next++ % REMEMBERED;
    const forgotten = this.#times[slot] === NEVER ? undefined : this.#nonces[2 * slot];
    this.#nonces.set(nonce, 2 * slot);
    this.#times[slot] = now;
    this.probedAt = now;
    this.used = false;
    if (this.unanswered++ === 0) this.unansweredSince = now;
    if (this.witnessedAt !== Infinity) this.askedSince++;
    this.probeAt = now + this.#retry();
    return forgotten;
  }

  /** First halves of the nonces that may still be answered. */
  get nonceKeys(): number[] {
    return [...this.#times.keys()].filter((slot) => this.#times[slot] !== NEVER).map((slot) => this.#nonces[2 * slot]);
  }

  /** How long to wait for an answer before asking again. */
  #retry(): number {
    const { idleProbe } = this.#settings;
    const again = 2 ** Math.min(this.unanswered - 1, 20);
    if (this.state === PathState.unknown || this.state === PathState.down)
      return Math.min(FIRST_SEARCH * again, this.echoAt === NEVER ? RARELY * idleProbe : idleProbe);
    // Once another one has answered it is only asked so often that its silence is sure.
    const often = this.witnessedAt === Infinity ? again : 2 ** Math.min(this.askedSince, 6);
    return Math.min(Math.max(2 * this.rtt.smoothed + 4 * this.rtt.variance, SOONEST_RETRY) * often, idleProbe);
  }

  /** When the probe with these bits was sent; -Infinity: never, or too long ago. */
  askedAt(nonce: readonly [number, number]): number {
    for (let i = 0; i < REMEMBERED; i++) {
      if (this.#nonces[2 * i] === nonce[0] && this.#nonces[2 * i + 1] === nonce[1]) return this.#times[i];
    }
    return NEVER;
  }

  /** It has answered what it was asked at `asked`. True: it can be used, and could not before. */
  echoed(now: number, asked: number): boolean {
    this.rtt.sample(now - asked);
    this.load.probed(now - asked);
    this.#heard();
    this.#echoes++;
    this.echoAt = now;
    this.echoedProbeAt = Math.max(this.echoedProbeAt, asked);
    this.probeAt = now + (this.used ? this.#settings.busyProbe : this.#settings.idleProbe);
    const before = this.state;
    if (before === PathState.unknown) this.state = PathState.up;
    if (before === PathState.down) {
      this.state = PathState.resting;
      this.#soundSince = now;
    }
    if (this.state === PathState.resting) {
      const left = this.#soundSince + this.#probation - now;
      if (left <= 0) this.state = PathState.up;
      else this.probeAt = Math.min(this.probeAt, now + Math.max(left, SOONEST_RETRY));
    }
    return before < PathState.resting;
  }

  /** It answers, but there is more to tell: soon, and later and later. */
  askAgain(now: number, times: number): void {
    this.probeAt = Math.min(this.probeAt, now + FIRST_SEARCH * 2 ** Math.min(times, 20));
  }

  /** The first frame since it was asked last has gone by it. True: it is to be asked sooner than was planned. */
  use(now: number): boolean {
    this.used = true;
    const at = Math.max(this.probedAt + this.#settings.busyProbe, now);
    if (at >= this.probeAt) return false;
    this.probeAt = at;
    return true;
  }

  #heard(): void {
    this.unanswered = 0;
    this.unansweredSince = this.witnessedAt = Infinity;
  }

  /** What was asked may have been answered, to nobody: it is asked as if for the first time. */
  forgive(now: number): void {
    if (this.unanswered === 0) return;
    this.#heard();
    this.probeAt = now;
  }

  /** Another path to the peer has answered, so that is alive: if this one works it will answer now. */
  witnessed(now: number): void {
    if (this.witnessedAt !== Infinity) return;
    this.witnessedAt = this.probeAt = now;
    this.askedSince = 0;
  }

  failed(now: number): void {
    if (this.isUsable) {
      const isFlapping = now - this.#failedAt < FLAPPING;
      this.#probation = Math.min(isFlapping ? 2 * this.#probation : this.#settings.probation, LONGEST_PROBATION);
      this.#failedAt = now;
    }
    this.state = PathState.down;
    this.#heard();
    this.probeAt = now + FIRST_SEARCH;
  }

  /** How long silence may be before it is one, µs. A queue on the way is none: probes wait in it as frames do, which took `trip` µs. */
  patience(trip: number): number {
    const { smoothed, variance } = this.rtt;
    return Math.max(
      this.#settings.silence,
      3 * smoothed + 4 * variance,
      this.#echoes < FAMILIAR && trip === 0 ? UNTRIED : 2 * trip,
    );
  }
}
