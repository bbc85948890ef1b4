/** Slots of the counters of a host with several NICs: doubles in a typed array, so that counting never allocates. */
export const PathCounter = {
  /** Times another path was taken, for whatever reason. */
  switches: 0,
  /** Paths that failed: their link went down, here or there; they did not answer. */
  linkDowns: 1,
  peerLinkDowns: 2,
  silences: 3,
  /** Paths that came back. */
  restored: 4,
  probesSent: 5,
  echoesReceived: 6,
  echoesSent: 7,
  /** PATH frames that made no sense, and answers to nothing that was asked. */
  malformed: 8,
  strayEchoes: 9,
  /** Frames that there was no NIC for: lost, as on the wire. */
  unsent: 10,
  /** Frames that had come by a NIC, and that there was no memory for. */
  rxDropped: 11,
  /** Questions that came, and those of them that were not answered: from machines that are not known, and too many. */
  probesReceived: 12,
  probesUnanswered: 13,
} as const;
export type PathCounterName = keyof typeof PathCounter;
export const PATH_COUNTERS = 14;
