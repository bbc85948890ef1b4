/** Slots of the counters of a run loop. */
export const LoopCounter = {
  /** Turns in which frames had come. */
  turns: 0,
  /** Times between two readings of the clock in which there were such turns (one, or a few short ones): their sum, and the longest, µs. */
  busyTime: 1,
  longestTurn: 2,
  /** Times the host went to sleep. */
  sleeps: 3,
} as const;
export type LoopCounterName = keyof typeof LoopCounter;
export const LOOP_COUNTERS = 4;
