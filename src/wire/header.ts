/**
 * The EMP frame header, version 1, as `docs/wire.md` describes it byte by byte. A frame is a place in memory (a DataView and an offset):
 * nothing here makes an object. All fields are little-endian, so that the words which are checked are the words as stored.
 */
import { hashBytes, hashHeader, hashLongHeader } from './check.js';

export const VERSION = 1;
export const ETHERTYPE = 0x88b5;
export const UDP_PORT = 0x88b5;

/** Bytes of the header without extensions. */
export const HEADER_BYTES = 32;
/** Bytes of the header with the payload check. */
export const CHECKED_HEADER_BYTES = 36;

export const FrameType = {
  connect: 1,
  accept: 2,
  refuse: 3,
  data: 4,
  ack: 5,
  reset: 6,
  probe: 7,
  /** Between machines with several NICs, of no channel: which NIC reaches which (`wire/path.ts`). */
  path: 8,
} as const;

export const Flag = {
  /** The payload begins a message. */
  first: 0x01,
  /** The payload ends a message. */
  last: 0x02,
  /** The word behind the fixed header checks the payload. */
  payloadCheck: 0x04,
  /** The sender's last frame: it sends no more messages. */
  fin: 0x08,
  /** This frame was sent before. For counters and people; the protocol does not depend on it. */
  resent: 0x10,
  /** The payload holds several whole messages. */
  shared: 0x20,
  /** More frames of the channel follow at once: the acknowledgement can wait for them. */
  more: 0x40,
} as const;
const KNOWN_FLAGS = 0x7f;

/** Byte offsets of the fields. */
export const Offset = {
  versionType: 0,
  flags: 1,
  length: 2,
  headerWords: 4,
  path: 5,
  messageType: 6,
  destination: 8,
  source: 12,
  sequence: 16,
  acknowledgement: 20,
  credit: 24,
  firstLength: 26,
  headerCheck: 28,
  payloadCheck: 32,
} as const;

const HEADER_SEED = 0x31504d45; // "EMP1"
const PAYLOAD_SEED = 0x70504d45; // "EMPp"

/** Why a frame was not taken. Each has a counter; decoding never throws. */
export const Reject = {
  ok: 0,
  /** Fewer bytes than a header. */
  short: 1,
  /** The header length is below the minimum or beyond the frame. */
  headerLength: 2,
  headerCheck: 3,
  version: 4,
  type: 5,
  flags: 6,
  /** The payload length reaches beyond the frame. */
  payloadLength: 7,
  payloadCheck: 8,
} as const;
export type RejectReason = (typeof Reject)[keyof typeof Reject];
export const REJECT_REASONS = 9;
export const rejectNames: readonly string[] = Object.keys(Reject);

/** Word 0: version, type, flags, payload length. */
export function word0(type: number, flags: number, payloadLength: number): number {
  return (VERSION << 4) | type | (flags << 8) | (payloadLength << 16);
}

/** Word 1: header length in words, path, message type. */
export function word1(headerWords: number, messageType: number): number {
  return headerWords | (messageType << 16);
}

/** Bytes before every message but the first in a shared frame: its length and its type. */
export const ENTRY_BYTES = 4;

/** Where the entry behind `bytes` bytes of payload begins. */
export function aligned(bytes: number): number {
  return (bytes + 3) & ~3;
}

export function writeEntry(view: DataView, at: number, length: number, type: number): void {
  view.setInt32(at, length | (type << 16), true);
}

/**
 * Word 6 of a frame, the acknowledging side's credit aside.
 * @param firstLength of a shared frame: bytes of its first message; else 0
 */
export function word6(firstLength: number): number {
  return firstLength << 16;
}

/**
 * Writes a whole header. The word of the payload check, if `w1` has room for one, is there already.
 * @param w6 the credit, and `word6`
 */
export function writeHeader(
  view: DataView,
  at: number,
  w0: number,
  w1: number,
  destination: number,
  source: number,
  sequence: number,
  acknowledgement: number,
  w6: number,
): void {
  view.setInt32(at, w0, true);
  view.setInt32(at + 4, w1, true);
  view.setInt32(at + 8, destination, true);
  view.setInt32(at + 12, source, true);
  view.setInt32(at + 16, sequence, true);
  view.setInt32(at + 20, acknowledgement, true);
  view.setInt32(at + 24, w6, true);
  view.setInt32(at + 28, headerCheck(view, at, w1 & 0xff), true);
}

function headerCheck(view: DataView, at: number, words: number): number {
  return words === 8 || words === 9
    ? hashHeader(view, at, words, HEADER_SEED)
    : hashLongHeader(view, at, words, HEADER_SEED);
}

/** Writes the check of the `length` bytes of payload behind a header with room for it; before `writeHeader`, which covers it. */
export function writePayloadCheck(view: DataView, at: number, length: number): void {
  view.setInt32(at + Offset.payloadCheck, payloadCheck(view, at + CHECKED_HEADER_BYTES, length), true);
}

function payloadCheck(view: DataView, at: number, length: number): number {
  return hashBytes(view, at, length, PAYLOAD_SEED);
}

/** A header, decoded once: plain small integers, so that filling it allocates nothing. One object serves for every frame. */
export class Header {
  type = 0;
  flags = 0;
  headerBytes = 0;
  payloadLength = 0;
  messageType = 0;
  destination = 0;
  source = 0;
  sequence = 0;
  acknowledgement = 0;
  credit = 0;
  /** Of a shared frame: bytes of its first message. */
  firstLength = 0;
}

/**
 * Decodes the `length` bytes at `at` if they are a frame of this version; the reason if not. The fixed header and its check are the
 * same in all versions, so a damaged frame of another version counts as damaged, and `version` can be trusted. `header` is filled if the
 * header is sound, so with `payloadCheck`, too.
 */
export function decode(view: DataView, at: number, length: number, header: Header): RejectReason {
  if (length < HEADER_BYTES) return Reject.short;
  const w0 = view.getInt32(at, true);
  const w1 = view.getInt32(at + 4, true);
  const w2 = view.getInt32(at + 8, true);
  const w3 = view.getInt32(at + 12, true);
  const w4 = view.getInt32(at + 16, true);
  const w5 = view.getInt32(at + 20, true);
  const w6 = view.getInt32(at + 24, true);
  const words = w1 & 0xff;
  const headerBytes = words << 2;
  if (words < 8 || headerBytes > length) return Reject.headerLength;
  if (headerCheck(view, at, words) !== view.getInt32(at + 28, true)) return Reject.headerCheck;
  if (((w0 >> 4) & 0xf) !== VERSION) return Reject.version;
  const type = w0 & 0xf;
  if (type < FrameType.connect || type > FrameType.path) return Reject.type;
  const flags = (w0 >> 8) & 0xff;
  if ((flags & ~KNOWN_FLAGS) !== 0) return Reject.flags;
  const payloadLength = w0 >>> 16;
  if (headerBytes + payloadLength > length) return Reject.payloadLength;
  if (type !== FrameType.data && payloadLength > 0 && (flags & Flag.payloadCheck) === 0) return Reject.flags;
  if ((flags & Flag.payloadCheck) !== 0 && words < 9) return Reject.headerLength;
  fill(header, w0, w1, w2, w3, w4, w5, w6);
  if ((flags & Flag.payloadCheck) !== 0) {
    if (payloadCheck(view, at + headerBytes, payloadLength) !== view.getInt32(at + 32, true))
      return Reject.payloadCheck;
  }
  return Reject.ok;
}

function fill(
  header: Header,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
  w4: number,
  w5: number,
  w6: number,
): void {
  header.type = w0 & 0xf;
  header.flags = (w0 >> 8) & 0xff;
  header.headerBytes = (w1 & 0xff) << 2;
  header.payloadLength = w0 >>> 16;
  header.messageType = w1 >>> 16;
  header.destination = w2;
  header.source = w3;
  header.sequence = w4;
  header.acknowledgement = w5;
  header.credit = w6 & 0xffff;
  header.firstLength = w6 >>> 16;
}

/** Whether another frame stands at `next`, before `end`: what Ethernet pads with is shorter, and a frame does not begin with a 0. */
export function follows(view: DataView, next: number, end: number): boolean {
  return end - next >= HEADER_BYTES && view.getUint8(next) !== 0;
}

/** The header of a frame that was decoded before. */
export function readHeader(view: DataView, at: number, header: Header): void {
  fill(
    header,
    view.getInt32(at, true),
    view.getInt32(at + 4, true),
    view.getInt32(at + 8, true),
    view.getInt32(at + 12, true),
    view.getInt32(at + 16, true),
    view.getInt32(at + 20, true),
    view.getInt32(at + 24, true),
  );
}

const scratch = new Header();

/** Whether the `length` bytes at `at` are a frame of this version; the reason if not. */
export function inspect(view: DataView, at: number, length: number): RejectReason {
  return decode(view, at, length, scratch);
}

export function versionOf(view: DataView, at: number): number {
  return view.getUint8(at) >> 4;
}
export function typeOf(view: DataView, at: number): number {
  return view.getUint8(at) & 0xf;
}
export function flagsOf(view: DataView, at: number): number {
  return view.getUint8(at + Offset.flags);
}
export function payloadLengthOf(view: DataView, at: number): number {
  return view.getUint16(at + Offset.length, true);
}
/** Bytes from the start of the header to the payload. */
export function headerBytesOf(view: DataView, at: number): number {
  return view.getUint8(at + Offset.headerWords) << 2;
}
export function messageTypeOf(view: DataView, at: number): number {
  return view.getUint16(at + Offset.messageType, true);
}
export function destinationOf(view: DataView, at: number): number {
  return view.getInt32(at + Offset.destination, true);
}
export function sourceOf(view: DataView, at: number): number {
  return view.getInt32(at + Offset.source, true);
}
export function sequenceOf(view: DataView, at: number): number {
  return view.getInt32(at + Offset.sequence, true);
}
export function acknowledgementOf(view: DataView, at: number): number {
  return view.getInt32(at + Offset.acknowledgement, true);
}
export function creditOf(view: DataView, at: number): number {
  return view.getUint16(at + Offset.credit, true);
}
