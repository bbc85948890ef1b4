import type { SendWindow } from '../arq/sendWindow.js';
import type { PeerIndex } from '../nic/contract.js';
import { MOST_PATHS } from './port.js';
import type { SpreadPort } from './port.js';

/** Which path each frame of a channel took, where they go by several at once. */
export class Trails {
  readonly #window: SendWindow;
  readonly #spread: SpreadPort;
  readonly #peer: PeerIndex;
  readonly #now: Float64Array;
  /** By path: when the latest of its frames that are known to have arrived was sent, µs. */
  readonly #delivered = new Float64Array(MOST_PATHS).fill(-Infinity);
  readonly #trip = new Float64Array(1);

  constructor(window: SendWindow, spread: SpreadPort, peer: PeerIndex, now: Float64Array) {
    this.#window = window;
    this.#spread = spread;
    this.#peer = peer;
    this.#now = now;
  }

  /** The frame has just left, perhaps again. */
  went(sequence: number): void {
    const window = this.#window;
    const spread = this.#spread;
    if (window.sends(sequence) > 0) spread.lost(this.#peer, window.pathOf(sequence));
    window.went(sequence, spread.last);
    spread.left(this.#peer);
  }

  /** The frame has arrived; before that is written down. */
  arrived(sequence: number): void {
    const window = this.#window;
    if (window.isSacked(sequence)) return;
    const path = window.pathOf(sequence);
    const sentAt = window.sentAt(sequence);
    const delivered = this.#delivered;
    if (sentAt > delivered[path]) delivered[path] = sentAt;
    this.#trip[0] = this.#now[0] - sentAt;
    // Karn: of one that was sent twice nobody knows which sending it was.
    if (window.sends(sequence) === 1) this.#spread.arrived(this.#peer, path, this.#trip);
    else this.#spread.lost(this.#peer, path);
  }

  /**
   * Paths overtake each other: only what was sent later by the same path, by so many µs, and has arrived, shows that a frame was lost (RFC 8985).
   */
  wasOvertaken(sequence: number, by: number): boolean {
    const window = this.#window;
    return window.sentAt(sequence) < this.#delivered[window.pathOf(sequence)] - by;
  }

  /** The channel has ended: nothing is waited for. */
  close(): void {
    const window = this.#window;
    for (let s = window.una; s !== window.next; s = (s + 1) | 0) {
      if (!window.isSacked(s)) this.#spread.lost(this.#peer, window.pathOf(s));
    }
  }
}
