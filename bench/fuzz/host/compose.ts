import {
  aligned,
  CHECKED_HEADER_BYTES,
  Flag,
  HEADER_BYTES,
  word0,
  word1,
  word6,
  writeHeader,
  writePayloadCheck,
} from '../../../src/wire/header.js';

/** The fields of a frame, and what its header is to claim beside the truth. */
export interface Fields {
  type: number;
  flags: number;
  messageType: number;
  destination: number;
  source: number;
  sequence: number;
  acknowledgement: number;
  credit: number;
  firstLength: number;
  payload: Uint8Array;
  /** Undefined: the truth. */
  claimedLength: number | undefined;
  claimedWords: number | undefined;
  claimedVersion: number | undefined;
}

/** A frame whose checks are right, whatever else is not. */
export function compose(fields: Fields): Uint8Array {
  const { payload, flags } = fields;
  const header = (flags & Flag.payloadCheck) === 0 ? HEADER_BYTES : CHECKED_HEADER_BYTES;
  const words = fields.claimedWords ?? header >> 2;
  const bytes = new Uint8Array(Math.max(header + payload.length, words << 2));
  bytes.set(payload, header);
  const view = new DataView(bytes.buffer);
  const length = fields.claimedLength ?? payload.length;
  if (header === CHECKED_HEADER_BYTES && header + length <= bytes.length) writePayloadCheck(view, 0, length);
  const w0 = word0(fields.type, flags, length);
  writeHeader(
    view,
    0,
    fields.claimedVersion === undefined ? w0 : (w0 & ~0xf0) | (fields.claimedVersion << 4),
    word1(words, fields.messageType),
    fields.destination,
    fields.source,
    fields.sequence,
    fields.acknowledgement,
    word6(fields.firstLength) | fields.credit,
  );
  return bytes;
}

/** Frames one behind another, as in one frame of the link. */
export function together(frames: readonly Uint8Array[]): Uint8Array {
  const starts: number[] = [];
  let end = 0;
  for (const { length } of frames) {
    starts.push(aligned(end));
    end = aligned(end) + length;
  }
  const bytes = new Uint8Array(end);
  frames.forEach((one, i) => bytes.set(one, starts[i]));
  return bytes;
}
