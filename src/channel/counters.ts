import type { SendWindow } from '../arq/sendWindow.js';
import { distance } from '../arq/sequence.js';

/** Slots of a channel's counters: doubles in a typed array, so that counting never allocates. */
export const ChannelCounter = {
  messagesSent: 0,
  messagesReceived: 1,
  bytesSent: 2,
  bytesReceived: 3,
  /** DATA frames sent for the first time. */
  framesSent: 4,
  /** DATA frames taken. */
  framesReceived: 5,
  /** Resends after a timeout, and because later frames were acknowledged. */
  timeoutResends: 6,
  fastResends: 7,
  timeouts: 8,
  duplicates: 9,
  /** Frames that came before their turn and were kept. */
  early: 10,
  /** Frames beyond the window: dropped. */
  outside: 11,
  /** Early frames dropped because the NIC had no memory to keep them. */
  holdFailures: 12,
  acksSent: 13,
  sacksSent: 14,
  probesSent: 15,
  /** Acknowledgements of something never sent, or older than the window. */
  strayAcks: 16,
  /** Times `send` said false. */
  backPressure: 17,
  /**
   * Times frames had to begin to wait: because the window was full; because the receiver gave no more credit; and, `congestionStalls`, because
   * congestion control allowed less than the window.
   */
  windowStalls: 18,
  creditStalls: 19,
  /**
   * Round trips that were measured, from a frame to its acknowledgement (which may ride on an answer): how many, their sum, the shortest and the
   * longest, µs.
   */
  roundTrips: 20,
  roundTripSum: 21,
  roundTripMin: 22,
  roundTripMax: 23,
  /** Last frames sent again before the timeout, because nothing was heard of them. */
  tailProbes: 24,
  congestionStalls: 25,
  /** Frames of the peer that are not DATA: acknowledgements, questions whether this end is there, an ACCEPT that came again, a RESET. */
  controlsReceived: 26,
} as const;
export type ChannelCounterName = keyof typeof ChannelCounter;
export const CHANNEL_COUNTERS = 27;

/** Why frames that are queued have to wait. */
export function stallOf({ next, limit, outstanding, window }: SendWindow): number {
  if (distance(next, limit) <= 0) return ChannelCounter.creditStalls;
  return outstanding < window ? ChannelCounter.congestionStalls : ChannelCounter.windowStalls;
}

/** Slots of a host's counters of frames that reached no channel; `reject` slots are in `wire/header.ts`. */
export const EngineCounter = {
  /** EMP frames; several may have come in one frame of the link. */
  framesReceived: 0,
  unknownChannel: 1,
  resetsSent: 2,
  refusalsSent: 3,
  connectsReceived: 4,
  /** Control frames whose payload made no sense. */
  malformedControl: 5,
  /** Frames that were for a channel but not right in its state. */
  unexpected: 6,
  /** Frames sent behind another one in the same frame of the link. */
  framesCoalesced: 7,
} as const;
export type EngineCounterName = keyof typeof EngineCounter;
export const ENGINE_COUNTERS = 8;

export function named(names: Readonly<Record<string, number>>, values: Float64Array): Record<string, number> {
  return Object.fromEntries(Object.entries(names).map(([name, slot]) => [name, values[slot]]));
}
