import type { Engine } from '../channel/engine.js';
import { ArgumentError } from '../errors.js';
import type { Nic } from '../nic/contract.js';
import type { MonotonicClock } from './clock.js';

/**
 * `spin`: polls without sleeping; for a dedicated thread or a measurement. `event`: sleeps on the descriptor through
 * libuv. `adaptive`: polls for a few microseconds after the last frame, then sleeps.
 */
export type WaitStrategy = 'spin' | 'event' | 'adaptive';

/** Polling stops for one turn of the event loop after this long, µs, so that timers and promises of the process go on. */
const SLICE = 300;
/** How long `adaptive` polls after the last frame before it sleeps, µs. */
const PATIENCE = 50;
/**
 * The clock is read once in so many polls that found nothing, or turns that found frames: reading it costs as much as several polls. A
 * host that waits for an answer polls, so the time is right to a fraction of a microsecond when the answer comes.
 */
const IDLE_POLLS_PER_CLOCK = 64;
/** After about so many frames it is read in any case; a turn counts as a few. */
const FRAMES_PER_CLOCK = 32;
const FRAMES_PER_TURN = 4;
/** Turns that take in a whole receive ring, in bursts. */
const RING_OF_TURNS = 64;
/** Rounds of `settle` in one turn: handlers that are told to write again may make new work. */
const SETTLE_ROUNDS = 4;

/** The run loop: one NIC, the clock, the engine. The only place where they meet. */
export class Loop {
  readonly #nic: Nic;
  readonly #engine: Engine;
  readonly #clock: MonotonicClock;
  readonly #wait: WaitStrategy;
  #running = false;
  #inTurn = false;
  #sleeping = false;
  #idlePolls = 0;
  #busyTurns = 0;
  /** Frames since the clock was read. */
  #unclocked = 0;
  /** Something was queued outside a turn. */
  #dirty = false;
  /** Something that waits for promises or the event loop has happened: end the slice. */
  #yield = false;
  /** When the last frame came, µs; a cell, because a double stored in a field may be allocated. */
  readonly #lastActive: Float64Array;
  #flushQueued = false;
  #immediate: NodeJS.Immediate | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  /** What the timer was set for, µs. */
  readonly #timerAt = new Float64Array([Infinity]);
  readonly #slice = () => this.#runSlice();
  readonly #wake = () => this.#awake();
  readonly #flush = () => this.#flushNow();
  /** Called at the end of the turn in which `stop` was asked for by a handler. */
  #afterTurn: (() => void) | undefined = undefined;

  readonly #failed: (error: unknown) => void;

  /** @param failed told when a turn threw: the loop has stopped for good */
  constructor(nic: Nic, engine: Engine, clock: MonotonicClock, wait: WaitStrategy, failed: (error: unknown) => void) {
    this.#failed = failed;
    this.#nic = nic;
    this.#engine = engine;
    this.#clock = clock;
    this.#lastActive = new Float64Array([clock.now]);
    this.#wait = wait;
  }

  get running(): boolean {
    return this.#running;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    // Not at once: a listener made right after the host is opened must not miss who knocks already.
    this.#immediate = setImmediate(this.#slice);
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
    const count = this.#nic.receive();
    if (count === 0) {
      // The poll that finds nothing is what a waiting host does most: it must be short, or frames are seen late.
      if (++this.#idlePolls < IDLE_POLLS_PER_CLOCK && !this.#dirty && !this.#engine.busy) return 0;
      this.#idlePolls = 0;
      this.#busyTurns = 0;
      this.#clock.read();
    } else {
      this.#busyTurns++;
      if ((this.#unclocked += count + FRAMES_PER_TURN) >= FRAMES_PER_CLOCK) {
        this.#unclocked = 0;
        this.#clock.read();
      }
      this.#lastActive[0] = this.#clock.now;
    }
    this.#work(count);
    return count;
  }

  #work(count: number): void {
    const nic = this.#nic;
    const engine = this.#engine;
    this.#inTurn = true;
    this.#dirty = false;
    try {
      if (count > 0) engine.digest(count);
      // The answer to a lone frame leaves before the rest of the turn: nothing will share its doorbell.
      if (count === 1) nic.flush();
      this.#settle();
      // Timers run when the ring is empty: after a pause of our own (a long handler, a collection) what arrived meanwhile counts
      // first. But no flood puts them off for ever.
      if ((count === 0 || this.#busyTurns > RING_OF_TURNS) && engine.isDue) {
        engine.tick();
        this.#settle();
      }
      if (count > 0) nic.recycle();
      nic.flush();
    } catch (error) {
      this.#end(error);
    } finally {
      this.#inTurn = false;
      if (this.#afterTurn !== undefined) this.#finish();
    }
    // A turn of the application's own, while the loop sleeps: it may have made an earlier deadline.
    if (this.#sleeping && engine.isDueBefore(this.#timerAt)) this.#setTimer();
  }

  #settle(): void {
    for (let i = 0; i < SETTLE_ROUNDS && this.#engine.busy; i++) this.#engine.settle();
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
    if (this.#inTurn || this.#dirty) return;
    this.#dirty = true;
    this.#clock.read();
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    queueMicrotask(this.#flush);
  }

  /** A promise was settled, or the event loop has something to do: let it, soon. */
  yield(): void {
    this.#yield = true;
  }

  #flushNow(): void {
    this.#flushQueued = false;
    if (!this.#running) return;
    // Nothing is left to do if the application has polled meanwhile; but the sleep that it interrupts must be a new one.
    if (this.#dirty) this.turn();
    // An answer is likely to come soon: do not sleep through it.
    if (this.#sleeping) this.#awake();
  }

  #awake(): void {
    this.#stopWaiting();
    if (!this.#running) return;
    this.#clock.read();
    this.#lastActive[0] = this.#clock.now;
    // The first poll looks at the timers even if it finds nothing: one of them may be why we woke.
    this.#idlePolls = IDLE_POLLS_PER_CLOCK;
    this.#runSlice();
  }

  /** A turn threw, which is nobody's handler but the protocol or the NIC itself: it ends the host. Never silence. */
  #end(error: unknown): void {
    this.#running = false;
    this.#stopWaiting();
    this.#failed(error);
  }

  #runSlice(): void {
    this.#immediate = undefined;
    if (!this.#running) return;
    if (this.#nic.state === 'closed') return this.#end(new Error('the NIC was closed'));
    this.#yield = false;
    const clock = this.#clock;
    clock.read();
    const end = clock.now + SLICE;
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
    return this.#wait === 'event' || this.#clock.now - this.#lastActive[0] > PATIENCE;
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
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    const at = this.#engine.nextTimeout;
    this.#timerAt[0] = at;
    if (at === Infinity) return;
    this.#clock.read();
    const ms = Math.max(1, Math.ceil((at - this.#clock.now) / 1000));
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
    if (this.#inTurn) {
      throw new ArgumentError('spin() was called in a handler, which runs inside a turn.', {
        remedy: 'Call it from outside; in a handler, return.',
      });
    }
    while (this.#running && !until()) this.turn();
  }
}
