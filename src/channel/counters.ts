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
} as const;
export type ChannelCounterName = keyof typeof ChannelCounter;
export const CHANNEL_COUNTERS = 18;

/** Slots of a host's counters of frames that reached no channel; `reject` slots are in `wire/header.ts`. */
export const EngineCounter = {
  framesReceived: 0,
  unknownChannel: 1,
  resetsSent: 2,
  refusalsSent: 3,
  connectsReceived: 4,
  /** Control frames whose payload made no sense. */
  malformedControl: 5,
  /** Frames that were for a channel but not right in its state. */
  unexpected: 6,
} as const;
export type EngineCounterName = keyof typeof EngineCounter;
export const ENGINE_COUNTERS = 7;

export function named(names: Readonly<Record<string, number>>, values: Float64Array): Record<string, number> {
  return Object.fromEntries(Object.entries(names).map(([name, slot]) => [name, values[slot]]));
}
