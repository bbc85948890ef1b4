import { tally } from '../arq/histogram.js';
import type { Engine } from '../channel/engine.js';
import { ArgumentError } from '../errors.js';
import type { Nic } from '../nic/contract.js';
import type { Awake } from './breaks.js';
import { Breaks } from './breaks.js';
import { LoopCounter } from './loopCounters.js';
import type { HostMemory } from './stat/hostMemory.js';
import type { Clock } from '../channel/link.js';
import type { Timers } from './timers.js';

/**
 * `spin`: polls without sleeping; for a dedicated thread or a measurement. `event`: sleeps on the descriptor through
 * libuv. `adaptive`: polls for a few microseconds after the last frame, then sleeps.
 */
export type WaitStrategy = 'spin' | 'event' | 'adaptive';

/** How long `adaptive` polls after the last frame before it sleeps, µs. */
const PATIENCE = 50;
/**
 * The clock is read once in so many polls that found nothing (reading it costs as much as several), and in each turn that found frames,
 * when the answer to a lone one has left. A host that waits for an answer polls, so the time is right to a fraction of a microsecond.
 */
const IDLE_POLLS_PER_CLOCK = 64;
/** Turns that take in a whole receive ring, in bursts. */
const RING_OF_TURNS = 64;
/** A host that sleeps looks up so often, ms: nobody tells it that its NIC was closed under it. */
const LOOK_UP = 1000;
/** The kernel's own numbers are asked for so often, µs. */
const LOOK = 100_000;
/** Rounds of `settle` in one turn: handlers that are told to write again may make new work. */
const SETTLE_ROUNDS = 4;

/** The run loop: one NIC, the clock, the engine. The only place where they meet. */
export class Loop {
  readonly #nic: Nic;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #breaks: Breaks;
  /** No frame comes between two looks at the clock: polls in between are left out. */
  readonly #skips: boolean;
  #wait: WaitStrategy;
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
  #immediate: object | undefined = undefined;
  #timer: object | undefined = undefined;
  readonly #counters: Float64Array;
  readonly #turnLengths: Float64Array;
  /** How long the last turn, or the last few, took, µs. */
  readonly #length = new Float64Array(1);
  readonly #lookAt = new Float64Array(1);
  /** What the timer was set for, µs. */
  readonly #timerAt = new Float64Array([Infinity]);
  readonly #slice = () => this.#runSlice();
  readonly #wake = () => this.#woken();
  readonly #flush = () => this.#flushNow();
  /** Called at the end of the turn in which `stop` was asked for by a handler. */
  #afterTurn: (() => void) | undefined = undefined;

  readonly #failed: (error: unknown) => void;

  /** @param failed told when a turn threw: the loop has stopped for good */
  constructor(
    nic: Nic,
    engine: Engine,
    { clock, timers, awake, isReal }: { clock: Clock; timers: Timers; awake: Awake; isReal: boolean },
    memory: HostMemory,
    wait: WaitStrategy,
    failed: (error: unknown) => void,
  ) {
    this.#counters = memory.loop;
    this.#turnLengths = memory.turnLengths;
    this.#failed = failed;
    this.#nic = nic;
    this.#engine = engine;
    this.#clock = clock;
    this.#timers = timers;
    this.#breaks = new Breaks(clock, awake);
    this.#skips = !isReal;
    this.#lastActive = new Float64Array([clock.cell[0]]);
    this.#wait = wait;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Waits in another way from now on; a handler may ask for it, also in a turn of the application's own while the loop sleeps. */
  waitBy(wait: WaitStrategy): void {
    this.#wait = wait;
    if (this.#sleeping && !this.#inTurn) this.#woken();
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#breaks.join();
    // Not at once: a listener made right after the host is opened must not miss who knocks already.
    this.#immediate = this.#timers.immediate(this.#slice);
  }

  /** Ends the loop; from within a turn `then` is called when the turn is over, else at once. */
  stop(then: () => void): void {
    this.#halt();
    if (this.#inTurn) this.#afterTurn = then;
    else then();
  }

  /**
   * One turn: receive a burst, let the protocol digest it, run due timers, send, ring the doorbell once. Returns the frames
   * received.
   */
  turn(): number {
    if (this.#inTurn) return 0;
    let count = 0;
    try {
      count = this.#nic.receive();
    } catch (error) {
      this.#end(error);
      return 0;
    }
    if (count === 0) {
      // The poll that finds nothing is what a waiting host does most: it must be short, or frames are seen late.
      this.#busyTurns = 0;
      if (++this.#idlePolls < IDLE_POLLS_PER_CLOCK && !this.#dirty && !this.#engine.busy) return 0;
      this.#idlePolls = 0;
      this.#readClock();
    } else {
      this.#busyTurns++;
      this.#counters[LoopCounter.turns]++;
    }
    this.#work(count);
    return count;
  }

  /** A turn that neither receives nor looks at timers: whatever has come in since counts first. */
  #send(): void {
    this.#inTurn = true;
    this.#dirty = false;
    try {
      this.#settle();
      this.#nic.flush();
    } catch (error) {
      this.#end(error);
    } finally {
      this.#inTurn = false;
      if (this.#afterTurn !== undefined) this.#finish();
    }
  }

  #work(count: number): void {
    const nic = this.#nic;
    const engine = this.#engine;
    this.#inTurn = true;
    this.#dirty = false;
    try {
      if (count > 0) {
        engine.digest(count);
        // The answer to a lone frame leaves before the rest of the turn: nothing will share its doorbell.
        if (count === 1) {
          engine.push();
          nic.flush();
        }
        this.#readAfter(count);
      }
      this.#settle();
      // Timers run when the ring is empty: after a pause of our own (a long handler, a collection) what arrived meanwhile counts
      // first. But no flood puts them off for ever.
      if ((count === 0 || this.#busyTurns > RING_OF_TURNS) && engine.isDue) {
        engine.tick();
        this.#busyTurns = 0;
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

  /** The clock, when what a lone frame brought about is on its way: reading it takes as long as a header. */
  #readAfter(count: number): void {
    this.#unclocked += count;
    this.#readClock();
    this.#lastActive[0] = this.#clock.cell[0];
  }

  /** After a turn: if frames have come since the clock was read, that was how long they took. */
  #readClock(): void {
    const { cell } = this.#clock;
    const before = cell[0];
    this.#clock.read();
    if (this.#unclocked > 0) {
      this.#unclocked = 0;
      const counters = this.#counters;
      const length = (this.#length[0] = cell[0] - before);
      counters[LoopCounter.busyTime] += length;
      if (length > counters[LoopCounter.longestTurn]) counters[LoopCounter.longestTurn] = length;
      tally(this.#turnLengths, this.#length);
    }
    if (cell[0] < this.#lookAt[0]) return;
    this.#lookAt[0] = cell[0] + LOOK;
    void this.#nic.counters;
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
    if (this.#sleeping) this.#rouse();
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    this.#timers.microtask(this.#flush);
  }

  /** A promise was settled, or the event loop has something to do: let it, soon. */
  yield(): void {
    this.#yield = true;
  }

  /**
   * Who goes on by promises waits for this before it takes more time: the event loop has to turn. Undefined: not yet; or the loop sleeps, and nothing of
   * it would wake who waits, but nothing of it keeps the event loop waiting either.
   */
  rest(): Promise<void> | undefined {
    return this.#running && !this.#sleeping ? this.#breaks.rest() : undefined;
  }

  /** The same for who has not called in, so that nobody has set the clock. */
  lookAndRest(): Promise<void> | undefined {
    this.#breaks.look();
    return this.rest();
  }

  /** One turn for who has a loop of its own: it says when the event loop has waited long enough. */
  poll(): number {
    if (this.#breaks.areWaitedFor) this.#breaks.begin();
    return this.turn();
  }

  #flushNow(): void {
    this.#flushQueued = false;
    // Nothing is left to do if the application has polled meanwhile.
    if (!this.#running || !this.#dirty) return;
    // What is received would settle promises that send again, and the event loop would never turn: it is sent, and no more.
    if (this.#breaks.isDue) this.#send();
    else this.turn();
  }

  /** The application sends while the loop sleeps. An answer is likely to come soon: do not sleep through it. */
  #rouse(): void {
    this.#stopWaiting();
    this.#lastActive[0] = this.#clock.cell[0];
    this.#breaks.begin();
    this.#immediate = this.#timers.immediate(this.#slice);
  }

  #woken(): void {
    this.#stopWaiting();
    if (!this.#running) return;
    this.#clock.read();
    this.#lastActive[0] = this.#clock.cell[0];
    // The first poll looks at the timers even if it finds nothing: one of them may be why we woke.
    this.#idlePolls = IDLE_POLLS_PER_CLOCK;
    this.#runSlice();
  }

  /** A turn threw, which is nobody's handler but the protocol or the NIC itself: it ends the host. Never silence. */
  #end(error: unknown): void {
    this.#halt();
    this.#failed(error);
  }

  #halt(): void {
    const ran = this.#running;
    this.#running = false;
    try {
      this.#stopWaiting();
    } finally {
      this.#breaks.release();
      if (ran) this.#breaks.leave();
    }
  }

  #runSlice(): void {
    this.#immediate = undefined;
    if (!this.#running) return;
    if (this.#nic.state === 'closed') return this.#end(new Error('the NIC was closed'));
    this.#clock.read();
    this.#yield = this.#breaks.begin();
    let sleep = false;
    do {
      const count = this.turn();
      if (!this.#running) return;
      if (count === 0 && this.#mayRest()) {
        sleep = true;
        break;
      }
      if (this.#skips && count === 0) this.#idlePolls = IDLE_POLLS_PER_CLOCK - 1;
    } while (!this.#breaks.isDue && !this.#yield);
    this.#readClock();
    if (sleep) this.#sleep();
    else this.#immediate = this.#timers.immediate(this.#slice);
  }

  #mayRest(): boolean {
    if (this.#engine.busy || this.#wait === 'spin' || this.#breaks.areWaitedFor) return false;
    return this.#wait === 'event' || this.#clock.cell[0] - this.#lastActive[0] > PATIENCE;
  }

  #sleep(): void {
    try {
      // What the kernel did not take has to be offered again.
      if (!this.#nic.flush()) {
        this.#immediate = this.#timers.immediate(this.#slice);
        return;
      }
      this.#sleeping = true;
      this.#breaks.leave();
      this.#counters[LoopCounter.sleeps]++;
      this.#nic.watch(this.#wake);
      this.#setTimer();
    } catch (error) {
      this.#end(error);
    }
  }

  #setTimer(): void {
    if (this.#timer !== undefined) this.#timers.clearTimeout(this.#timer);
    this.#timer = undefined;
    const at = this.#engine.nextTimeout;
    this.#timerAt[0] = at;
    const ms = Math.max(1, Math.ceil((at - this.#clock.cell[0]) / 1000));
    this.#timer = this.#timers.timeout(this.#wake, Math.min(ms, LOOK_UP));
  }

  #stopWaiting(): void {
    if (this.#sleeping) {
      this.#sleeping = false;
      this.#breaks.join();
      this.#nic.unwatch();
    }
    if (this.#timer !== undefined) this.#timers.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#immediate !== undefined) this.#timers.clearImmediate(this.#immediate);
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
