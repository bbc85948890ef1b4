import type { LinkAddress, PeerIndex } from './contract.js';

/** The peers of a UDP socket, counted: canonical addresses, and the small numbers that stand for them in the addon's table. */
export class UdpPeers {
  readonly #byAddress = new Map<LinkAddress, PeerIndex>();
  readonly #uses: number[] = [];

  /**
   * @param reuse false while frames are queued: they still go to the peer that had a number, so nobody else may get it
   * @param enter called when the address is new, with the number it gets
   */
  add(address: LinkAddress, reuse: boolean, enter: (peer: PeerIndex) => void): PeerIndex {
    const known = this.#byAddress.get(address);
    if (known !== undefined) {
      this.#uses[known]++;
      return known;
    }
    const hole = reuse ? this.#uses.indexOf(0) : -1;
    const peer = hole < 0 ? this.#uses.length : hole;
    enter(peer);
    this.#uses[peer] = 1;
    this.#byAddress.set(address, peer);
    return peer;
  }

  forget(peer: PeerIndex): void {
    if (!(this.#uses[peer] > 0) || --this.#uses[peer] > 0) return;
    for (const [address, index] of this.#byAddress) if (index === peer) this.#byAddress.delete(address);
  }
}
