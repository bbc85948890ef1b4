import { CHECKED_HEADER_BYTES, HEADER_BYTES } from '../wire/header.js';
import { CHANNEL_COUNTERS } from './counters.js';
import type { FramePort } from './port.js';

/** The clock of the protocol: µs, set by whoever calls in, the same for all channels during a turn. */
export interface Clock {
  readonly now: number;
}

/** Slots of `Link.times`. */
export const Time = {
  /** When anything was last heard of the peer. */
  heard: 0,
  /** When the handshake, the next probe or the end of the linger is due; Infinity: never. */
  timer: 1,
  /** When to resend though nothing was heard; Infinity when nothing is under way. */
  resend: 2,
  /** The earliest of these that the engine has been told. */
  scheduled: 3,
} as const;

const CONTROL_RESERVE = 64;

/** What channels of one NIC share: its transmit frames. */
export interface FrameWatch {
  /** Frames were given back in this turn: who found none may try again. */
  freed: boolean;
}

/** What the two halves of a channel share: the NIC, the two ids, the clock, the counters. */
export class Link {
  readonly counters = new Float64Array(CHANNEL_COUNTERS);
  /** µs, by `Time`. In a typed array: storing a double in a field may allocate, storing it here never does. */
  readonly times = new Float64Array(4).fill(Infinity);
  /** Transmit frames that data leaves for acknowledgements and handshakes. */
  readonly reserve: number;
  remoteId = 0;
  /** Payload checks are in force. */
  checked = false;
  headerBytes = HEADER_BYTES;
  /** Payload bytes of the largest data frame. */
  maxPayload = 0;

  constructor(
    readonly port: FramePort,
    readonly clock: Clock,
    readonly localId: number,
    readonly peer: number,
    readonly pool: FrameWatch,
  ) {
    this.reserve = Math.min(CONTROL_RESERVE, port.info.txFrames >> 2);
  }

  /** What the handshake settled. */
  agree(remoteId: number, mtu: number, checked: boolean): void {
    this.remoteId = remoteId;
    this.checked = checked;
    this.headerBytes = checked ? CHECKED_HEADER_BYTES : HEADER_BYTES;
    // A multiple of 4, so that fragments are copied by words; a frame's length field has 16 bits.
    this.maxPayload = Math.min(mtu - this.headerBytes, 0xffff) & ~3;
  }
}
