import type { LinkAddress, PeerIndex } from './contract.js';

/**
 * The small numbers that stand for canonical addresses, counted: an address keeps its number until it is forgotten as often as it
 * was added. Every step takes the same time, however many there are.
 */
export class PeerNumbers {
  readonly #byAddress = new Map<LinkAddress, PeerIndex>();
  readonly #addresses: LinkAddress[] = [];
  readonly #uses: number[] = [];
  /** Numbers that nobody uses; and those that frames may still be queued by. */
  readonly #free: PeerIndex[] = [];
  readonly #resting: PeerIndex[] = [];

  /**
   * @param enter called with the number of an address that is new, before it counts
   * @param reuse false while frames are queued by number: they still go to the peer that had it, so nobody else may get it
   */
  add(address: LinkAddress, enter?: (peer: PeerIndex) => void, reuse = true): PeerIndex {
    const known = this.#byAddress.get(address);
    if (known !== undefined) {
      this.#uses[known]++;
      return known;
    }
    // What was forgotten before now, while nothing is queued, is free from now on, also when frames are queued again.
    if (reuse) while (this.#resting.length > 0) this.#free.push(this.#resting.pop()!);
    const again = this.#free.length > 0;
    const peer = again ? this.#free[this.#free.length - 1] : this.#uses.length;
    enter?.(peer);
    if (again) this.#free.pop();
    this.#uses[peer] = 1;
    this.#addresses[peer] = address;
    this.#byAddress.set(address, peer);
    return peer;
  }

  forget(peer: PeerIndex): void {
    if (!(this.#uses[peer] > 0) || --this.#uses[peer] > 0) return;
    this.#byAddress.delete(this.#addresses[peer]);
    this.#resting.push(peer);
  }

  /** Whose number it is, or was until somebody else gets it. */
  address(peer: PeerIndex): LinkAddress | undefined {
    return this.#addresses[peer];
  }
}
