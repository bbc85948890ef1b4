/**
 * Frames between machines with several NICs: they ask over each pair of NICs whether it carries frames both ways, and tell by which addresses a
 * machine is reached. Their header names the machine and the question instead of a channel.
 */
import {
  CHECKED_HEADER_BYTES,
  Flag,
  FrameType,
  Offset,
  creditOf,
  headerBytesOf,
  payloadLengthOf,
  word0,
  word1,
  writeHeader,
  writePayloadCheck,
} from './header.js';

export const PathKind = {
  /** Answer this, by the NIC that it came to, to who sent it. */
  probe: 1,
  echo: 2,
} as const;

/** NICs of one machine, at most. */
export const MOST_ADDRESSES = 8;
/** Bytes of an address, at most: an IPv6 address with its port has 47. */
export const LONGEST_ADDRESS = 63;

/** Bytes of the payload before the addresses: kind, how many, version of the list. */
const FIXED_BYTES = 4;

/** By the flags of an address: its NIC has a link; has none now; is not the sender's any more. */
const STATES = ['up', 'down', 'gone'] as const;

/** An address by which a machine is reached. */
export interface TellingAddress {
  readonly address: string;
  readonly state: (typeof STATES)[number];
}

export interface PathMessage {
  kind: number;
  /** 64 bits of chance, of the question; an answer repeats them. */
  nonce: readonly [number, number];
  /** 64 bits of chance: this life of the sending machine. */
  machine: readonly [number, number];
  /** The newest list of the receiver's addresses that the sender has, 0: none. */
  known: number;
  /** Of the list of the sender's own addresses. */
  version: number;
  /** That list, or undefined: it is not told this time. */
  addresses: readonly TellingAddress[] | undefined;
}

/** Bytes of the frame. */
export function pathFrameBytes(addresses: readonly TellingAddress[] | undefined): number {
  const told = addresses?.reduce((sum, { address }) => sum + 2 + address.length, 0) ?? 0;
  return CHECKED_HEADER_BYTES + FIXED_BYTES + told;
}

/** Writes the frame at `at`; returns its bytes. Addresses are ASCII, and at most LONGEST_ADDRESS long. */
export function writePathFrame(view: DataView, at: number, message: PathMessage): number {
  const { kind, nonce, machine, known, version, addresses } = message;
  const payload = at + CHECKED_HEADER_BYTES;
  view.setUint8(payload, kind);
  view.setUint8(payload + 1, addresses?.length ?? 0);
  view.setUint16(payload + 2, version, true);
  let end = payload + FIXED_BYTES;
  for (const { address, state } of addresses ?? []) {
    view.setUint8(end++, STATES.indexOf(state));
    view.setUint8(end++, address.length);
    for (let i = 0; i < address.length; i++) view.setUint8(end++, address.charCodeAt(i));
  }
  const length = end - payload;
  writePayloadCheck(view, at, length);
  const w0 = word0(FrameType.path, Flag.payloadCheck, length);
  const w1 = word1(CHECKED_HEADER_BYTES >> 2, 0);
  writeHeader(view, at, w0, w1, nonce[0], nonce[1], machine[0], machine[1], known);
  return end - at;
}

// Of a frame of which `decode` has said that it is sound, and of this type: single fields, as whoever sends many is told apart by them.

/** Undefined, the kind of none, if there is no payload. */
export function pathKindOf(view: DataView, at: number): number | undefined {
  return payloadLengthOf(view, at) < FIXED_BYTES ? undefined : view.getUint8(at + headerBytesOf(view, at));
}
export function nonceHighOf(view: DataView, at: number): number {
  return view.getInt32(at + Offset.destination, true);
}
export function machineHighOf(view: DataView, at: number): number {
  return view.getInt32(at + Offset.sequence, true);
}
export function machineLowOf(view: DataView, at: number): number {
  return view.getInt32(at + Offset.acknowledgement, true);
}

/** A frame of which `decode` has said that it is sound, and of this type. Undefined if it makes no sense. */
export function readPathFrame(view: DataView, at: number): PathMessage | undefined {
  const payload = at + headerBytesOf(view, at);
  const end = payload + payloadLengthOf(view, at);
  if (end - payload < FIXED_BYTES) return undefined;
  const kind = view.getUint8(payload);
  const count = view.getUint8(payload + 1);
  if ((kind !== PathKind.probe && kind !== PathKind.echo) || count > MOST_ADDRESSES) return undefined;
  const told = readAddresses(view, payload + FIXED_BYTES, end, count);
  if (told === undefined) return undefined;
  return {
    kind,
    nonce: [view.getInt32(at + Offset.destination, true), view.getInt32(at + Offset.source, true)],
    machine: [view.getInt32(at + Offset.sequence, true), view.getInt32(at + Offset.acknowledgement, true)],
    known: creditOf(view, at),
    version: view.getUint16(payload + 2, true),
    addresses: count === 0 ? undefined : told,
  };
}

/**
 * Exactly the payload: no flags but those of a state, nothing behind the last address. No printable character passes for flags, so a length that is not what
 * it was when it was written is always found.
 */
function readAddresses(view: DataView, at: number, end: number, count: number): TellingAddress[] | undefined {
  const addresses: TellingAddress[] = [];
  for (let i = 0; i < count; i++) {
    if (at + 2 > end) return undefined;
    const flags = view.getUint8(at);
    const length = view.getUint8(at + 1);
    at += 2;
    if (flags >= STATES.length || length === 0 || length > LONGEST_ADDRESS || at + length > end) return undefined;
    let address = '';
    for (let k = 0; k < length; k++) address += String.fromCharCode(view.getUint8(at + k));
    at += length;
    // Printable ASCII: it comes into messages for people.
    if (!/^[!-~]+$/.test(address)) return undefined;
    addresses.push({ address, state: STATES[flags] });
  }
  return at === end ? addresses : undefined;
}
