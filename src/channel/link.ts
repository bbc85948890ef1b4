import { CHECKED_HEADER_BYTES, HEADER_BYTES } from '../wire/header.js';
import { CHANNEL_COUNTERS } from './counters.js';
import type { FramePort } from './port.js';

/** The clock of the protocol: µs, set by whoever calls in, the same for all channels during a turn. */
export interface Clock {
  now: number;
}

/** What the two halves of a channel share: the NIC, the two ids, the clock, the counters. */
export class Link {
  readonly counters = new Float64Array(CHANNEL_COUNTERS);
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
  ) {}

  /** What the handshake settled. */
  agree(remoteId: number, mtu: number, checked: boolean): void {
    this.remoteId = remoteId;
    this.checked = checked;
    this.headerBytes = checked ? CHECKED_HEADER_BYTES : HEADER_BYTES;
    // A multiple of 4, so that fragments are copied by words; a frame's length field has 16 bits.
    this.maxPayload = Math.min(mtu - this.headerBytes, 0xffff) & ~3;
  }
}
