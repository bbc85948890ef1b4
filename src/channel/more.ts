import type { SendWindow } from '../arq/sendWindow.js';

/** An acknowledgement is asked for once in an eighth of the window at least. */
const UNASKED_SHIFT = 3;

/** Which frames may say that more follow, so that their acknowledgement can wait. */
export class More {
  /** The last so many have said so: nobody has asked for their acknowledgement yet. */
  count = 0;
  readonly #window: SendWindow;

  constructor(window: SendWindow) {
    this.#window = window;
  }

  /**
   * Whether the acknowledgement of the next frame can wait for one behind it: that goes in this turn, too, and few have waited.
   * @param follows another frame will be queued in this turn
   */
  mayWait(follows: boolean): boolean {
    const window = this.#window;
    const after = (window.next + 1) | 0;
    if (this.count + 1 >= window.allowed >> UNASKED_SHIFT) return false;
    return (follows || after !== window.end) && window.allows(after);
  }

  /** Another frame has left, and has said so, or not. */
  said(more: boolean): void {
    this.count = more ? this.count + 1 : 0;
  }
}
