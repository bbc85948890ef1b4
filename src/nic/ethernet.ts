import { NicError } from '../errors.js';
import type { LinkAddress, PeerIndex } from './contract.js';
import { PeerNumbers } from './peerNumbers.js';

/** Destination, source, EtherType. */
export const ETHERNET_HEADER = 14;

/** The six bytes of `02:00:00:00:00:01` (either case), the address of one machine. Throws ERR_EMP_ADDRESS. */
export function parseEthernetAddress(address: LinkAddress): Uint8Array {
  if (typeof address !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(address)) {
    throw badAddress(address, 'is not an Ethernet address');
  }
  const bytes = Uint8Array.from(address.split(':'), (byte) => parseInt(byte, 16));
  if ((bytes[0] & 1) !== 0) throw badAddress(address, 'is a group address, not that of one machine');
  if (bytes.every((byte) => byte === 0)) throw badAddress(address, 'is the address of no machine');
  return bytes;
}

function badAddress(address: unknown, what: string): NicError {
  return new NicError('ERR_EMP_ADDRESS', `'${String(address)}' ${what}.`, {
    remedy: 'Use the form 02:00:00:00:00:01, as `ip link` shows it.',
  });
}

/** The canonical text of six bytes at `offset`. */
export function formatEthernetAddress(bytes: Uint8Array, offset: number): LinkAddress {
  let text = '';
  for (let i = 0; i < 6; i++) text += (i === 0 ? '' : ':') + bytes[offset + i].toString(16).padStart(2, '0');
  return text;
}

/** Peers of an Ethernet driver, counted. A driver writes a peer's destination address as three stores from `halves`. */
export class EthernetPeers {
  /** Three 16-bit pieces for each peer, in memory order. Another array after `add` had to grow it. */
  halves = new Uint16Array(3 * 16);
  readonly #numbers = new PeerNumbers();

  add(address: LinkAddress): PeerIndex {
    const bytes = parseEthernetAddress(address);
    return this.#numbers.add(formatEthernetAddress(bytes, 0), (peer) => this.#write(peer, bytes));
  }

  forget(peer: PeerIndex): void {
    this.#numbers.forget(peer);
  }

  #write(peer: PeerIndex, bytes: Uint8Array): void {
    if (this.halves.length < 3 * (peer + 1)) {
      const grown = new Uint16Array(this.halves.length * 2);
      grown.set(this.halves);
      this.halves = grown;
    }
    this.halves.set(new Uint16Array(bytes.buffer), 3 * peer);
  }
}
