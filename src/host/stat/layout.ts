/**
 * The file in which a host counts, as its writer and its readers know it:
 *
 *     0      magic, layout, sequence, length of the text: four 32-bit integers
 *     64     the description: JSON
 *     4096   blocks of counters, then a record for each channel; where they are is in the description
 *
 * Counters are doubles. A record is the channel's id (0: free), port, the length of its address, the address (UTF-8), its
 * counters.
 */
import type { NicInfo } from '../../nic/contract.js';
import type { WaitStrategy } from '../loop.js';

export const MAGIC = 0x53504d45; // "EMPS"
export const LAYOUT = 1;

/** 32-bit integers at the beginning. */
export const Head = {
  magic: 0,
  layout: 1,
  /** Odd while channels come or go; another number when they have. */
  sequence: 2,
  textLength: 3,
} as const;
export const TEXT_AT = 64;
export const BLOCKS_AT = 4096;

/** 32-bit integers at the beginning of a record. */
export const RecordWord = { id: 0, port: 1, addressLength: 2 } as const;
export const ADDRESS_AT = 12;
export const COUNTERS_AT = 128;

const LONGEST_ADDRESS = 200;

/** As far as it tells a host from another. */
export type NicFacts = Pick<NicInfo, 'driver' | 'mode' | 'address'> & {
  readonly interface: string | null;
  readonly namespace: string | null;
  readonly queue: number | null;
};

/** A run of doubles: with names, or a histogram. */
export interface Block {
  readonly at: number;
  readonly length: number;
  readonly names?: readonly string[];
}

export const BLOCKS = ['nic', 'host', 'rejected', 'loop', 'paths', 'ended', 'turnLengths', 'roundTrips'] as const;
export type BlockName = (typeof BLOCKS)[number];

export interface Description {
  /** When the host was opened, ms since 1970. */
  readonly opened: number;
  readonly wait: WaitStrategy;
  readonly nic: NicFacts;
  readonly blocks: Readonly<Record<BlockName, Block>>;
  readonly channels: { readonly at: number; readonly stride: number; readonly names: readonly string[] };
}

export function nicFacts({ driver, mode, address, queue, namespace, interface: name }: NicInfo): NicFacts {
  // Names of the memory driver may be of any length.
  const short = address.slice(0, LONGEST_ADDRESS);
  return { driver, mode, address: short, interface: name ?? null, namespace: namespace ?? null, queue: queue ?? null };
}
