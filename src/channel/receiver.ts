import { Arrival, ReceiveWindow } from '../arq/receiveWindow.js';
import type { ArrivalKind } from '../arq/receiveWindow.js';
import { distance } from '../arq/sequence.js';
import { Flag, Header, readHeader } from '../wire/header.js';
import { ChannelCounter } from './counters.js';
import type { Link } from './link.js';

/** Bytes set aside for a message of several frames when its first one comes. */
const FIRST_ROOM = 1 << 20;
/** The largest selective acknowledgement, bytes of bitmap: a window of 4096 frames. */
const MAX_BITMAP = 512;

export interface ReceiverEvents {
  /** A message, in place: valid during the call only. */
  message(bytes: Uint8Array, offset: number, length: number, type: number): void;
  /** The peer's last frame was delivered. */
  peerEnded(): void;
  violated(reason: 'protocol' | 'message-too-long' | 'no-memory'): void;
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
  /** The header of a frame that had to wait. */
  readonly #held = new Header();
  // The message being put together from fragments.
  #assembly: Uint8Array | undefined = undefined;
  #total = 0;
  #filled = 0;
  #type = 0;

  constructor(link: Link, first: number, size: number, maxMessage: number, events: ReceiverEvents) {
    this.#link = link;
    this.#events = events;
    this.#maxMessage = maxMessage;
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

  /** Entry `index` of the burst, a DATA frame at `at`. */
  data(index: number, at: number, header: Header): void {
    const { window } = this;
    this.ackPending = true;
    const arrival = window.classify(header.sequence);
    if (arrival !== Arrival.inOrder || this.paused) return this.#keep(index, header, arrival);
    this.#link.counters[ChannelCounter.framesReceived]++;
    this.#noteFin(header);
    // The window moves first, so that a reply from the handler acknowledges this very frame.
    window.pass();
    this.#deliver(at, header);
    if (window.delivered !== window.received) this.drain();
    if (window.hasHoles) this.sackPending = true;
  }

  /** A frame whose turn has not come, or has been. */
  #keep(index: number, header: Header, arrival: ArrivalKind): void {
    const { counters, port } = this.#link;
    if (arrival === Arrival.duplicate) {
      counters[ChannelCounter.duplicates]++;
      return;
    }
    if (arrival === Arrival.outside) {
      counters[ChannelCounter.outside]++;
      return;
    }
    const held = port.hold(index);
    if (held < 0) {
      counters[ChannelCounter.holdFailures]++;
      return;
    }
    const { sequence } = header;
    counters[ChannelCounter.framesReceived]++;
    if (sequence !== this.window.received) counters[ChannelCounter.early]++;
    this.#noteFin(header);
    this.window.store(sequence, held);
    if (this.window.hasHoles) this.sackPending = true;
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
    const { port, counters } = this.#link;
    const { flags, payloadLength: length, messageType: type } = header;
    const payload = at + header.headerBytes;
    counters[ChannelCounter.bytesReceived] += length;
    if (this.ended) return this.#events.violated('protocol');
    if ((flags & (Flag.first | Flag.last | Flag.fin)) === (Flag.first | Flag.last)) {
      if (this.#assembly !== undefined) return this.#events.violated('protocol');
      if (length > this.#maxMessage) return this.#events.violated('message-too-long');
      counters[ChannelCounter.messagesReceived]++;
      return this.#events.message(port.bytes, payload, length, type);
    }
    if ((flags & Flag.fin) !== 0) {
      if (this.#assembly !== undefined || length !== 0 || (flags & (Flag.first | Flag.last)) !== 0) {
        return this.#events.violated('protocol');
      }
      this.ended = true;
      this.ackPending = true;
      return this.#events.peerEnded();
    }
    this.#fragment(flags, payload, length, type);
  }

  #fragment(flags: number, payload: number, length: number, type: number): void {
    const { port, counters } = this.#link;
    if ((flags & Flag.first) !== 0) {
      if (this.#assembly !== undefined || length < 4) return this.#events.violated('protocol');
      const total = port.view.getUint32(payload, true);
      if (total > this.#maxMessage) return this.#events.violated('message-too-long');
      // It grows with what has arrived: who only says that a long message comes does not make us reserve it.
      this.#assembly = this.#room(Math.min(total, FIRST_ROOM));
      if (this.#assembly === undefined) return;
      this.#total = total;
      this.#filled = 0;
      this.#type = type;
      payload += 4;
      length -= 4;
    }
    if (this.#assembly === undefined || this.#filled + length > this.#total) return this.#events.violated('protocol');
    const assembly = this.#grown(this.#assembly, this.#filled + length);
    if (assembly === undefined) return;
    assembly.set(port.bytes.subarray(payload, payload + length), this.#filled);
    this.#filled += length;
    if ((flags & Flag.last) === 0) return;
    if (this.#filled !== this.#total) return this.#events.violated('protocol');
    this.#assembly = undefined;
    counters[ChannelCounter.messagesReceived]++;
    this.#events.message(assembly, 0, this.#total, this.#type);
  }

  #grown(assembly: Uint8Array, needed: number): Uint8Array | undefined {
    if (needed <= assembly.length) return assembly;
    const larger = this.#room(Math.min(this.#total, Math.max(needed, assembly.length * 4)));
    larger?.set(assembly.subarray(0, this.#filled));
    this.#assembly = larger;
    return larger;
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
    this.#assembly = undefined;
    for (let frame = this.window.drain(); frame >= 0; frame = this.window.drain()) this.#link.port.free(frame);
    this.ackPending = this.sackPending = false;
  }
}
