import { HANDSHAKE_BYTES, writeHandshake, writeReason } from '../../../src/wire/control.js';
import type { Handshake } from '../../../src/wire/control.js';
import {
  CHECKED_HEADER_BYTES,
  ENTRY_BYTES,
  Flag,
  FrameType,
  HEADER_BYTES,
  Offset,
  acknowledgementOf,
  aligned,
  creditOf,
  destinationOf,
  flagsOf,
  headerBytesOf,
  messageTypeOf,
  payloadLengthOf,
  sequenceOf,
  sourceOf,
  typeOf,
  word0,
  word1,
  word6,
  writeEntry,
  writeHeader,
  writePayloadCheck,
} from '../../../src/wire/header.js';
import type { Network, Station } from './network.js';

export interface ParsedFrame {
  type: number;
  flags: number;
  destination: number;
  source: number;
  sequence: number;
  acknowledgement: number;
  credit: number;
  messageType: number;
  firstLength: number;
  payload: Uint8Array;
}

export function parse(bytes: Uint8Array): ParsedFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = headerBytesOf(view, 0);
  return {
    type: typeOf(view, 0),
    flags: flagsOf(view, 0),
    destination: destinationOf(view, 0),
    source: sourceOf(view, 0),
    sequence: sequenceOf(view, 0),
    acknowledgement: acknowledgementOf(view, 0),
    credit: creditOf(view, 0),
    messageType: messageTypeOf(view, 0),
    firstLength: view.getUint16(Offset.firstLength, true),
    payload: bytes.slice(header, header + payloadLengthOf(view, 0)),
  };
}

/** Builds a frame; what is not given is 0. */
export function build(f: Partial<ParsedFrame> & { type: number }): Uint8Array {
  const { type, destination = 0, source = 0, sequence = 0, acknowledgement = 0, credit = 0 } = f;
  const { messageType = 0, firstLength = 0 } = f;
  const payload = f.payload ?? new Uint8Array(0);
  const isChecked = payload.length > 0 && type !== FrameType.data;
  const header = isChecked ? CHECKED_HEADER_BYTES : HEADER_BYTES;
  const bytes = new Uint8Array(header + payload.length);
  bytes.set(payload, header);
  const view = new DataView(bytes.buffer);
  const w0 = word0(type, (f.flags ?? 0) | (isChecked ? Flag.payloadCheck : 0), payload.length);
  const w1 = word1(header >> 2, messageType);
  if (isChecked) writePayloadCheck(view, 0, payload.length);
  writeHeader(view, 0, w0, w1, destination, source, sequence, acknowledgement, word6(firstLength) | credit);
  return bytes;
}

export interface ParsedMessage {
  type: number;
  bytes: Uint8Array;
}

/** The messages of a frame without fragments; undefined if it makes no sense. Another way than the receiver's: from the documentation. */
export function messagesOf({ flags, messageType, firstLength, payload }: ParsedFrame): ParsedMessage[] | undefined {
  if ((flags & Flag.shared) === 0) return [{ type: messageType, bytes: payload }];
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const found: ParsedMessage[] = [];
  let [type, start, end] = [messageType, 0, firstLength];
  while (end <= payload.length) {
    found.push({ type, bytes: payload.slice(start, end) });
    if (end === payload.length) return found;
    const entry = Math.ceil(end / 4) * 4;
    if (entry + 4 > payload.length) return undefined;
    type = view.getUint16(entry + 2, true);
    start = entry + 4;
    end = start + view.getUint16(entry, true);
  }
  return undefined;
}

/** The fields of a frame that such messages share. */
export function sharing(messages: readonly ParsedMessage[]) {
  const payload = new Uint8Array(
    messages.reduce((at, { bytes }) => aligned(at) + ENTRY_BYTES + bytes.length, -ENTRY_BYTES),
  );
  let end = -ENTRY_BYTES;
  for (const { type, bytes } of messages) {
    const entry = aligned(end);
    if (entry >= 0) writeEntry(new DataView(payload.buffer), entry, bytes.length, type);
    payload.set(bytes, entry + ENTRY_BYTES);
    end = entry + ENTRY_BYTES + bytes.length;
  }
  const [{ type: messageType, bytes }] = messages;
  return { flags: Flag.first | Flag.last | Flag.shared, messageType, firstLength: bytes.length, payload };
}

const HANDSHAKE: Handshake = {
  port: 0,
  mtu: 512,
  window: 16,
  version: 1,
  payloadCheck: false,
  coalesces: false,
  maxMessage: 1 << 20,
};

export function handshake(changes: Partial<Handshake> = {}): Uint8Array {
  const bytes = new Uint8Array(HANDSHAKE_BYTES);
  writeHandshake(new DataView(bytes.buffer), 0, { ...HANDSHAKE, ...changes });
  return bytes;
}

export function reason(code: number, version = 1): Uint8Array {
  const bytes = new Uint8Array(4);
  writeReason(new DataView(bytes.buffer), 0, code, version);
  return bytes;
}

/** A peer whose every frame a test writes by hand, and reads. */
export class Puppet implements Station {
  readonly got: ParsedFrame[] = [];
  /** Our id, and theirs once it is known. */
  readonly id = 0x00770001;
  theirId = 0;
  sequence = 1000;

  constructor(
    readonly network: Network,
    readonly address: string,
    readonly to: string,
  ) {
    network.attach(this);
  }

  arrive(bytes: Uint8Array): void {
    this.got.push(parse(bytes));
  }

  ofType(type: number): ParsedFrame[] {
    return this.got.filter((frame) => frame.type === type);
  }

  send(frame: Partial<ParsedFrame> & { type: number }): void {
    this.sendBytes(build({ destination: this.theirId, source: this.id, ...frame }));
  }

  sendBytes(bytes: Uint8Array): void {
    this.network.carry(bytes, this.address, this.to);
  }

  /** One message, or whatever the flags say, with the next sequence number. */
  data(
    payload: Uint8Array | number[],
    flags: number = Flag.first | Flag.last,
    acknowledgement = this.acknowledged,
  ): void {
    this.dataFrame({ flags, acknowledgement, payload: Uint8Array.from(payload) });
  }

  /** A DATA frame of any fields, with the next sequence number. */
  dataFrame(fields: Partial<ParsedFrame>): void {
    this.send({
      type: FrameType.data,
      sequence: this.sequence++,
      acknowledgement: this.acknowledged,
      credit: 16,
      ...fields,
    });
  }

  /** What we acknowledge unless told otherwise: nothing. */
  acknowledged = 0;

  connect(changes: Partial<Handshake> = {}): void {
    this.send({ type: FrameType.connect, destination: 0, sequence: this.sequence, payload: handshake(changes) });
  }

  /** Connects to a listening host and waits for its ACCEPT. */
  open(changes: Partial<Handshake> = {}): void {
    this.connect(changes);
    this.network.run(this.network.now + 1000);
    const accept = this.ofType(FrameType.accept)[0];
    this.theirId = accept.source;
    this.acknowledged = accept.sequence;
    this.send({ type: FrameType.ack, acknowledgement: this.acknowledged, credit: 16 });
    this.network.run(this.network.now + 1000);
  }
}
