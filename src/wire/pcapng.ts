/**
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, written in place: a section header, the description of
 * an interface, and packets. Times are nanoseconds from a whole second that the interface names (`if_tsoffset`), so that
 * they are exact in a double.
 */

export const LinkType = { ethernet: 1, raw: 101 } as const;
export type LinkTypeNumber = (typeof LinkType)[keyof typeof LinkType];

/** As in the flags of a packet. */
export const Direction = { inbound: 1, outbound: 2 } as const;
export type DirectionNumber = (typeof Direction)[keyof typeof Direction];

export interface CaptureInterface {
  linkType: LinkTypeNumber;
  name: string;
  description: string;
  /** The longest packet, its link header included, bytes. */
  longest: number;
  /** The second that times count from, since 1970. */
  second: number;
}

const BlockType = { section: 0x0a0d0d0a, interface: 1, packet: 6 } as const;
const Option = {
  end: 0,
  sectionApplication: 4,
  interfaceName: 2,
  interfaceDescription: 3,
  interfaceResolution: 9,
  interfaceOffset: 14,
  packetFlags: 2,
  packetDropped: 4,
} as const;
const BYTE_ORDER = 0x1a2b3c4d;
const NANOSECONDS = 9; // 10^-9
const TWO_32 = 2 ** 32;
const utf8 = new TextEncoder();

/** The section header and one interface: how a file begins. */
export function prologue(application: string, captured: CaptureInterface): Uint8Array {
  const { linkType, name, description, longest, second } = captured;
  const bytes = new Uint8Array(256 + 3 * (application.length + name.length + description.length));
  const view = new DataView(bytes.buffer);

  view.setUint32(8, BYTE_ORDER, true);
  view.setUint16(12, 1, true); // version 1.0
  view.setUint32(16, 0xffffffff, true); // section length: unknown
  view.setUint32(20, 0xffffffff, true);
  const section = closeBlock(view, 0, BlockType.section, text(view, 24, Option.sectionApplication, application));

  view.setUint16(section + 8, linkType, true);
  view.setUint32(section + 12, longest, true);
  let at = text(view, section + 16, Option.interfaceName, name);
  at = text(view, at, Option.interfaceDescription, description);
  at = option(view, at, Option.interfaceResolution, 1);
  view.setUint8(at - 4, NANOSECONDS);
  at = option(view, at, Option.interfaceOffset, 8);
  setUint64(view, at - 8, second);
  return bytes.slice(0, closeBlock(view, section, BlockType.interface, at));
}

const PACKET_FIXED = 28;
const PACKET_OPTIONS = 8 + 12 + 4;

/** Bytes of the block of a packet of `length` bytes. */
export function packetBlockBytes(length: number): number {
  return PACKET_FIXED + padded(length) + PACKET_OPTIONS + 4;
}

/**
 * Writes the block of one packet, which is a link header followed by `length` bytes of `frames` from `frame`. Returns where the
 * block ends. `dropped`: packets lost to the capture since the one before.
 */
export function writePacket(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  nanoseconds: number,
  direction: DirectionNumber,
  dropped: number,
  header: Uint8Array,
  frames: Uint8Array,
  frame: number,
  length: number,
): number {
  const total = header.length + length;
  view.setUint32(at + 8, 0, true); // interface
  view.setUint32(at + 12, Math.floor(nanoseconds / TWO_32), true);
  view.setUint32(at + 16, nanoseconds % TWO_32, true);
  view.setUint32(at + 20, total, true); // captured
  view.setUint32(at + 24, total, true); // on the wire
  const data = at + PACKET_FIXED;
  bytes.set(header, data);
  bytes.set(frames.subarray(frame, frame + length), data + header.length);
  bytes.fill(0, data + total, data + padded(total));
  let end = option(view, data + padded(total), Option.packetFlags, 4);
  view.setUint32(end - 4, direction, true);
  end = option(view, end, Option.packetDropped, 8);
  setUint64(view, end - 8, dropped);
  return closeBlock(view, at, BlockType.packet, end);
}

/** What a reader of a stream of blocks needs to know of one. */
export interface Block {
  /** Bytes in all. */
  length: number;
  isPacket: boolean;
  /** Of a packet: how many were lost before it. */
  dropped: number;
}

/** Reads the block at `at` as `writePacket` and `prologue` write it; undefined if it is not all there yet. */
export function readBlock(view: DataView, at: number): Block | undefined {
  if (view.byteLength - at < 12) return undefined;
  const length = view.getUint32(at + 4, true);
  if (length < 12 || length % 4 !== 0) throw new RangeError(`no pcapng block has ${length} bytes`);
  if (view.byteLength - at < length) return undefined;
  const isPacket = view.getUint32(at, true) === BlockType.packet;
  // The last option before its end: 8 bytes of value, 4 of end, 4 of length.
  return { length, isPacket, dropped: isPacket ? view.getUint32(at + length - 16, true) : 0 };
}

/** Name and description of the interface in what `prologue` made. */
export function readPrologue(bytes: Uint8Array): { name: string; description: string } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = view.getUint32(4, true); // behind the section header
  const found = { name: '', description: '' };
  for (let at = start + 16; at + 4 <= bytes.length;) {
    const code = view.getUint16(at, true);
    const length = view.getUint16(at + 2, true);
    if (code === Option.end) break;
    const value = bytes.subarray(at + 4, at + 4 + length);
    if (code === Option.interfaceName) found.name = new TextDecoder().decode(value);
    if (code === Option.interfaceDescription) found.description = new TextDecoder().decode(value);
    at += 4 + padded(length);
  }
  return found;
}

/** Ends the options at `at`, and the block that starts at `start`. */
function closeBlock(view: DataView, start: number, type: number, at: number): number {
  view.setUint32(at, Option.end, true);
  const end = at + 8;
  view.setUint32(start, type, true);
  view.setUint32(start + 4, end - start, true);
  view.setUint32(end - 4, end - start, true);
  return end;
}

/** The head of an option, and room for its value. Returns the end; the padded value lies before it. */
function option(view: DataView, at: number, code: number, length: number): number {
  view.setUint16(at, code, true);
  view.setUint16(at + 2, length, true);
  return at + 4 + padded(length);
}

function text(view: DataView, at: number, code: number, value: string): number {
  const encoded = utf8.encode(value);
  new Uint8Array(view.buffer, view.byteOffset).set(encoded, at + 4);
  return option(view, at, code, encoded.length);
}

function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
