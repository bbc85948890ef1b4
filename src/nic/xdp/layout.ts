/**
 * How the memory of an xdp NIC is cut up. The kernel knows chunks of 2048 or 4096 bytes; EMP knows frames.
 *
 *   [ transmit frames | receive chunks | gather frames ]
 *     known to the kernel (UMEM)         ours alone; jumbo only
 *
 * A transmit frame is one chunk; for jumbo frames it is several that follow each other, so that a frame is contiguous for us
 * and a list of descriptors for the kernel. A received jumbo packet lies in chunks that are not neighbours: it is gathered, by
 * copy, into a gather frame.
 */
import { ETHERNET_HEADER } from '../ethernet.js';
import { powerOfTwoFor } from '../options.js';

/** Bytes from the start of a transmit frame to its EMP header: the Ethernet header, and 2 so that what follows is aligned. */
export const TX_HEADROOM = 16;
/** What the kernel always leaves free in front of a received frame (XDP_PACKET_HEADROOM). */
const KERNEL_HEADROOM = 256;
/** And what we ask for in addition, so that a received EMP header is aligned like a sent one. */
export const RX_HEADROOM = 2;
const PAGE = 4096;

/** The largest EMP frame that a single chunk can receive. Beyond, a frame takes several descriptors: Linux 6.6. */
export const SINGLE_CHUNK_MTU = PAGE - KERNEL_HEADROOM - RX_HEADROOM - ETHERNET_HEADER;

const RING_LIMIT = 2048;
const RING_LEAST = 64;
const DEFAULT_FRAMES = 4096;
/** Jumbo frames are few: by default they take no more memory than this in each direction. */
const DEFAULT_BYTES = 16 << 20;
const FEWEST_FRAMES = 256;

export interface Layout {
  readonly mtu: number;
  readonly jumbo: boolean;
  readonly chunk: number;
  /** Bytes of a transmit frame and of a gather frame: a power of two. */
  readonly frameSize: number;
  readonly txFrames: number;
  readonly rxFrames: number;
  /** Sizes of the rings. The fill ring always has as many chunks as it has entries, wherever they are on their round. */
  readonly fill: number;
  readonly rx: number;
  readonly tx: number;
  readonly completion: number;
  readonly rxBase: number;
  readonly rxChunks: number;
  readonly gatherBase: number;
  readonly gatherFrames: number;
  /** Bytes known to the kernel, and bytes in all. */
  readonly registered: number;
  readonly bytes: number;
}

export interface LayoutWish {
  mtu: number;
  txFrames: number;
  rxFrames: number;
  /** Frames of one burst: as many may be lent out as are held. */
  burst: number;
}

/** Frames of each direction if the caller does not say. */
export function defaultFrames(mtu: number): number {
  return Math.min(DEFAULT_FRAMES, Math.max(FEWEST_FRAMES, DEFAULT_BYTES / frameSizeFor(mtu)));
}

function frameSizeFor(mtu: number): number {
  return mtu > SINGLE_CHUNK_MTU ? powerOfTwoFor(TX_HEADROOM + mtu) : chunkFor(mtu);
}

function chunkFor(mtu: number): number {
  return mtu <= SINGLE_CHUNK_MTU - PAGE / 2 ? PAGE / 2 : PAGE;
}

export function layout({ mtu, txFrames, rxFrames, burst }: LayoutWish): Layout {
  const jumbo = mtu > SINGLE_CHUNK_MTU;
  const chunk = chunkFor(mtu);
  const frameSize = frameSizeFor(mtu);
  // A jumbo frame takes as many entries of a ring as it has chunks.
  const segments = frameSize / chunk;
  const fill = ringSize(rxFrames * segments);
  const tx = ringSize(txFrames * segments);
  const rxBase = txFrames * frameSize;
  const rxChunks = fill + rxFrames;
  const registered = rxBase + rxChunks * chunk;
  const gatherFrames = jumbo ? rxFrames + burst : 0;
  return {
    ...{ mtu, jumbo, chunk, frameSize, txFrames, rxFrames },
    ...{ fill, rx: fill, tx, completion: tx },
    ...{ rxBase, rxChunks, gatherBase: registered, gatherFrames },
    ...{ registered, bytes: registered + gatherFrames * frameSize },
  };
}

function ringSize(entries: number): number {
  return Math.min(RING_LIMIT, Math.max(RING_LEAST, entries));
}
