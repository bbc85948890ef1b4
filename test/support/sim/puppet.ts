import { HANDSHAKE_BYTES, writeHandshake, writeReason } from '../../../src/wire/control.js';
import type { Handshake } from '../../../src/wire/control.js';
import {
  CHECKED_HEADER_BYTES,
  Flag,
  FrameType,
  HEADER_BYTES,
  acknowledgementOf,
  creditOf,
  destinationOf,
  flagsOf,
  headerBytesOf,
  payloadCheck,
  payloadLengthOf,
  sequenceOf,
  sourceOf,
  typeOf,
  word0,
  word1,
  writeCheckedHeader,
  writeHeader,
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
    payload: bytes.slice(header, header + payloadLengthOf(view, 0)),
  };
}

/** Builds a frame; what is not given is 0. */
export function build(f: Partial<ParsedFrame> & { type: number }): Uint8Array {
  const { type, destination = 0, source = 0, sequence = 0, acknowledgement = 0, credit = 0 } = f;
  const payload = f.payload ?? new Uint8Array(0);
  const isChecked = payload.length > 0 && type !== FrameType.data;
  const header = isChecked ? CHECKED_HEADER_BYTES : HEADER_BYTES;
  const bytes = new Uint8Array(header + payload.length);
  bytes.set(payload, header);
  const view = new DataView(bytes.buffer);
  const w0 = word0(type, (f.flags ?? 0) | (isChecked ? Flag.payloadCheck : 0), payload.length);
  const w1 = word1(header >> 2, 0);
  if (isChecked) {
    const check = payloadCheck(view, header, payload.length);
    writeCheckedHeader(view, 0, w0, w1, destination, source, sequence, acknowledgement, credit, check);
  } else {
    writeHeader(view, 0, w0, w1, destination, source, sequence, acknowledgement, credit);
  }
  return bytes;
}

const HANDSHAKE: Handshake = {
  port: 0,
  mtu: 512,
  window: 16,
  version: 1,
  payloadCheck: false,
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
    this.send({
      type: FrameType.data,
      flags,
      sequence: this.sequence++,
      acknowledgement,
      credit: 16,
      payload: Uint8Array.from(payload),
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
