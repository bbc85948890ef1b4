import { flipBits, shortened } from '../../fault/damage.js';
import type { FaultCounts } from '../../fault/model.js';
import { FaultModel } from '../../fault/model.js';
import type { Faults } from '../../fault/faults.js';
import type { Frame, LinkAddress, Nic, RxBurst } from '../../nic/contract.js';
import { NO_FRAME } from '../../nic/contract.js';
import { microseconds } from '../clock.js';
import { WrappedNic } from '../wrappedNic.js';

const BURST = 64;
/** ms */
const FINE = 2;
/** Of entries that are the driver's own it is their index there; this one is a copy of ours. */
const OURS = -1;

/** A frame that comes later than it came. */
interface Late {
  readonly frame: Frame;
  readonly length: number;
  /** µs */
  readonly at: number;
  readonly source: LinkAddress;
}

/** A copy of a frame, to come once more. */
type Old = Omit<Late, 'at'>;

/**
 * A NIC whose wire has faults (row A7): what it receives is lost, doubled, held back, damaged, by a seed. Frames that come later wait as copies in
 * the driver's memory for held frames; when that is full they are lost. `pad` has no meaning here: a wire pads by itself.
 */
export class FaultyNic extends WrappedNic {
  readonly #rx: RxBurst = { frame: new Int32Array(BURST), length: new Int32Array(BURST) };
  readonly #model: FaultModel<Old>;
  readonly #clock: () => number;
  readonly #start: number;
  /** Of the current burst. */
  readonly #index = new Int32Array(BURST);
  readonly #held = new Uint8Array(BURST);
  readonly #sources = new Array<LinkAddress>(BURST).fill('');
  #count = 0;
  /** Soonest first. */
  readonly #late: Late[] = [];
  #timer: NodeJS.Timeout | undefined = undefined;
  #immediate: NodeJS.Immediate | undefined = undefined;
  /** Wakes who sleeps until the next late frame. */
  #alarm: (() => void) | undefined = undefined;

  /** @param clock µs */
  constructor(nic: Nic, faults: Faults, clock: () => number = microseconds) {
    super(nic);
    this.#model = new FaultModel(faults);
    this.#clock = clock;
    this.#start = clock();
  }

  override get rx(): RxBurst {
    return this.#rx;
  }

  /** What has happened so far. */
  get faults(): Readonly<FaultCounts> {
    return this.#model.count;
  }

  override receive(): number {
    if (this.#count > 0) this.recycle();
    if (this.#late.length > 0 && this.#late[0].at <= this.#clock()) return this.#receiveLate();
    const count = this.nic.receive();
    for (let i = 0; i < count; i++) this.#meet(i);
    // All were lost: the driver's burst is over.
    if (count > 0 && this.#count === 0) this.nic.recycle();
    return this.#count;
  }

  #receiveLate(): number {
    const now = this.#clock();
    while (this.#late.length > 0 && this.#late[0].at <= now && this.#count < BURST) {
      const { frame, length, source } = this.#late.shift()!;
      this.#sources[this.#count] = source;
      this.#enter(frame, length, OURS);
    }
    return this.#count;
  }

  /** Entry `index` of the driver's burst meets its fate. */
  #meet(index: number): void {
    const model = this.#model;
    const at = this.nic.rx.frame[index];
    let length = this.nic.rx.length[index];
    const now = this.#clock() - this.#start;
    model.next(now);
    if (model.replay) this.#replay(now);
    if (model.remembers) this.#remember(index, at, length);
    if (model.lost) return;
    if (model.again >= 0) this.#keepUntil(now + model.again, this.nic.source(index), at, length);
    if (model.corrupt) flipBits(this.bytes, at, length * 8, model.chance);
    if (model.truncate) length = shortened(length, model.chance);
    if (model.delay > 0) this.#keepUntil(now + model.delay, this.nic.source(index), at, length);
    else this.#enter(at, length, index);
  }

  #enter(frame: Frame, length: number, index: number): void {
    const entry = this.#count++;
    this.#rx.frame[entry] = frame;
    this.#rx.length[entry] = length;
    this.#index[entry] = index;
    this.#held[entry] = 0;
  }

  #replay(now: number): void {
    const { frame, length, source } = this.#model.replayed();
    this.#keepUntil(now, source, frame, length);
  }

  #remember(index: number, at: Frame, length: number): void {
    const frame = this.nic.keep(at, length);
    if (frame === NO_FRAME) return;
    const forgotten = this.#model.remember({ frame, length, source: this.nic.source(index) });
    if (forgotten !== undefined) this.nic.free(forgotten.frame);
  }

  /** A copy, until then. Without memory for it, the frame is lost. */
  #keepUntil(time: number, source: LinkAddress, at: Frame, length: number): void {
    const frame = this.nic.keep(at, length);
    if (frame === NO_FRAME) this.#model.count.dropped++;
    else this.#wait({ frame, length, at: this.#start + time, source });
  }

  #wait(late: Late): void {
    let place = this.#late.length;
    while (place > 0 && this.#late[place - 1].at > late.at) place--;
    this.#late.splice(place, 0, late);
  }

  override hold(index: number): Frame {
    const own = this.#index[index];
    const frame = own === OURS ? this.#rx.frame[index] : this.nic.hold(own);
    if (frame !== NO_FRAME) this.#held[index] = 1;
    return frame;
  }

  override recycle(): void {
    let theirs = false;
    for (let i = 0; i < this.#count; i++) {
      if (this.#index[i] !== OURS) theirs = true;
      else if (this.#held[i] === 0) this.nic.free(this.#rx.frame[i]);
    }
    this.#count = 0;
    if (theirs) this.nic.recycle();
  }

  override source(index: number): LinkAddress {
    const own = this.#index[index];
    return own === OURS ? this.#sources[index] : this.nic.source(own);
  }

  override watch(wake: () => void): void {
    const once = () => {
      this.#stopTimer();
      wake();
    };
    this.nic.watch(once);
    this.#stopTimer();
    if (this.#late.length === 0) return;
    this.#alarm = () => {
      this.nic.unwatch();
      once();
    };
    this.#setAlarm();
  }

  /** Timers are as fine as a millisecond: what is due sooner is looked for in each turn of the event loop. */
  #setAlarm(): void {
    const left = (this.#late[0].at - this.#clock()) / 1000;
    if (left <= 0) return this.#alarm?.();
    const again = () => this.#setAlarm();
    if (left > FINE) this.#timer = setTimeout(again, left - FINE);
    else this.#immediate = setImmediate(again);
  }

  override unwatch(): void {
    this.#stopTimer();
    this.nic.unwatch();
  }

  override close(): void {
    this.#stopTimer();
    this.#late.length = 0;
    this.#count = 0;
    this.nic.close();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = this.#immediate = this.#alarm = undefined;
  }
}
