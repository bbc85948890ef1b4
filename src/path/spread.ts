import type { PeerIndex } from '../nic/contract.js';
import type { Path } from './path.js';
import type { PathPeer } from './peer.js';

/**
 * Striping: each frame goes by the path that has it there first, as far as the frames that are on each, and how fast it delivers, can tell. Without
 * allocation: it is told of each frame that leaves and arrives.
 */
export class Spread {
  /** `Path.number` of the last frame. */
  last = 0;
  readonly #peers: readonly (PathPeer | undefined)[];
  readonly #now: Float64Array;
  readonly #score = new Float64Array(2);

  constructor(peers: readonly (PathPeer | undefined)[], now: Float64Array) {
    this.#peers = peers;
    this.#now = now;
  }

  /** Of the paths that work. */
  quickest(peer: PathPeer): Path {
    const { usable } = peer;
    let best = usable[0];
    if (usable.length === 1) return best;
    let fastest = 0;
    for (const { load } of usable) if (load.rate > fastest) fastest = load.rate;
    const score = this.#score;
    score[1] = Infinity;
    for (const path of usable) {
      path.load.score(fastest, score);
      if (score[0] >= score[1]) continue;
      score[1] = score[0];
      best = path;
    }
    return best;
  }

  /** A frame that waits for its acknowledgement has gone by `last`. */
  left(peer: PeerIndex): void {
    const path = this.#peers[peer]?.numbered(this.last);
    if (path !== undefined) path.load.inFlight++;
  }

  /** It has arrived, so many µs, in a cell, after it was sent. */
  arrived(peer: PeerIndex, number: number, trip: Float64Array): void {
    this.#peers[peer]?.numbered(number)?.load.arrived(this.#now, trip);
  }

  /** It was lost, or its channel has ended. */
  lost(peer: PeerIndex, number: number): void {
    this.#peers[peer]?.numbered(number)?.load.lost();
  }
}
