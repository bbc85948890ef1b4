import { aligned } from '../wire/header.js';
import { EngineCounter } from './counters.js';
import { controlReserve, type FramePort } from './port.js';

/** Longer frames go alone: up to here a loop over words is quicker than a call, and copying costs less than it saves. */
const SHORT = 256;
const NONE = -1;

/**
 * Short frames of several channels to one peer that leave in the same turn share one frame of the link (as QUIC's coalesced packets do, RFC
 * 9000 section 12.2): what a frame costs the kernel and the wire is paid once. They are copied, one behind another; the originals stay what
 * they are, buffers to resend from. A channel that has its turn, or its peer, for itself goes round all this: its messages share frames already.
 */
export class Coalescer {
  /** Frames have to come by here: several channels send in this turn, or the ring had no room for what was gathered in the last. */
  active = false;

  readonly #port: FramePort;
  readonly #counters: Float64Array;
  readonly #words: Int32Array;
  readonly #reserve: number;
  /** New frames are begun. */
  #gathering = false;
  // By peer: its channels; the frame that is being filled, its bytes, and how many it may have.
  #channels = new Int32Array(8);
  #frames = new Int32Array(8).fill(NONE);
  #lengths = new Int32Array(8);
  #limits = new Int32Array(8);
  /** The peers that a frame is being filled for, in the order in which they were begun: the first `#open`. */
  #order = new Int32Array(8);
  #open = 0;

  /** @param counters the engine's */
  constructor(port: FramePort, counters: Float64Array) {
    this.#port = port;
    this.#counters = counters;
    const { buffer, byteOffset, length } = port.bytes;
    this.#words = new Int32Array(buffer, byteOffset, length >> 2);
    this.#reserve = controlReserve(port);
  }

  /** Frames wait that the ring had no room for. */
  get pending(): boolean {
    return this.#open > 0;
  }

  /** The last frame to this peer waits for room in the ring. */
  isStuck(peer: number): boolean {
    return !this.#gathering && this.#open > 0 && this.#frames[peer] !== NONE;
  }

  /** Another channel to the peer. */
  enter(peer: number): void {
    if (peer >= this.#frames.length) this.#grow(peer);
    this.#channels[peer]++;
  }

  /** One less. After the last one the peer is forgotten: its frames go now, or never. */
  leave(peer: number): void {
    if (--this.#channels[peer] > 0 || this.#frames[peer] === NONE) return;
    if (!this.#ship(peer)) this.#close(peer); // lost, as on the wire
    this.#remove(this.#order.indexOf(peer), 1);
  }

  /** So many channels are about to send. What the ring had no room for before goes first. */
  begin(channels: number): void {
    if (this.#open > 0) this.ship();
    this.#gathering = channels > 1;
    this.active = this.#gathering || this.#open > 0;
  }

  /** They have: what was gathered goes. What the ring has no room for stays for the next turn. */
  end(): void {
    if (this.#open > 0) this.ship();
    this.#gathering = false;
    this.active = this.#open > 0;
  }

  /** To the NIC, in order, as far as the ring has room. */
  ship(): void {
    let count = 0;
    while (count < this.#open && this.#ship(this.#order[count])) count++;
    this.#remove(0, count);
  }

  /**
   * Takes the frame, alone or to others. False: the ring has no room.
   * @param mtu the largest frame that the channel's peer takes, bytes
   */
  send(frame: number, length: number, peer: number, mtu: number): boolean {
    if (this.#frames[peer] !== NONE) {
      const limit = Math.min(mtu, this.#limits[peer]);
      const at = aligned(this.#lengths[peer]);
      if (length <= SHORT && at + aligned(length) <= limit) {
        this.#put(frame, length, peer, at);
        this.#limits[peer] = limit;
        this.#counters[EngineCounter.framesCoalesced]++;
        return true;
      }
      // What is in it was queued first.
      if (!this.#ship(peer)) return false;
      this.#remove(this.#order.indexOf(peer), 1);
    }
    const isShared = this.#gathering && length <= SHORT && this.#channels[peer] > 1;
    const shared = isShared ? this.#port.alloc(this.#reserve) : NONE;
    if (shared === NONE) return this.#port.send(frame, length, peer);
    this.#frames[peer] = shared;
    this.#limits[peer] = mtu;
    this.#order[this.#open++] = peer;
    this.#put(frame, length, peer, 0);
    return true;
  }

  #ship(peer: number): boolean {
    if (!this.#port.send(this.#frames[peer], this.#lengths[peer], peer)) return false;
    this.#close(peer);
    return true;
  }

  #close(peer: number): void {
    this.#port.free(this.#frames[peer]);
    this.#frames[peer] = NONE;
  }

  #remove(at: number, count: number): void {
    if (count === 0) return;
    this.#order.copyWithin(at, at + count, this.#open);
    this.#open -= count;
  }

  /** By words, where they are. What follows the last byte in its word was another message's once, and must not go out. */
  #put(frame: number, length: number, peer: number, at: number): void {
    const words = this.#words;
    const end = (frame + length + 3) >> 2;
    let t = (this.#frames[peer] + at) >> 2;
    for (let s = frame >> 2; s < end; s++, t++) words[t] = words[s];
    const left = length & 3;
    if (left !== 0) words[t - 1] &= (1 << (8 * left)) - 1;
    this.#lengths[peer] = at + length;
  }

  #grow(peer: number): void {
    const grown = (old: Int32Array, filled = 0) => {
      const larger = new Int32Array(2 * (peer + 1)).fill(filled);
      larger.set(old);
      return larger;
    };
    this.#channels = grown(this.#channels);
    this.#frames = grown(this.#frames, NONE);
    this.#lengths = grown(this.#lengths);
    this.#limits = grown(this.#limits);
    this.#order = grown(this.#order);
  }
}
