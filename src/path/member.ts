import type { Frame, Nic, PeerIndex } from '../nic/contract.js';
import { NO_FRAME } from '../nic/contract.js';
import type { FrameStore } from '../nic/frameStore.js';

/** Longer frames are copied by a call, which allocates a little; up to here a loop over words is as quick. */
const LOOPED = 2048;

/** One NIC of several. Frames are copied between its memory and the common one: so any frame can go by any NIC, and again by another. */
export class Member {
  /** Something waits for the doorbell. */
  dirty = false;
  /** Its last burst was a full one: more waits in its ring, perhaps what we are looking for. */
  backlogged = false;
  /** It was given up; it is closed when nobody looks at a burst of it any more. */
  isLeaving = false;
  /** Whether frames can pass, as far as the kernel knows. */
  up: boolean;

  readonly #words: Int32Array;
  readonly #store: FrameStore;

  constructor(
    readonly nic: Nic,
    /** Order of preference: the first is preferred. */
    readonly rank: number,
    store: FrameStore,
  ) {
    this.#store = store;
    const { buffer, byteOffset, byteLength } = nic.bytes;
    this.#words = new Int32Array(buffer, byteOffset, byteLength >> 2);
    this.up = nic.state === 'up';
  }

  /** A frame of the common memory goes to a peer of the NIC. False: the ring has no room. */
  carry(frame: Frame, length: number, peer: PeerIndex): boolean {
    const { nic } = this;
    const copy = nic.alloc(0);
    if (copy === NO_FRAME) return false;
    const from = this.#store.words;
    const to = this.#words;
    const end = (frame + length + 3) >> 2;
    if (length > LOOPED) nic.bytes.set(this.#store.bytes.subarray(frame, frame + length), copy);
    else for (let s = frame >> 2, t = copy >> 2; s < end; s++, t++) to[t] = from[s];
    const isTaken = nic.send(copy, length, peer);
    nic.free(copy);
    this.dirty = true;
    return isTaken;
  }

  /** Bytes of a received frame into a frame of the common memory. */
  copyIn(at: Frame, length: number, frame: Frame): void {
    const { nic } = this;
    const store = this.#store;
    if (length > LOOPED || (at & 3) !== 0) {
      // A frame out of a datagram that the kernel joined may lie at any byte.
      store.bytes.set(nic.bytes.subarray(at, at + length), frame);
      return;
    }
    const from = this.#words;
    const to = store.words;
    const end = (at + length + 3) >> 2;
    for (let s = at >> 2, t = frame >> 2; s < end; s++, t++) to[t] = from[s];
  }

  /** As of `Nic.flush`. */
  flush(): boolean {
    if (!this.dirty) return true;
    const isDone = this.nic.flush();
    this.dirty = !isDone;
    return isDone;
  }

  /** Nothing can go by it any more. */
  get isGone(): boolean {
    return this.isLeaving || this.nic.state === 'removed' || this.nic.state === 'closed';
  }
}
