import type { Channel } from '../../src/index.js';
import type { Seen } from './commands.js';

/** The application that receives: what has come, in which order, and how long nothing came. */
export class Watch {
  #next = 0;
  #received = 0;
  #duplicated = 0;
  #reordered = 0;
  /** Numbers that were passed over, and have not come since. */
  readonly #missing = new Set<number>();
  #at = NaN;
  #longest = 0;

  constructor(channel: Channel) {
    channel.onMessage = (bytes, offset) => this.#take(numberAt(bytes, offset));
  }

  #take(number: number): void {
    const now = performance.now();
    if (now - this.#at > this.#longest) this.#longest = now - this.#at;
    this.#at = now;
    if (number >= this.#next) {
      for (let n = this.#next; n < number; n++) this.#missing.add(n);
      this.#next = number + 1;
    } else if (this.#missing.delete(number)) this.#reordered++;
    else this.#duplicated++;
    this.#received++;
  }

  /** Since the last look. A gap that is not over yet counts as long as it has lasted. */
  look(): Seen {
    const silentFor = performance.now() - this.#at || 0;
    const longestGap = Math.max(this.#longest, silentFor);
    this.#longest = 0;
    return {
      longestGap,
      silentFor,
      received: this.#received,
      lost: this.#missing.size,
      duplicated: this.#duplicated,
      reordered: this.#reordered,
    };
  }
}

/** Without a DataView for each message: the collector's threads would take the core from the other end. */
function numberAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}
