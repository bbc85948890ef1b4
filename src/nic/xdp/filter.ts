import { ETHERNET_HEADER } from '../ethernet.js';
import { TX_HEADROOM } from './layout.js';

/** Where the first transmit frame has our address and the EtherType, in half words: they are written there once, and stay. */
const OWN_ADDRESS = (TX_HEADROOM - ETHERNET_HEADER + 6) >> 1;
const OWN_ETHER_TYPE = OWN_ADDRESS + 3;

/** Which received packets are for us. A promiscuous interface, or a switch that floods, brings packets for others. */
export class Filter {
  readonly #halves: Uint16Array;
  /** EtherType as it lies in memory. */
  readonly #etherType: number;

  /** @param halves the NIC's memory, its transmit frames prepared */
  constructor(halves: Uint16Array) {
    this.#halves = halves;
    this.#etherType = halves[OWN_ETHER_TYPE];
  }

  /** @param start byte offset of the Ethernet header */
  takes(start: number): boolean {
    const halves = this.#halves;
    const header = start >> 1;
    return (
      halves[header + 6] === this.#etherType &&
      halves[header + 2] === halves[OWN_ADDRESS + 2] &&
      halves[header + 1] === halves[OWN_ADDRESS + 1] &&
      halves[header] === halves[OWN_ADDRESS]
    );
  }
}
