import type { RttEstimator } from '../arq/rtt.js';
import type { SendWindow } from '../arq/sendWindow.js';
import { ArgumentError, ChannelError } from '../errors.js';
import { Flag } from '../wire/header.js';
import { ChannelCounter } from './counters.js';
import { Flight } from './flight.js';
import type { Link } from './link.js';
import type { ChannelSettings } from './options.js';
import type { Receiver } from './receiver.js';
import { Share } from './share.js';
import { SharedFrame } from './sharedFrame.js';

/** Up to here a loop over bytes beats a call of `set`. */
const SMALL = 32;
/** Fragments between two doorbells: what the nearest cache holds, and what the kernel takes at once. */
const BURST = 32;

/** The sending half of a channel: composes messages in the frames that they are sent from, so that a payload is written once. */
export class Sender {
  readonly flight: Flight;
  readonly window: SendWindow;
  readonly rtt: RttEstimator;
  readonly share: Share;
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
  readonly #shared: SharedFrame;
  /** What `reserve` has promised, bytes; -1: nothing. */
  #reserved = -1;
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
    this.#shared = new SharedFrame(link);
    this.window = this.flight.window;
    this.rtt = this.flight.rtt;
    this.share = new Share(link, this.window);
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

  /** Another message would be taken, if it is not too long for what is left of the frame that is being filled. */
  get hasRoom(): boolean {
    if (this.#message !== undefined || this.#reserved >= 0) return false;
    if (this.#shared.isOpen) return true;
    if (!this.window.hasRoom) return false;
    this.starved = !this.share.hasSome;
    return !this.starved;
  }

  get hasWork(): boolean {
    const waits = this.#message !== undefined || this.#shared.isOpen || (this.#ending && !this.#finQueued);
    return this.flight.hasWork || this.flight.stalled || waits;
  }

  /** Takes a message, or says false (back-pressure). */
  submit(bytes: Uint8Array, type: number): boolean {
    const { length } = bytes;
    // What is reserved comes first: it must neither lose its place nor land between fragments.
    if (this.#message !== undefined || this.#reserved >= 0) return this.refuse();
    if (length > this.#link.maxPayload) return this.#begin(bytes, type);
    const at = this.#place(length);
    if (at < 0) return false;
    const target = this.#link.port.bytes;
    if (length <= SMALL) for (let i = 0; i < length; i++) target[at + i] = bytes[i];
    else target.set(bytes, at);
    this.#shared.add(length, type);
    return true;
  }

  /**
   * Room for a message of `length` bytes in a frame: the offset to write it at, or -1 (back-pressure). The promise holds until `release`, at
   * the end of the turn: then the frame goes, or back if nothing came into it.
   */
  reserve(length: number): number {
    if (length > this.#link.maxPayload) {
      throw new ChannelError(
        'ERR_EMP_MESSAGE_TOO_LONG',
        `reserve(${length}) asks for more than one frame, which holds ${this.#link.maxPayload} bytes.`,
        { remedy: 'Use send() for longer messages.' },
      );
    }
    this.#reserved = -1;
    if (this.#message !== undefined) {
      this.refuse();
      return -1;
    }
    const at = this.#place(length);
    if (at >= 0) this.#reserved = length;
    return at;
  }

  commit(length: number, type: number): void {
    if (length !== (length | 0) || length < 0 || length > this.#reserved) {
      throw new ArgumentError(`commit(${length}) does not match a reserve().`, {
        remedy: 'Call reserve(length) first, and commit an integer of at most that many bytes, in the same turn.',
      });
    }
    this.#reserved = -1;
    this.#shared.add(length, type);
  }

  /** Where the next message goes: behind others in the frame that is being filled, or in a new one. -1: back-pressure. */
  #place(length: number): number {
    this.#checkLength(length);
    const shared = this.#shared;
    if (shared.isOpen) {
      const at = shared.place(length);
      if (at >= 0) return at;
      this.#closeShared(true);
    }
    if (!this.#makeRoom()) {
      this.refuse();
      return -1;
    }
    const frame = this.#allocate();
    if (frame < 0) {
      this.#starve();
      return -1;
    }
    shared.open(frame);
    return shared.place(length);
  }

  /**
   * The frame that is being filled is queued; one without messages goes back. It has had its place in the window since it was opened:
   * whatever else is queued closes it first.
   */
  #closeShared(follows = false): void {
    const { flight } = this;
    this.#reserved = -1;
    if (this.#shared.messages === 0) return this.#shared.close();
    this.#shared.put(flight);
    if (this.window.maySend) flight.sendNext(follows);
    else if (this.window.waiting === 1) flight.countStall();
  }

  /**
   * The end of a turn: promises are void, and the frame that is being filled goes. If others before it wait, it does as well, and takes
   * more: what lets them go lets it go.
   */
  release(): void {
    this.#reserved = -1;
    if (this.#shared.messages === 0 || this.window.next === this.window.end) this.#closeShared();
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
    if (!this.window.hasRoom) this.flight.takeAcknowledgementNow();
    return this.window.hasRoom;
  }

  #allocate(): number {
    const frame = this.share.take();
    if (frame >= 0) return frame;
    this.flight.takeAcknowledgementNow();
    return this.share.take();
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
      { remedy: 'Send it in parts, or raise maxMessage there (at most 1 GiB).' },
    );
  }

  #begin(bytes: Uint8Array, type: number): boolean {
    this.#checkLength(bytes.length);
    this.#closeShared();
    if (!this.#makeRoom()) return this.refuse();
    this.#message = bytes;
    this.#total = bytes.length;
    this.#offset = -1;
    this.#type = type;
    const { counters } = this.#link;
    counters[ChannelCounter.messagesSent]++;
    counters[ChannelCounter.bytesSent] += this.#total;
    this.pump();
    return true;
  }

  /**
   * Puts the next piece of the long message into a frame, just before it is sent: its bytes are in the nearest cache then when the kernel
   * copies them.
   * @returns whether there was a piece, and a frame for it
   */
  #fragment(): boolean {
    const message = this.#message;
    if (message === undefined) return false;
    const { port, headerBytes, maxPayload } = this.#link;
    const total = this.#total;
    if (message.length !== total) {
      throw new ArgumentError(`A message of ${total} bytes had ${message.length} while it was being sent.`, {
        remedy: 'Leave its buffer alone, and do not transfer it, until write() settles or onWritable.',
      });
    }
    const frame = this.share.take();
    if (frame < 0) {
      this.starved = true;
      return false;
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
    if (this.#offset === total) {
      flags |= Flag.last;
      this.#message = undefined;
    }
    this.flight.put(frame, flags, at + length - frame - headerBytes, this.#type, 0);
    return true;
  }

  /** Sends everything that may be sent now: lost frames first, then new ones. */
  pump(): void {
    const { flight, window } = this;
    const before = window.next;
    flight.stalled = this.starved = false;
    flight.resendLost();
    let burst = 0;
    while (window.next !== window.end || this.#fragment()) {
      if (!window.maySend || !flight.sendNext(this.#message !== undefined)) break;
      if (++burst % BURST === 0) this.#link.flush();
    }
    this.release();
    if (window.waiting > 0 && window.next !== before && !flight.stalled) flight.countStall();
    if (this.#ending && !this.#finQueued && this.#message === undefined) this.#queueFin();
  }

  #queueFin(): void {
    this.#closeShared();
    if (!this.window.hasRoom) return;
    const frame = this.#link.port.alloc(0);
    if (frame < 0) {
      this.starved = true;
      return;
    }
    this.#finQueued = true;
    this.flight.put(frame, Flag.fin, 0, 0, 0);
    if (this.window.maySend) this.flight.sendNext(false);
  }

  /** The channel has ended: gives back every frame. */
  close(): void {
    this.flight.close();
    this.#shared.close();
    this.#reserved = -1;
    this.#message = undefined;
    this.#ending = true;
    this.#finQueued = false;
    this.blocked = this.starved = false;
  }
}
