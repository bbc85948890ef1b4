/**
 * The EMP frame header, version 1, as `docs/wire.md` describes it byte by byte. A frame is a place in memory (a DataView and an offset):
 * nothing here makes an object. All fields are little-endian, so that the words which are checked are the words as stored.
 */
import { hashBytes, hashWords, hashWords9 } from './check.js';

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
} as const;
const KNOWN_FLAGS = 0x1f;

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
  reserved: 26,
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

/** Writes a whole header, without extensions, in eight stores. */
export function writeHeader(
  view: DataView,
  at: number,
  w0: number,
  w1: number,
  destination: number,
  source: number,
  sequence: number,
  acknowledgement: number,
  credit: number,
): void {
  view.setInt32(at, w0, true);
  view.setInt32(at + 4, w1, true);
  view.setInt32(at + 8, destination, true);
  view.setInt32(at + 12, source, true);
  view.setInt32(at + 16, sequence, true);
  view.setInt32(at + 20, acknowledgement, true);
  view.setInt32(at + 24, credit, true);
  // The check field itself counts as zero.
  const check = hashWords(HEADER_SEED, w0, w1, destination, source, sequence, acknowledgement, credit, 0);
  view.setInt32(at + 28, check, true);
}

/** Writes a header whose payload check (from `payloadCheck`) follows it. */
export function writeCheckedHeader(
  view: DataView,
  at: number,
  w0: number,
  w1: number,
  destination: number,
  source: number,
  sequence: number,
  acknowledgement: number,
  credit: number,
  payload: number,
): void {
  view.setInt32(at, w0, true);
  view.setInt32(at + 4, w1, true);
  view.setInt32(at + 8, destination, true);
  view.setInt32(at + 12, source, true);
  view.setInt32(at + 16, sequence, true);
  view.setInt32(at + 20, acknowledgement, true);
  view.setInt32(at + 24, credit, true);
  view.setInt32(at + 32, payload, true);
  const check = hashWords9(HEADER_SEED, w0, w1, destination, source, sequence, acknowledgement, credit, 0, payload);
  view.setInt32(at + 28, check, true);
}

/** The check of a payload, for the word behind the header. */
export function payloadCheck(view: DataView, at: number, length: number): number {
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
}

/**
 * Decodes the `length` bytes at `at` if they are a frame of this version; the reason if not. The fixed header and its check are the
 * same in all versions, so a damaged frame of another version counts as damaged, and `version` can be trusted.
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
  const check =
    words === 8
      ? hashWords(HEADER_SEED, w0, w1, w2, w3, w4, w5, w6, 0)
      : words === 9
        ? hashWords9(HEADER_SEED, w0, w1, w2, w3, w4, w5, w6, 0, view.getInt32(at + 32, true))
        : extendedCheck(view, at, words);
  if (check !== view.getInt32(at + 28, true)) return Reject.headerCheck;
  if (((w0 >> 4) & 0xf) !== VERSION) return Reject.version;
  const type = w0 & 0xf;
  if (type < FrameType.connect || type > FrameType.probe) return Reject.type;
  const flags = (w0 >> 8) & 0xff;
  if ((flags & ~KNOWN_FLAGS) !== 0) return Reject.flags;
  const payloadLength = w0 >>> 16;
  if (headerBytes + payloadLength > length) return Reject.payloadLength;
  if (type !== FrameType.data && payloadLength > 0 && (flags & Flag.payloadCheck) === 0) return Reject.flags;
  if ((flags & Flag.payloadCheck) !== 0) {
    if (words < 9) return Reject.headerLength;
    if (payloadCheck(view, at + headerBytes, payloadLength) !== view.getInt32(at + 32, true))
      return Reject.payloadCheck;
  }
  fill(header, w0, w1, w2, w3, w4, w5, w6);
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

/** Extensions of a later version: rare, so the simple way: over a copy with the check field zeroed. */
function extendedCheck(view: DataView, at: number, words: number): number {
  const copy = new DataView(new ArrayBuffer(words << 2));
  for (let i = 0; i < words; i++) if (i !== 7) copy.setInt32(i << 2, view.getInt32(at + (i << 2), true), true);
  return hashBytes(copy, 0, words << 2, HEADER_SEED);
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
