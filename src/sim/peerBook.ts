import { NicError } from '../errors.js';

/** The peers of a NIC by their numbers, and how often each was asked for. */
export class PeerBook {
  readonly #peers: { readonly address: string; uses: number }[] = [];

  /** @param known the addresses that there are; undefined: anything may be one */
  add(address: string, known: readonly string[] | undefined): number {
    if (known !== undefined && !known.includes(address)) {
      throw new NicError('ERR_EMP_ADDRESS', `There is no '${address}' in this world.`, {
        remedy: `The addresses there are: ${known.join(', ')}.`,
      });
    }
    let index = this.#peers.findIndex((peer) => peer.address === address);
    if (index < 0) index = this.#peers.push({ address, uses: 0 }) - 1;
    this.#peers[index].uses++;
    return index;
  }

  /** Undefined: nobody has asked for it, or it was forgotten. */
  addressOf(peer: number): string | undefined {
    const entry = this.#peers[peer];
    return entry === undefined || entry.uses === 0 ? undefined : entry.address;
  }

  /** False: it was forgotten already. */
  forget(peer: number): boolean {
    const entry = this.#peers[peer];
    if (entry === undefined || entry.uses === 0) return false;
    entry.uses--;
    return true;
  }

  /** Those that were not forgotten. */
  left(): string[] {
    return this.#peers.flatMap(({ address, uses }) => (uses > 0 ? [`${address} was not forgotten (${uses})`] : []));
  }
}
