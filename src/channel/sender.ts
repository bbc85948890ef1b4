import type { RttEstimator } from '../arq/rtt.js';
import type { SendWindow } from '../arq/sendWindow.js';
import { ArgumentError, ChannelError } from '../errors.js';
import { Flag } from '../wire/header.js';
import { ChannelCounter } from './counters.js';
import { Flight } from './flight.js';
import type { Link } from './link.js';
import type { ChannelSettings } from './options.js';
import type { Receiver } from './receiver.js';

/** A channel that has no more frames than this takes from the last quarter of the pool: nobody is starved by others' queues. */
const MODEST = 8;
/** A channel with so many frames that wait to be sent leaves half of the pool to others. */
const LONG_QUEUE = 64;
/** Up to here a loop over bytes beats a call of `set`. */
const SMALL = 32;

/** The sending half of a channel: composes messages in the frames that they are sent from, so that a payload is written once. */
export class Sender {
  readonly flight: Flight;
  readonly window: SendWindow;
  readonly rtt: RttEstimator;
  /** The application was told false and waits to hear that it can send again (E5). */
  blocked = false;
  /** The pool had no frame for us: another channel's acknowledgement will tell when to try again. */
  starved = false;

  readonly #link: Link;
  readonly #maxMessage: number;
  // A message of several frames, of which some are not in frames yet.
  #message: Uint8Array | undefined = undefined;
  #total = 0;
  #offset = 0;
  #type = 0;
  #reserved = -1;
  #reservedLength = 0;
  #ending = false;
  #finQueued = false;

  constructor(
    link: Link,
    receiver: Receiver,
    settings: ChannelSettings,
    first: number,
    credit: number,
    peerMaxMessage: number,
  ) {
    this.#link = link;
    this.#maxMessage = peerMaxMessage;
    this.flight = new Flight(link, receiver, settings, first, credit);
    this.window = this.flight.window;
    this.rtt = this.flight.rtt;
  }

  /** Everything given to this side was acknowledged, the end included. */
  get finished(): boolean {
    return this.#finQueued && this.window.idle;
  }

  get endQueued(): boolean {
    return this.#finQueued;
  }

  /** All but the end was acknowledged, and the peer answered since that was sent: it is there, its reader rests. */
  get endWaits(): boolean {
    return this.#finQueued && this.flight.onlyLastWaits;
  }

  /** A long message has not wholly been put into frames: its buffer must not change yet. */
  get reading(): boolean {
    return this.#message !== undefined;
  }

  /** Another message would be taken. */
  get hasRoom(): boolean {
    if (this.#message !== undefined || this.#reserved >= 0 || !this.window.hasRoom) return false;
    const frame = this.#link.port.alloc(this.#reserve());
    if (frame < 0) this.starved = true;
    else this.#link.port.free(frame);
    return frame >= 0;
  }

  get hasWork(): boolean {
    const waits = this.#message !== undefined || (this.#ending && !this.#finQueued);
    return this.flight.hasWork || this.flight.stalled || waits;
  }

  /** Takes a message, or says false (back-pressure). */
  submit(bytes: Uint8Array, type: number): boolean {
    const length = bytes.length;
    // A reserved frame comes first: it must neither lose its place nor land between fragments.
    if (this.#message !== undefined || this.#reserved >= 0 || !this.#makeRoom()) return this.refuse();
    if (length > this.#link.maxPayload) return this.#begin(bytes, type);
    this.#checkLength(length);
    const { port, headerBytes } = this.#link;
    const frame = this.#allocate();
    if (frame < 0) return this.#starve();
    const target = port.bytes;
    const at = frame + headerBytes;
    if (length <= SMALL) for (let i = 0; i < length; i++) target[at + i] = bytes[i];
    else target.set(bytes, at);
    this.#queue(frame, Flag.first | Flag.last, length, type);
    this.#link.counters[ChannelCounter.messagesSent]++;
    return true;
  }

  /** Room for a message of `length` bytes in a frame: the offset to write it at, or -1 (back-pressure). */
  reserve(length: number): number {
    if (length > this.#link.maxPayload) {
      throw new ChannelError(
        'ERR_EMP_MESSAGE_TOO_LONG',
        `reserve(${length}) asks for more than one frame, which holds ${this.#link.maxPayload} bytes.`,
        { remedy: 'Use send() for longer messages.' },
      );
    }
    this.#checkLength(length);
    if (this.#reserved < 0) {
      if (this.#message !== undefined || !this.#makeRoom()) {
        this.refuse();
        return -1;
      }
      const frame = this.#allocate();
      if (frame < 0) {
        this.#starve();
        return -1;
      }
      this.#reserved = frame;
    }
    this.#reservedLength = length;
    return this.#reserved + this.#link.headerBytes;
  }

  commit(length: number, type: number): void {
    const frame = this.#reserved;
    if (frame < 0 || length !== (length | 0) || length < 0 || length > this.#reservedLength) {
      throw new ChannelError('ERR_EMP_ARGUMENT', `commit(${length}) does not match a reserve().`, {
        remedy: 'Call reserve(length) first, and commit an integer of at most that many bytes.',
      });
    }
    this.#reserved = -1;
    this.#queue(frame, Flag.first | Flag.last, length, type);
    this.#link.counters[ChannelCounter.messagesSent]++;
  }

  /** No more messages: a FIN follows the last one. */
  end(): void {
    this.#ending = true;
  }

  /** Back-pressure. */
  refuse(): false {
    this.blocked = true;
    this.#link.counters[ChannelCounter.backPressure]++;
    return false;
  }

  /** Room for another frame, be it by an acknowledgement that was only noted. */
  #makeRoom(): boolean {
    if (!this.window.hasRoom) this.flight.takeAcknowledgement();
    return this.window.hasRoom;
  }

  #allocate(): number {
    const { port } = this.#link;
    const frame = port.alloc(this.#reserve());
    if (frame >= 0) return frame;
    this.flight.takeAcknowledgement();
    return port.alloc(this.#reserve());
  }

  /** How many frames must stay free for others. */
  #reserve(): number {
    const { una, next, end } = this.window;
    const { reserve, port } = this.#link;
    if (((end - una) | 0) < MODEST) return reserve;
    const share = ((end - next) | 0) < LONG_QUEUE ? port.info.txFrames >> 2 : port.info.txFrames >> 1;
    return Math.max(reserve, share);
  }

  #starve(): false {
    this.starved = true;
    return this.refuse();
  }

  #checkLength(length: number): void {
    if (length <= this.#maxMessage) return;
    throw new ChannelError(
      'ERR_EMP_MESSAGE_TOO_LONG',
      `The message has ${length} bytes; the peer takes at most ${this.#maxMessage}.`,
      { remedy: 'Send it in parts, or raise maxMessage there (at most 16 MiB).' },
    );
  }

  #begin(bytes: Uint8Array, type: number): boolean {
    this.#checkLength(bytes.length);
    this.#message = bytes;
    this.#total = bytes.length;
    this.#offset = -1;
    this.#type = type;
    this.#link.counters[ChannelCounter.messagesSent]++;
    this.#fragment();
    this.pump();
    return true;
  }

  /** Puts as much of the long message into frames as there is room for. */
  #fragment(): void {
    const message = this.#message;
    if (message === undefined) return;
    const { port, headerBytes, maxPayload } = this.#link;
    const total = this.#total;
    if (message.length !== total) {
      throw new ArgumentError(`A message of ${total} bytes had ${message.length} while it was being sent.`, {
        remedy: 'Leave its buffer alone, and do not transfer it, until write() settles or onWritable.',
      });
    }
    while (this.window.hasRoom) {
      const frame = port.alloc(this.#reserve());
      if (frame < 0) {
        this.starved = true;
        return;
      }
      let at = frame + headerBytes;
      let room = maxPayload;
      let flags = 0;
      if (this.#offset < 0) {
        port.view.setUint32(at, total, true);
        at += 4;
        room -= 4;
        flags = Flag.first;
        this.#offset = 0;
      }
      const length = Math.min(room, total - this.#offset);
      port.bytes.set(message.subarray(this.#offset, this.#offset + length), at);
      this.#offset += length;
      const done = this.#offset === total;
      if (done) flags |= Flag.last;
      this.flight.put(frame, flags, at + length - frame - headerBytes, this.#type);
      if (done) {
        this.#message = undefined;
        return;
      }
    }
  }

  #queue(frame: number, flags: number, length: number, type: number): void {
    const { flight } = this;
    flight.put(frame, flags, length, type);
    if (this.window.maySend) flight.sendNext();
    flight.arm();
  }

  /** Sends everything that may be sent now: lost frames first, then new ones. */
  pump(): void {
    const { flight, window } = this;
    flight.stalled = this.starved = false;
    flight.resendLost();
    this.#fragment();
    while (window.maySend && flight.sendNext()) if (this.#message !== undefined) this.#fragment();
    if (this.#ending && !this.#finQueued && this.#message === undefined && window.hasRoom) this.#queueFin();
    flight.arm();
  }

  #queueFin(): void {
    const frame = this.#link.port.alloc(0);
    if (frame < 0) {
      this.starved = true;
      return;
    }
    if (this.#reserved >= 0) {
      this.#link.port.free(this.#reserved);
      this.#reserved = -1;
    }
    this.#finQueued = true;
    this.flight.put(frame, Flag.fin, 0, 0);
    if (this.window.maySend) this.flight.sendNext();
  }

  /** The channel has ended: gives back every frame. */
  close(): void {
    this.flight.close();
    if (this.#reserved >= 0) this.#link.port.free(this.#reserved);
    this.#reserved = -1;
    this.#message = undefined;
    this.#ending = true;
    this.#finQueued = false;
    this.blocked = this.starved = false;
  }
}
