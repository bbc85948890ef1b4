// What stands in front of an EMP frame in a capture: the real Ethernet header where there is one in memory, a made-up one else.
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

export function encapsulationOf(info: NicInfo): Encapsulation {
  switch (info.driver) {
    case 'xdp':
    case 'packet':
      // The driver has written it, or the kernel has left it, right in front of the frame.
      return {
        linkType: LinkType.ethernet,
        headerBytes: ETHERNET_BYTES,
        header: (_direction, bytes, frame) => bytes.subarray(frame - ETHERNET_BYTES, frame),
      };
    case 'udp':
      return { linkType: LinkType.raw, headerBytes: UDP_BYTES, header: udpHeader(info.address) };
    case 'memory':
      return { linkType: LinkType.ethernet, headerBytes: ETHERNET_BYTES, header: memoryHeader(info.address) };
  }
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

/** In-process frames get Ethernet addresses that spell the first letters of the NICs' names. */
function memoryHeader(address: LinkAddress): LinkHeader {
  const own = spelled(address);
  return (direction, _bytes, _frame, _length, peer) => {
    const other = spelled(peer);
    const [to, from] = direction === Direction.outbound ? [other, own] : [own, other];
    return Uint8Array.of(...to, ...from, ETHERTYPE >> 8, ETHERTYPE & 0xff);
  };
}

const LOCALLY_ADMINISTERED = 0x02;

function spelled(address: LinkAddress): number[] {
  const name = address.replace(/^memory:/, '');
  return [LOCALLY_ADMINISTERED, ...Array.from({ length: 5 }, (_, i) => (name.charCodeAt(i) || 0) & 0xff)];
}
