import type { SendWindow } from '../arq/sendWindow.js';
import type { Link } from './link.js';
import { Hunger, type Guest, type HungerKind } from './starvation.js';

const NONE = -1;
/** A channel that has no more frames than this takes from the last quarter of the pool: nobody is starved by others' queues. */
const MODEST = 8;
/** A channel with so many frames that wait to be sent leaves half of the pool to others. */
const LONG_QUEUE = 64;

/** What a channel may take of the transmit frames, which all channels of a NIC share. */
export class Share implements Guest {
  /** In the line of those who found none. */
  waits: HungerKind = Hunger.none;
  /** Frames that it may take though others wait: it has waited, and its turn has come. */
  helping = 0;
  /** Of the channel. */
  readonly id: number;
  readonly #link: Link;
  readonly #window: SendWindow;

  constructor(link: Link, window: SendWindow) {
    this.id = link.localId;
    this.#link = link;
    this.#window = window;
  }

  /** A frame, or NONE: there is none for this channel now. */
  take(): number {
    if (this.helping === 0) return this.#isBehind() ? NONE : this.#link.port.alloc(this.#reserve());
    const frame = this.#link.port.alloc(this.#reserve());
    if (frame !== NONE) this.helping--;
    return frame;
  }

  /** `take` would find one. */
  get hasSome(): boolean {
    if (this.helping === 0 && this.#isBehind()) return false;
    const { port } = this.#link;
    const frame = port.alloc(this.#reserve());
    if (frame !== NONE) port.free(frame);
    return frame !== NONE;
  }

  /** Others wait, who are to have the next frames. */
  #isBehind(): boolean {
    const { starving } = this.#link.pool;
    return starving > 1 || (starving === 1 && this.waits !== Hunger.first);
  }

  /** What it waits for, when there is none. */
  get hunger(): HungerKind {
    return this.#isModest() ? Hunger.first : Hunger.more;
  }

  #isModest(): boolean {
    const { una, end } = this.#window;
    return ((end - una) | 0) < MODEST;
  }

  /** How many frames must stay free for others. */
  #reserve(): number {
    const { reserve, port } = this.#link;
    if (this.#isModest()) return reserve;
    const { next, end } = this.#window;
    const share = ((end - next) | 0) < LONG_QUEUE ? port.info.txFrames >> 2 : port.info.txFrames >> 1;
    return Math.max(reserve, share);
  }
}
