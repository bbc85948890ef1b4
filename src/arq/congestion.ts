/**
 * How many frames of a channel may be under way. Told of acknowledgements, losses and timeouts, answers with a window; knows no frame, no
 * clock and no peer: times are in the two cells it is made with. All methods are called for every acknowledgement: no allocation.
 */
export interface Congestion {
  /** Frames that may be under way, 1 at least. */
  readonly window: number;
  /**
   * So many frames were acknowledged, and the round trip of the newest of them is in the cell.
   * @param limited the window was what kept more frames from being under way: one that is not used says nothing about the way
   */
  acknowledged(frames: number, limited: boolean): void;
  /** So many frames were seen to be lost, because later ones arrived. */
  lost(frames: number): void;
  /** Nothing was heard for a whole timeout, so many times in a row. */
  timedOut(inARow: number): void;
}

/** What a congestion control looks at, µs. */
export interface Times {
  readonly now: Float64Array;
  /** The newest round trip. */
  readonly rtt: Float64Array;
}

/** The paper's (E3): always the whole window. */
export class FixedWindow implements Congestion {
  constructor(readonly window: number) {}
  acknowledged(): void {}
  lost(): void {}
  timedOut(): void {}
}
