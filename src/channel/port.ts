import type { Nic, PeerIndex } from '../nic/contract.js';

/** Where frames to one peer go by several paths: each that waits for its acknowledgement is counted. Paths have small numbers. */
export interface SpreadPort {
  /** The path that the last frame took. */
  readonly last: number;
  /** A frame that waits for its acknowledgement has gone by it. */
  left(peer: PeerIndex): void;
  /** It has arrived, so many µs, in a cell, after it was sent. */
  arrived(peer: PeerIndex, path: number, trip: Float64Array): void;
  /** It was lost, or is not waited for any more. */
  lost(peer: PeerIndex, path: number): void;
}
/** Paths to one peer have numbers below this. */
export const MOST_PATHS = 32;

/** What a port over several NICs has besides: a sense of time, and of what has failed. */
export interface PathPort {
  /** When `tick` wants to be called, µs. */
  readonly next: number;
  tick(): void;
  /** There is a channel to the peer, or will be: which paths are there? */
  meet(peer: PeerIndex): void;
  /** Entry `index` of the current burst is of a channel to the peer: no other machine could have made it. */
  heard(peer: PeerIndex, index: number): void;
  /** A channel to the peer waits for an acknowledgement longer than it should have to. */
  suspect(peer: PeerIndex): void;
  /** The peer has acknowledged what was under way, sent so many µs ago, in a cell: what frames go by works, be it slowly. */
  progressed(peer: PeerIndex, trip: Float64Array): void;
  /** Set by the engine: what is under way to the peer by this path, which has failed, is better sent again. */
  onReroute: (peer: PeerIndex, path: number) => void;
  readonly spread: SpreadPort | undefined;
}

/** What the protocol needs of a NIC: frames in, frames out. No clock, no waiting, no life cycle. */
export type FramePort = { readonly paths?: PathPort } & Pick<
  Nic,
  | 'info'
  | 'bytes'
  | 'view'
  | 'rx'
  | 'alloc'
  | 'free'
  | 'send'
  | 'flush'
  | 'inFlight'
  | 'hold'
  | 'keep'
  | 'source'
  | 'peer'
  | 'forget'
>;

const CONTROL_FRAMES = 64;

/** Transmit frames that are left for acknowledgements and handshakes. */
export function controlReserve({ info }: FramePort): number {
  return Math.min(CONTROL_FRAMES, info.txFrames >> 2);
}
