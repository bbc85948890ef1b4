// A NIC that loses frames, by a seed: where the kernel has no netem, and to lose the same frames again.
import type { LinkAddress, Nic, NicOptions, PeerIndex } from '../../src/nic/contract.js';
import { openNic } from '../../src/nic/open.js';

/** Opens the NIC of `options`; with a loss, one that loses this share of the frames it sends. */
export function nicOf({
  nic,
  loss = 0,
  seed = 1,
}: {
  nic: NicOptions;
  loss?: number;
  seed?: number;
}): Nic | NicOptions {
  return loss === 0 ? nic : lossy(openNic(nic), loss, seed);
}

/**
 * Has a NIC lose frames when they are sent, to all peers or to one: they count as taken, and never leave. Frames of both directions are lost
 * if both ends have one. Only `send` is replaced, all else is the NIC's own.
 */
export function lossy(nic: Nic, loss: number, seed: number, only?: PeerIndex): Nic {
  const send = nic.send.bind(nic);
  const threshold = loss * 2 ** 32;
  let state = Math.imul(seed, 0x9e3779b1) | 1; // of xorshift32: never 0
  nic.send = (frame, length, peer) => {
    if (only !== undefined && peer !== only) return send(frame, length, peer);
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0 < threshold || send(frame, length, peer);
  };
  return nic;
}

/** From now on this share of the frames to one peer is lost, until what is returned is called. */
export function loseTo(nic: Nic, address: LinkAddress, loss: number, seed: number): () => void {
  const peer = nic.peer(address);
  const send = nic.send.bind(nic);
  lossy(nic, loss, seed, peer);
  return () => {
    nic.send = send;
    nic.forget(peer);
  };
}
