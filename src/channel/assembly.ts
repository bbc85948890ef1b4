import { Flag } from '../wire/header.js';
import type { Link } from './link.js';
import type { FramePort } from './port.js';
import type { SpareBuffer } from './spareBuffer.js';

/** Bytes set aside for a message of several frames when its first one comes. */
const FIRST_ROOM = 1 << 20;

/** Who takes long messages. */
export interface AssemblyEvents {
  /** Whether the message that begins now is wanted piece by piece. */
  readonly wantsFragments: boolean;
  /** A piece of a message, in place: valid during the call only. */
  fragment(bytes: Uint8Array, offset: number, length: number, position: number, total: number, type: number): void;
  /** A whole message: its buffer is valid during the call only. */
  assembled(bytes: Uint8Array, length: number, type: number): void;
  violated(reason: 'protocol' | 'message-too-long' | 'no-memory'): void;
}

/** A message of several frames: put together in one buffer, or handed on piece by piece, without a copy, to who wants that. */
export class Assembly {
  readonly #port: FramePort;
  readonly #spare: SpareBuffer;
  readonly #maxMessage: number;
  readonly #events: AssemblyEvents;
  /** A message has begun and is not complete. */
  #active = false;
  /** Undefined while pieces are handed on. */
  #buffer: Uint8Array | undefined = undefined;
  #total = 0;
  #filled = 0;
  #type = 0;

  constructor({ port, spare }: Link, maxMessage: number, events: AssemblyEvents) {
    this.#port = port;
    this.#spare = spare;
    this.#maxMessage = maxMessage;
    this.#events = events;
  }

  get active(): boolean {
    return this.#active;
  }

  /** The next fragment, in order. */
  add(flags: number, payload: number, length: number, type: number): void {
    if ((flags & Flag.first) !== 0) {
      if (this.#active || length < 4) return this.#events.violated('protocol');
      if (!this.#begin(this.#port.view.getUint32(payload, true), type)) return;
      payload += 4;
      length -= 4;
    }
    const position = this.#filled;
    const filled = position + length;
    if (!this.#active || filled > this.#total) return this.#events.violated('protocol');
    const last = (flags & Flag.last) !== 0;
    if (last && filled !== this.#total) return this.#events.violated('protocol');
    const buffer = this.#buffer;
    if (buffer !== undefined && !this.#copy(buffer, payload, length)) return;
    this.#filled = filled;
    if (last) this.#active = false;
    if (buffer === undefined) {
      this.#events.fragment(this.#port.bytes, payload, length, position, this.#total, this.#type);
    } else if (last) {
      const whole = this.#buffer!;
      this.#buffer = undefined;
      // Given back first: nothing is put together while the handler runs, and it may close the last channel, which lets the spare one go.
      this.#spare.give(whole);
      this.#events.assembled(whole, this.#total, this.#type);
    }
  }

  #begin(total: number, type: number): boolean {
    if (total > this.#maxMessage) {
      this.#events.violated('message-too-long');
      return false;
    }
    this.#total = total;
    this.#filled = 0;
    this.#type = type;
    // It grows with what has arrived: who only says that a long message comes does not make us reserve it.
    const whole = !this.#events.wantsFragments;
    this.#buffer = whole ? (this.#spare.take() ?? this.#room(Math.min(total, FIRST_ROOM))) : undefined;
    this.#active = !whole || this.#buffer !== undefined;
    return this.#active;
  }

  #copy(buffer: Uint8Array, payload: number, length: number): boolean {
    const needed = this.#filled + length;
    let room: Uint8Array | undefined = buffer;
    if (needed > buffer.length) {
      room = this.#room(Math.min(this.#total, Math.max(needed, buffer.length * 4)));
      room?.set(buffer.subarray(0, this.#filled));
      this.#buffer = room;
    }
    room?.set(this.#port.bytes.subarray(payload, payload + length), this.#filled);
    return room !== undefined;
  }

  /** Undefined, and the end of the channel, when the process has no memory for it. */
  #room(bytes: number): Uint8Array | undefined {
    try {
      return new Uint8Array(bytes);
    } catch {
      this.#events.violated('no-memory');
      return undefined;
    }
  }

  close(): void {
    this.#active = false;
    this.#buffer = undefined;
  }
}
