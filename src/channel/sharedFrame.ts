import { ENTRY_BYTES, Flag, aligned, writeEntry } from '../wire/header.js';
import { ChannelCounter } from './counters.js';
import type { Flight } from './flight.js';
import type { Link } from './link.js';

const NONE = -1;

/**
 * The frame that is being filled: small messages queued in one turn share it. They are composed in it, one behind the other, until it is
 * full or the turn ends. The first lies where the only message of a frame does, so a lone message costs nothing more.
 */
export class SharedFrame {
  /** Messages in it, and their bytes. */
  messages = 0;
  #bytes = 0;

  readonly #link: Link;
  #frame = NONE;
  /** Payload bytes up to now. */
  #filled = 0;
  #firstLength = 0;
  #firstType = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  get isOpen(): boolean {
    return this.#frame >= 0;
  }

  open(frame: number): void {
    this.#frame = frame;
    this.messages = this.#bytes = this.#filled = 0;
  }

  /** Where the next message is to be written if it has `length` bytes, or -1: it does not fit. */
  place(length: number): number {
    const { headerBytes, maxPayload } = this.#link;
    if (this.messages === 0) return this.#frame + headerBytes;
    const at = aligned(this.#filled) + ENTRY_BYTES;
    return at + length > maxPayload ? NONE : this.#frame + headerBytes + at;
  }

  /** The message was written at `place`. */
  add(length: number, type: number): void {
    this.#bytes += length;
    if (this.messages++ === 0) {
      this.#firstLength = this.#filled = length;
      this.#firstType = type;
      return;
    }
    const { port, headerBytes } = this.#link;
    const payload = this.#frame + headerBytes;
    const at = aligned(this.#filled);
    // Nobody else's bytes go out between two messages.
    for (let i = this.#filled; i < at; i++) port.bytes[payload + i] = 0;
    writeEntry(port.view, payload + at, length, type);
    this.#filled = at + ENTRY_BYTES + length;
  }

  /** Queues it. Its messages are counted together: two counters a message would cost a flood of small ones some percent. */
  put(flight: Flight): void {
    const { counters } = this.#link;
    counters[ChannelCounter.messagesSent] += this.messages;
    counters[ChannelCounter.bytesSent] += this.#bytes;
    const shared = this.messages > 1;
    const flags = shared ? Flag.first | Flag.last | Flag.shared : Flag.first | Flag.last;
    flight.put(this.#frame, flags, this.#filled, this.#firstType, shared ? this.#firstLength : 0);
    this.#frame = NONE;
    this.messages = 0;
  }

  /** Gives it back. */
  close(): void {
    if (this.#frame < 0) return;
    this.#link.port.free(this.#frame);
    this.#link.pool.freed = true;
    this.#frame = NONE;
    this.messages = 0;
  }
}
