import { HANDSHAKE_BYTES, REASON_BYTES, writeHandshake, writeReason } from '../../../src/wire/control.js';
import {
  acknowledgementOf,
  destinationOf,
  Flag,
  FrameType,
  HEADER_BYTES,
  sequenceOf,
  sourceOf,
  typeOf,
} from '../../../src/wire/header.js';
import type { Reader } from '../reader.js';
import { compose, type Fields } from './compose.js';

/** One end of a channel of the host, played by the fuzzer. */
interface Part {
  readonly mine: number;
  theirs: number;
  /** Ours to send next, and theirs that we expect next. */
  next: number;
  expected: number;
}

/** What an input may change of a frame that would be right: a bit each. */
const Change = {
  flags: 0x01,
  destination: 0x02,
  source: 0x04,
  sequence: 0x08,
  acknowledgement: 0x10,
  credit: 0x20,
  length: 0x40,
  header: 0x80,
} as const;
const ID = 0x00770000;
const FIRST = -8; // near the wrap of signed numbers
const CREDIT = 64;

/** Plays the other end of the host's channels: it knows their ids and where they are, and makes frames that are nearly right. */
export class Puppet {
  readonly #parts: Part[] = [];

  /** The host has sent us something. */
  hear(bytes: Uint8Array): void {
    if (bytes.length < HEADER_BYTES) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const type = typeOf(view, 0);
    if (type === FrameType.connect) {
      const part = this.#part(sourceOf(view, 0));
      part.expected = sequenceOf(view, 0);
      return;
    }
    const part = this.#parts.find(({ mine }) => mine === destinationOf(view, 0));
    if (part === undefined) return;
    if (type === FrameType.accept) {
      part.theirs = sourceOf(view, 0);
      part.expected = sequenceOf(view, 0);
    }
    if (type === FrameType.data && ((sequenceOf(view, 0) - part.expected) | 0) >= 0) {
      part.expected = (sequenceOf(view, 0) + 1) | 0;
    }
    // What the host acknowledges it has had, whoever sent it.
    if (type === FrameType.ack && ((acknowledgementOf(view, 0) - part.next) | 0) > 0) {
      part.next = acknowledgementOf(view, 0);
    }
  }

  #part(theirs: number): Part {
    const mine = ID + this.#parts.length + 1;
    const part = { mine, theirs, next: FIRST, expected: 0 };
    this.#parts.push(part);
    return part;
  }

  /** Another connection is asked for. */
  connect(input: Reader, port: number): Uint8Array {
    this.#part(0);
    return this.#frame(input, FrameType.connect, this.#parts.length - 1, port);
  }

  /** A frame of a type, on one of the channels. */
  frame(input: Reader, type: number, port: number): Uint8Array {
    if (this.#parts.length === 0) this.#part(0);
    return this.#frame(input, type, input.byte() % this.#parts.length, port);
  }

  #frame(input: Reader, type: number, index: number, port: number): Uint8Array {
    const part = this.#parts[index];
    const change = input.byte();
    const fields = this.#right(input, type, part, port);
    if ((change & Change.flags) !== 0) fields.flags = input.byte();
    if ((change & Change.destination) !== 0) fields.destination = input.int();
    if ((change & Change.source) !== 0) fields.source = input.int();
    if ((change & Change.sequence) !== 0) fields.sequence = (fields.sequence + input.signed()) | 0;
    if ((change & Change.acknowledgement) !== 0) fields.acknowledgement = (fields.acknowledgement + input.signed()) | 0;
    if ((change & Change.credit) !== 0) fields.credit = input.word();
    if ((change & Change.length) !== 0) fields.claimedLength = input.word();
    if ((change & Change.header) !== 0) this.#claim(input, fields);
    if (type === FrameType.data && fields.sequence === part.next) part.next = (part.next + 1) | 0;
    return compose(fields);
  }

  #claim(input: Reader, fields: Fields): void {
    const words = input.byte();
    if (words !== 0) fields.claimedWords = words;
    else fields.claimedVersion = input.byte() & 0xf;
  }

  #right(input: Reader, type: number, part: Part, port: number): Fields {
    const fields: Fields = {
      type,
      flags: 0,
      messageType: 0,
      destination: type === FrameType.connect ? 0 : part.theirs,
      source: part.mine,
      sequence: part.next,
      acknowledgement: part.expected,
      credit: CREDIT,
      firstLength: 0,
      payload: new Uint8Array(0),
      claimedLength: undefined,
      claimedWords: undefined,
      claimedVersion: undefined,
    };
    if (type === FrameType.data) Object.assign(fields, data(input));
    else fields.payload = controlPayload(input, type, port);
    if (type !== FrameType.data && fields.payload.length > 0) fields.flags = Flag.payloadCheck;
    return fields;
  }
}

/** The flags and the payload of a DATA frame: whole, a fragment, shared or the end. */
function data(input: Reader): Partial<Fields> {
  const kind = input.byte();
  const check = (kind & 0x80) === 0 ? Flag.payloadCheck : 0;
  const payload = input.take(input.byte());
  switch (kind & 7) {
    case 0:
      return { flags: Flag.fin | check };
    case 1: // the first fragment names the length of the whole message
      return { flags: Flag.first | check, payload };
    case 2:
      return { flags: check, payload };
    case 3:
      return { flags: Flag.last | check, payload };
    case 4:
      return { flags: Flag.first | Flag.last | Flag.shared | check, firstLength: input.byte(), payload };
    case 5:
      return { flags: Flag.first | Flag.last | Flag.more | check, payload };
    default:
      return { flags: Flag.first | Flag.last | check, payload };
  }
}

function controlPayload(input: Reader, type: number, port: number): Uint8Array {
  if (type === FrameType.connect || type === FrameType.accept) {
    const bytes = new Uint8Array(HANDSHAKE_BYTES);
    const options = input.byte();
    writeHandshake(new DataView(bytes.buffer), 0, {
      port: (options & 0x80) === 0 ? port : input.int() >>> 0,
      mtu: (options & 0x40) === 0 ? 512 : input.word(),
      window: (options & 0x20) === 0 ? 16 : input.word(),
      version: 1,
      payloadCheck: (options & 1) !== 0,
      coalesces: (options & 2) !== 0,
      maxMessage: (options & 0x10) === 0 ? 65_536 : input.int() >>> 0,
    });
    return bytes;
  }
  if (type === FrameType.refuse || type === FrameType.reset) {
    const bytes = new Uint8Array(REASON_BYTES);
    writeReason(new DataView(bytes.buffer), 0, input.byte(), 1);
    return bytes;
  }
  return type === FrameType.ack ? input.take(input.byte()) : new Uint8Array(0);
}
