/**
 * IP and UDP headers for frames that went through a UDP socket, which shows none: made up for captures, so that a reader sees
 * addresses and ports. Everything a receiver checks is right; the IP identification and the like are zero.
 */

export interface Endpoint {
  /** 4 or 16 bytes. */
  readonly ip: Uint8Array;
  readonly port: number;
}

const UDP = 17;
const UDP_BYTES = 8;
const HOPS = 64;

/** Reads `198.18.0.1:34997` or `[fd00::1]:34997`; undefined if it is neither. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)(?:%[^\]]*)?\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  const ip = match?.[1] === undefined ? parseIpv4(match?.[2] ?? '') : parseIpv6(match[1]);
  return ip === undefined ? undefined : { ip, port: Number(match?.[3]) };
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.').map(Number);
  return parts.length === 4 && parts.every((part) => part <= 255) ? Uint8Array.from(parts) : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const [head = '', tail, extra] = text.split('::');
  if (extra !== undefined) return undefined;
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const missing = 16 - front.length - back.length;
  if (tail === undefined ? missing !== 0 : missing < 0) return undefined;
  return Uint8Array.from([...front, ...new Array<number>(missing).fill(0), ...back]);
}

/** Bytes of groups with colons between them; the last may be an IPv4 address. */
function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return [...(parseIpv4(group) ?? [])];
    const value = parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** The IPv4 or IPv6 header and the UDP header in front of `length` bytes of `bytes` from `at`. */
export function datagramHeader(
  from: Endpoint,
  to: Endpoint,
  bytes: Uint8Array,
  at: number,
  length: number,
): Uint8Array {
  const isIpv4 = from.ip.length === 4 && to.ip.length === 4;
  const ipBytes = isIpv4 ? 20 : 40;
  const header = new Uint8Array(ipBytes + UDP_BYTES);
  const view = new DataView(header.buffer);
  const udpLength = UDP_BYTES + length;
  if (isIpv4) writeIpv4(header, view, from, to, udpLength);
  else writeIpv6(header, view, from, to, udpLength);
  view.setUint16(ipBytes, from.port);
  view.setUint16(ipBytes + 2, to.port);
  view.setUint16(ipBytes + 4, udpLength);
  // The pseudo-header: addresses, protocol, length.
  const addresses = isIpv4 ? sum(header, 12, 8, 0) : sum(header, 8, 32, 0);
  const covered = sum(bytes, at, length, sum(header, ipBytes, UDP_BYTES, addresses + UDP + udpLength));
  view.setUint16(ipBytes + 6, complement(covered) || 0xffff); // zero would say: no checksum
  return header;
}

function writeIpv4(header: Uint8Array, view: DataView, from: Endpoint, to: Endpoint, length: number): void {
  view.setUint8(0, 0x45);
  view.setUint16(2, 20 + length);
  view.setUint8(8, HOPS);
  view.setUint8(9, UDP);
  header.set(from.ip, 12);
  header.set(to.ip, 16);
  view.setUint16(10, complement(sum(header, 0, 20, 0)));
}

function writeIpv6(header: Uint8Array, view: DataView, from: Endpoint, to: Endpoint, length: number): void {
  view.setUint8(0, 0x60);
  view.setUint16(4, length);
  view.setUint8(6, UDP);
  view.setUint8(7, HOPS);
  header.set(mapped(from.ip), 8);
  header.set(mapped(to.ip), 24);
}

/** An IPv4 address among IPv6 ones. */
function mapped(ip: Uint8Array): Uint8Array {
  return ip.length === 16 ? ip : Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...ip]);
}

/** The Internet checksum's sum of big-endian 16-bit words, not yet folded; a double holds it for every length. */
function sum(bytes: Uint8Array, at: number, length: number, start: number): number {
  let total = start;
  const even = at + (length & ~1);
  for (let i = at; i < even; i += 2) total += (bytes[i] << 8) | bytes[i + 1];
  return (length & 1) === 1 ? total + (bytes[even] << 8) : total;
}

function complement(total: number): number {
  let folded = total;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}
