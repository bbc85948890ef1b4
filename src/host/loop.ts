import type { Engine } from '../channel/engine.js';
import type { Clock } from '../channel/link.js';
import type { Nic } from '../nic/contract.js';
import { microseconds } from './clock.js';

/**
 * `spin`: polls without sleeping; for a dedicated thread or a measurement. `event`: sleeps on the descriptor through
 * libuv. `adaptive`: polls for a few microseconds after the last frame, then sleeps.
 */
export type WaitStrategy = 'spin' | 'event' | 'adaptive';

/** Polling stops for one turn of the event loop after this long, µs, so that timers and promises of the process go on. */
const SLICE = 300;
/** How long `adaptive` polls after the last frame before it sleeps, µs. */
const PATIENCE = 50;
/** While nothing arrives, the clock is read once in so many turns: reading it costs more than polling. */
const IDLE_TURNS_PER_CLOCK = 16;
/** Rounds of `settle` in one turn: handlers that are told to write again may make new work. */
const SETTLE_ROUNDS = 4;

/** The run loop: one NIC, the clock, the engine. The only place where they meet. */
export class Loop {
  readonly #nic: Nic;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #wait: WaitStrategy;
  #running = false;
  #inTurn = false;
  #sleeping = false;
  #idleTurns = 0;
  /** Something that waits for promises or the event loop has happened: end the slice. */
  #yield = false;
  #lastActive = 0;
  #flushQueued = false;
  #immediate: NodeJS.Immediate | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  readonly #slice = () => this.#runSlice();
  readonly #wake = () => this.#awake();
  readonly #flush = () => this.#flushNow();
  /** Called at the end of the turn in which `stop` was asked for by a handler. */
  #afterTurn: (() => void) | undefined = undefined;

  constructor(nic: Nic, engine: Engine, wait: WaitStrategy) {
    this.#nic = nic;
    this.#engine = engine;
    this.#clock = engine.clock;
    this.#wait = wait;
  }

  get inTurn(): boolean {
    return this.#inTurn;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#awake();
  }

  /** Ends the loop; from within a turn `then` is called when the turn is over, else at once. */
  stop(then: () => void): void {
    this.#running = false;
    this.#stopWaiting();
    if (this.#inTurn) this.#afterTurn = then;
    else then();
  }

  /**
   * One turn: receive a burst, let the protocol digest it, run due timers, send, ring the doorbell once. Returns the frames
   * received.
   */
  turn(): number {
    if (this.#inTurn) return 0;
    const nic = this.#nic;
    const engine = this.#engine;
    const count = nic.receive();
    if (count > 0) {
      this.#clock.now = microseconds();
      this.#lastActive = this.#clock.now;
      this.#idleTurns = 0;
    } else if (++this.#idleTurns === IDLE_TURNS_PER_CLOCK) {
      this.#clock.now = microseconds();
      this.#idleTurns = 0;
    }
    this.#inTurn = true;
    try {
      if (count > 0) engine.digest(count);
      if (this.#clock.now >= engine.nextTimeout) engine.tick();
      for (let i = 0; i < SETTLE_ROUNDS && engine.busy; i++) engine.settle();
    } finally {
      if (count > 0) nic.recycle();
      nic.flush();
      this.#inTurn = false;
      if (this.#afterTurn !== undefined) this.#finish();
    }
    return count;
  }

  #finish(): void {
    const then = this.#afterTurn;
    this.#afterTurn = undefined;
    then?.();
  }

  /**
   * The application has called in from outside a turn: the clock is set, and what it queues is sent as soon as its own code has run to
   * its end, in one burst.
   */
  enter(): void {
    if (this.#inTurn || this.#flushQueued) return;
    this.#flushQueued = true;
    this.#clock.now = microseconds();
    queueMicrotask(this.#flush);
  }

  /** A promise was settled, or the event loop has something to do: let it, soon. */
  yield(): void {
    this.#yield = true;
  }

  #flushNow(): void {
    this.#flushQueued = false;
    if (!this.#running) return;
    this.turn();
    // An answer is likely to come soon: do not sleep through it.
    if (this.#sleeping) this.#awake();
  }

  #awake(): void {
    this.#stopWaiting();
    if (!this.#running) return;
    this.#clock.now = microseconds();
    this.#lastActive = this.#clock.now;
    this.#runSlice();
  }

  #runSlice(): void {
    this.#immediate = undefined;
    if (!this.#running) return;
    this.#yield = false;
    const clock = this.#clock;
    const end = microseconds() + SLICE;
    let sleep = false;
    do {
      const count = this.turn();
      if (!this.#running) return;
      if (count === 0 && this.#mayRest()) {
        sleep = true;
        break;
      }
    } while (clock.now < end && !this.#yield);
    if (sleep) this.#sleep();
    else this.#immediate = setImmediate(this.#slice);
  }

  #mayRest(): boolean {
    if (this.#engine.busy || this.#wait === 'spin') return false;
    return this.#wait === 'event' || this.#clock.now - this.#lastActive > PATIENCE;
  }

  #sleep(): void {
    // What the kernel did not take has to be offered again.
    if (!this.#nic.flush()) {
      this.#immediate = setImmediate(this.#slice);
      return;
    }
    this.#sleeping = true;
    this.#nic.watch(this.#wake);
    this.#setTimer();
  }

  #setTimer(): void {
    const at = this.#engine.nextTimeout;
    if (at === Infinity) return;
    const ms = Math.max(1, Math.ceil((at - microseconds()) / 1000));
    this.#timer = setTimeout(this.#wake, Math.min(ms, 0x7fffffff));
  }

  #stopWaiting(): void {
    if (this.#sleeping) this.#nic.unwatch();
    this.#sleeping = false;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    this.#immediate = undefined;
  }

  /** Turns until `until` says so: the synchronous spin of a dedicated thread. Nothing else of the process runs meanwhile. */
  spin(until: () => boolean): void {
    while (!until()) this.turn();
  }
}
