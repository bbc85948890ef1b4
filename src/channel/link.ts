import { tally } from '../arq/histogram.js';
import { CHECKED_HEADER_BYTES, HEADER_BYTES } from '../wire/header.js';
import type { Coalescer } from './coalescer.js';
import { ChannelCounter } from './counters.js';
import { controlReserve, type FramePort, type PathPort } from './port.js';
import type { SpareBuffer } from './spareBuffer.js';
import type { FrameWatch } from './starvation.js';

/** The clock of the protocol, set by whoever calls in, the same for all channels during a turn. */
export interface Clock {
  /** µs, in a cell: a double that a getter returns may be an allocation. */
  readonly cell: Float64Array;
  /** Sets it, for who needs the time in the middle of a turn: while frames are digested it is that of the turn before. */
  read(): void;
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

/** What the channels of one NIC share. */
export interface Commons {
  readonly port: FramePort;
  readonly clock: Clock;
  readonly pool: FrameWatch;
  readonly spare: SpareBuffer;
  readonly coalescer: Coalescer;
  /** The histogram of all channels. */
  readonly roundTrips: Float64Array;
}

/** What the two halves of a channel share: the NIC, the two ids, the clock, the counters. */
export class Link {
  /** µs, by `Time`. In a typed array: storing a double in a field may allocate, storing it here never does. */
  readonly times = new Float64Array(4).fill(Infinity);
  /** Transmit frames that data leaves for acknowledgements and handshakes. */
  readonly reserve: number;
  remoteId = 0;
  /** Payload checks are in force. */
  checked = false;
  /** The peer takes several frames in one of the link. */
  coalesces = false;
  headerBytes = HEADER_BYTES;
  /** The largest frame that both NICs take, bytes. */
  mtu = 0;
  /** Payload bytes of the largest data frame. */
  maxPayload = 0;

  readonly port: FramePort;
  /** Of a port over several NICs. */
  readonly paths: PathPort | undefined;
  readonly #trip = new Float64Array(1);
  readonly now: Float64Array;
  readonly #clock: Clock;
  readonly pool: FrameWatch;
  readonly spare: SpareBuffer;
  readonly roundTrips: Float64Array;
  readonly #coalescer: Coalescer;

  constructor(
    { port, clock, pool, spare, roundTrips, coalescer }: Commons,
    readonly localId: number,
    readonly peer: number,
    /** By `ChannelCounter`. */
    public counters: Float64Array,
  ) {
    this.port = port;
    this.paths = port.paths;
    this.#clock = clock;
    this.now = clock.cell;
    this.pool = pool;
    this.spare = spare;
    this.roundTrips = roundTrips;
    this.#coalescer = coalescer;
    this.reserve = controlReserve(port);
  }

  /** The time is that of now, not of the beginning of the turn. */
  readClock(): void {
    this.#clock.read();
  }

  /** Sends a frame to the peer, alone or with others in one. False: the ring has no room. */
  send(frame: number, length: number): boolean {
    const coalescer = this.#coalescer;
    if (coalescer.active && this.coalesces) return coalescer.send(frame, length, this.peer, this.mtu);
    return this.port.send(frame, length, this.peer);
  }

  /** Rings the doorbell, for all that was sent so far. */
  flush(): void {
    if (this.#coalescer.pending) this.#coalescer.ship();
    this.port.flush();
  }

  /** The frame, or a copy of it, waits in the ring or for room in it. */
  inFlight(frame: number): boolean {
    return this.port.inFlight(frame) || this.#coalescer.isStuck(this.peer);
  }

  /** What was sent then, µs, has just been acknowledged. */
  progressed(sentAt: number): void {
    this.#trip[0] = this.now[0] - sentAt;
    this.paths!.progressed(this.peer, this.#trip);
  }

  /** Counts the round trip in a cell, µs. */
  countRoundTrip(cell: Float64Array): void {
    const { counters } = this;
    const time = cell[0];
    if (counters[ChannelCounter.roundTrips]++ === 0 || time < counters[ChannelCounter.roundTripMin]) {
      counters[ChannelCounter.roundTripMin] = time;
    }
    if (time > counters[ChannelCounter.roundTripMax]) counters[ChannelCounter.roundTripMax] = time;
    counters[ChannelCounter.roundTripSum] += time;
    tally(this.roundTrips, cell);
  }

  /** What the handshake settled. */
  agree(remoteId: number, mtu: number, checked: boolean, coalesces: boolean): void {
    this.remoteId = remoteId;
    // Where each frame takes a path of its own, it is known by which only if it goes alone.
    this.coalesces = coalesces && this.paths?.spread === undefined;
    this.checked = checked;
    this.mtu = mtu;
    this.headerBytes = checked ? CHECKED_HEADER_BYTES : HEADER_BYTES;
    // A multiple of 4, so that fragments are copied by words; a frame's length field has 16 bits.
    this.maxPayload = Math.min(mtu - this.headerBytes, 0xffff) & ~3;
  }
}
