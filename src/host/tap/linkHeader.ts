// What stands in front of an EMP frame in a capture: the real Ethernet header where it lies in memory, a made-up one else.
import type { LinkAddress, NicInfo } from '../../nic/contract.js';
import { datagramHeader, parseEndpoint, type Endpoint } from '../../wire/datagram.js';
import { ETHERTYPE } from '../../wire/header.js';
import { Direction, LinkType, type DirectionNumber, type LinkTypeNumber } from '../../wire/pcapng.js';

/** Makes the header of one frame. The view is valid until the next call. */
export type LinkHeader = (
  direction: DirectionNumber,
  bytes: Uint8Array,
  frame: number,
  length: number,
  peer: LinkAddress,
) => Uint8Array;

export interface Encapsulation {
  readonly linkType: LinkTypeNumber;
  /** The longest header, bytes. */
  readonly headerBytes: number;
  readonly header: LinkHeader;
}

const ETHERNET_BYTES = 14;
const UDP_BYTES = 48;

export function encapsulationOf({ driver, address }: NicInfo): Encapsulation {
  const ethernet = { linkType: LinkType.ethernet, headerBytes: ETHERNET_BYTES };
  switch (driver) {
    case 'xdp':
      return { ...ethernet, header: (_direction, bytes, frame) => bytes.subarray(frame - ETHERNET_BYTES, frame) };
    case 'packet':
      return { ...ethernet, header: packetHeader(address) };
    case 'memory':
      return { ...ethernet, header: memoryHeader(address) };
    case 'udp':
      return { linkType: LinkType.raw, headerBytes: UDP_BYTES, header: udpHeader(address) };
  }
}

/** The driver writes the header of an outgoing frame into its ring only: it is written once more here. */
function packetHeader(address: LinkAddress): LinkHeader {
  const own = octets(address);
  let etherType = ETHERTYPE; // as on the frames that come in
  return (direction, bytes, frame, _length, peer) => {
    if (direction === Direction.outbound) return ethernetHeader(octets(peer), own, etherType);
    etherType = (bytes[frame - 2] << 8) | bytes[frame - 1];
    return bytes.subarray(frame - ETHERNET_BYTES, frame);
  };
}

function octets(address: LinkAddress): number[] {
  return address.split(':').map((octet) => parseInt(octet, 16));
}

function ethernetHeader(to: readonly number[], from: readonly number[], etherType: number): Uint8Array {
  return Uint8Array.of(...to, ...from, etherType >> 8, etherType & 0xff);
}

/** In-process frames get Ethernet addresses that spell the first letters of the NICs' names. */
function memoryHeader(address: LinkAddress): LinkHeader {
  const own = spelled(address);
  return (direction, _bytes, _frame, _length, peer) => {
    const other = spelled(peer);
    return direction === Direction.outbound
      ? ethernetHeader(other, own, ETHERTYPE)
      : ethernetHeader(own, other, ETHERTYPE);
  };
}

const LOCALLY_ADMINISTERED = 0x02;

function spelled(address: LinkAddress): number[] {
  const name = address.replace(/^memory:/, '');
  return [LOCALLY_ADMINISTERED, ...Array.from({ length: 5 }, (_, i) => (name.charCodeAt(i) || 0) & 0xff)];
}

function udpHeader(address: LinkAddress): LinkHeader {
  const own = endpoint(address);
  return (direction, bytes, frame, length, peer) => {
    const other = endpoint(peer);
    return direction === Direction.outbound
      ? datagramHeader(own, other, bytes, frame, length)
      : datagramHeader(other, own, bytes, frame, length);
  };
}

function endpoint(address: LinkAddress): Endpoint {
  return parseEndpoint(address) ?? { ip: new Uint8Array(4), port: 0 };
}
