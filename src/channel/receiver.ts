import { Arrival, ReceiveWindow } from '../arq/receiveWindow.js';
import type { ArrivalKind } from '../arq/receiveWindow.js';
import { REORDERING } from '../arq/sendWindow.js';
import { distance } from '../arq/sequence.js';
import { MAX_BITMAP } from '../wire/control.js';
import { ENTRY_BYTES, Flag, Header, aligned, readHeader } from '../wire/header.js';
import { Assembly } from './assembly.js';
import type { AssemblyEvents } from './assembly.js';
import { ChannelCounter } from './counters.js';
import type { Link } from './link.js';

/** Flags of a frame without fragments. */
const WHOLE = Flag.first | Flag.last;

/** In place of an entry's index: the frame shares the entry with others. */
export const PART = -1;

export interface ReceiverEvents extends AssemblyEvents {
  /** A message, in place: valid during the call only. */
  message(bytes: Uint8Array, offset: number, length: number, type: number): void;
  /** The peer's last frame was delivered. */
  peerEnded(): void;
}

/** The receiving half: order, duplicates, fragments, credit. */
export class Receiver {
  readonly window: ReceiveWindow;
  /** Something has to be acknowledged in this turn. */
  ackPending = false;
  /** There are holes the peer should know of in this turn. */
  sackPending = false;
  /** The reader takes no messages now; frames wait in the window and the credit shrinks. */
  paused = false;
  /** The peer's FIN was delivered: nothing more comes. */
  ended = false;

  readonly #link: Link;
  readonly #events: ReceiverEvents;
  readonly #maxMessage: number;
  /** Sequence number of a FIN that has arrived. */
  #fin = 0;
  #finArrived = false;
  #granted: number;
  /** Becomes false when the channel ends: delivery stops in the middle of a burst. */
  #open = true;
  /** Frames that have come since there is a hole the peer has not heard of; 0: it has heard of all. */
  #behindHole = 0;
  /** Messages of the frame that is being delivered, and their bytes, which are not counted yet. */
  #messages = 0;
  #bytes = 0;
  /** The header of a frame that had to wait. */
  readonly #held = new Header();
  readonly #assembly: Assembly;

  constructor(link: Link, first: number, size: number, maxMessage: number, events: ReceiverEvents) {
    this.#link = link;
    this.#events = events;
    this.#maxMessage = maxMessage;
    this.#assembly = new Assembly(link, maxMessage, events);
    this.window = new ReceiveWindow(first, size);
    this.#granted = (first + size) | 0;
  }

  /** The next sequence number expected. A FIN is acknowledged when it was delivered, so its ack means: all was consumed. */
  get acknowledgement(): number {
    return this.#finArrived && !this.ended && this.window.received === ((this.#fin + 1) | 0)
      ? this.#fin
      : this.window.received;
  }

  get credit(): number {
    return this.window.credit;
  }

  /** Acknowledgement and credit went out with a frame. */
  acknowledged(): void {
    this.ackPending = false;
    this.#granted = (this.window.delivered + this.window.size) | 0;
  }

  /** A DATA frame at `at`: entry `index` of the burst, or PART of one. */
  data(index: number, at: number, header: Header): void {
    const { window } = this;
    const arrival = window.classify(header.sequence);
    if ((header.flags & Flag.more) === 0 && arrival !== Arrival.duplicate) this.asked();
    if (arrival !== Arrival.inOrder || this.paused) return this.#keep(index, at, header, arrival);
    this.#link.counters[ChannelCounter.framesReceived]++;
    this.#noteFin(header);
    // The window moves first, so that a reply from the handler acknowledges this very frame.
    window.pass();
    this.#deliver(at, header);
    if (window.delivered !== window.received) this.drain();
  }

  /** The sender waits for an acknowledgement, and for word of the holes if there are any. */
  asked(): void {
    this.ackPending = true;
    if (this.window.hasHoles) this.sackPending = true;
  }

  /** Data after all of it has come: what the peer was told was lost. */
  again(): void {
    this.#link.counters[ChannelCounter.duplicates]++;
    this.ackPending = true;
  }

  /** A frame whose turn has not come, or has been. */
  #keep(index: number, at: number, header: Header, arrival: ArrivalKind): void {
    const { counters, port } = this.#link;
    if (arrival === Arrival.duplicate) {
      counters[ChannelCounter.duplicates]++;
      // What the peer was told may have been lost. A copy that was not resent is the wire's, or went by a second path to be sure: nobody asks.
      if ((header.flags & Flag.resent) !== 0) this.asked();
      return;
    }
    if (arrival === Arrival.outside) {
      counters[ChannelCounter.outside]++;
      return this.asked();
    }
    const held = index === PART ? port.keep(at, header.headerBytes + header.payloadLength) : port.hold(index);
    if (held < 0) {
      counters[ChannelCounter.holdFailures]++;
      return;
    }
    const { sequence } = header;
    counters[ChannelCounter.framesReceived]++;
    if (sequence !== this.window.received) counters[ChannelCounter.early]++;
    this.#noteFin(header);
    this.#noteHole(sequence);
    this.window.store(sequence, held);
    if (this.ackPending && this.window.hasHoles) this.sackPending = true;
  }

  /**
   * The peer hears of a new hole as soon as it would take it for a loss. Of an old one it hears when it asks: telling it with each early
   * frame would cost both sides more than the frames.
   */
  #noteHole(sequence: number): void {
    const isNew = distance(this.window.highest, sequence) > 0;
    if (this.#behindHole === 0 && !isNew) return;
    if (++this.#behindHole < REORDERING) return;
    this.#behindHole = 0;
    this.sackPending = true;
  }

  #noteFin(header: Header): void {
    if ((header.flags & Flag.fin) === 0) return;
    this.#fin = header.sequence;
    this.#finArrived = true;
  }

  /** Delivers what waits, as long as the reader takes it. An end needs no reader: it is told even if nobody reads. */
  drain(): void {
    const { port } = this.#link;
    const header = this.#held;
    for (let frame = this.window.peek(); frame >= 0 && this.#open; frame = this.window.peek()) {
      readHeader(port.view, frame, header);
      if (this.paused && (header.flags & Flag.fin) === 0) return;
      this.window.take();
      this.#deliver(frame, header);
      port.free(frame);
    }
  }

  /** Whether an acknowledgement is due now: something came, a hole was seen, or so much room was made that the peer should hear. */
  owesAck(): boolean {
    if (this.ackPending || this.sackPending) return true;
    const limit = (this.window.delivered + this.window.size) | 0;
    const news = distance(this.#granted, limit);
    return news >= this.window.size >> 1 || (news > 0 && distance(this.window.received, this.#granted) <= 0);
  }

  #deliver(at: number, header: Header): void {
    const { flags, payloadLength: length, messageType: type } = header;
    const payload = at + header.headerBytes;
    if (this.ended) return this.#events.violated('protocol');
    if ((flags & (WHOLE | Flag.fin | Flag.shared)) === WHOLE) {
      if (this.#assembly.active) return this.#events.violated('protocol');
      if (length > this.#maxMessage) return this.#events.violated('message-too-long');
      this.#message(payload, length, type);
      return this.#count();
    }
    if ((flags & Flag.fin) !== 0) {
      if (this.#assembly.active || length !== 0 || (flags & (WHOLE | Flag.shared)) !== 0) {
        return this.#events.violated('protocol');
      }
      this.ended = true;
      this.ackPending = true;
      return this.#events.peerEnded();
    }
    if ((flags & Flag.shared) !== 0) return this.#shared(payload, length, header);
    this.#assembly.add(flags, payload, length, type);
  }

  #message(at: number, length: number, type: number): void {
    this.#messages++;
    this.#bytes += length;
    this.#events.message(this.#link.port.bytes, at, length, type);
  }

  /** Once a frame: two counters a message would cost a flood of small ones some percent. */
  #count(): void {
    const { counters } = this.#link;
    counters[ChannelCounter.messagesReceived] += this.#messages;
    counters[ChannelCounter.bytesReceived] += this.#bytes;
    this.#messages = this.#bytes = 0;
  }

  /** Several messages in one frame. A reader that pauses meanwhile still gets the rest of them: no more than a frame holds. */
  #shared(payload: number, length: number, header: Header): void {
    const { port } = this.#link;
    if (this.#assembly.active || (header.flags & WHOLE) !== WHOLE) return this.#events.violated('protocol');
    let type = header.messageType;
    let size = header.firstLength;
    for (let at = 0; ;) {
      const end = at + size;
      if (end > length) return this.#events.violated('protocol');
      if (size > this.#maxMessage) return this.#events.violated('message-too-long');
      this.#message(payload + at, size, type);
      if (end === length || !this.#open) return this.#count();
      const entry = aligned(end);
      at = entry + ENTRY_BYTES;
      if (at > length) return this.#events.violated('protocol');
      const word = port.view.getInt32(payload + entry, true);
      size = word & 0xffff;
      type = word >>> 16;
    }
  }

  /** Writes the selective acknowledgement's bitmap at `at`; returns its length in bytes. */
  writeBitmap(at: number, room: number): number {
    const { view } = this.#link.port;
    const first = (this.window.received + 1) | 0;
    const bits = distance(first, this.window.highest);
    const bytes = Math.min((bits + 7) >> 3, MAX_BITMAP, room);
    for (let i = 0; i < bytes; i++) {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) {
        const k = i * 8 + bit;
        if (k < bits && this.window.has((first + k) | 0)) byte |= 1 << bit;
      }
      view.setUint8(at + i, byte);
    }
    return Math.max(bytes, 0);
  }

  /** The channel has ended: gives back every frame. */
  close(): void {
    this.#open = false;
    this.#count();
    this.#assembly.close();
    for (let frame = this.window.drain(); frame >= 0; frame = this.window.drain()) this.#link.port.free(frame);
    this.ackPending = this.sackPending = false;
  }
}
