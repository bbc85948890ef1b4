import type { NicOptions } from '../../../src/nic/contract.js';
import type { DriverCase, End } from '../drivers.js';
import type { Pair } from '../harness.js';

export interface Sizes {
  txFrames?: number;
  rxFrames?: number;
  mtu?: number;
}

/** What a section of the suite gets: the driver, and how to open it. */
export interface Context {
  readonly driver: DriverCase;
  options(this: void, end: End, sizes?: Sizes): NicOptions;
  /** Two connected NICs; b is like a unless told otherwise. */
  openPair(this: void, a?: Sizes, b?: Sizes): Pair;
}
