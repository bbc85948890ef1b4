import type { DriverName } from '../../src/index.js';
import type { FloorWait } from '../baseline.js';
import type { Collections } from '../collections.js';
import type { Distribution } from '../distribution.js';
import type { Machine } from '../machine.js';
import type { Summary } from '../samples.js';
import type { Wait } from './commands.js';
import type { Losses } from './tally.js';

/** Of a driver that was not used though it comes first. */
export interface Skipped {
  driver: DriverName;
  code: string;
  reason: string;
}

/** One object of `emp bench pingpong --json`; docs/bench.md explains each field. */
export interface PingpongResult extends Losses, Distribution {
  test: 'pingpong';
  driver: DriverName;
  mode: string;
  wait: Wait;
  size: number;
  /** Every payload was checked by the protocol, both ways. */
  payload_check: boolean;
  rounds: number;
  warmup: number;
  slices: number;
  rtt_us: Summary;
  /** Of the bare C program; null: not asked for, or `baseline_note` says why there is none. */
  baseline:
    | ({
        path: string;
        mode: string;
        wait: FloorWait;
        rounds: number;
        lost: number;
        rtt_us: Summary;
      } & Distribution)
    | null;
  baseline_note: string | null;
  /** Of the medians of slices beside each other: the median, the smallest, the largest. */
  ratio_p50: number | null;
  ratio_low: number | null;
  ratio_high: number | null;
  ratio_p99: number | null;
  gc: {
    scavenges: number;
    others: number;
    bytes_per_round: number | null;
    client: Collections;
    server: Collections;
  } | null;
  /** Other programs ran meanwhile, or the slices lie far apart. */
  noisy: boolean;
  /** Why it is noisy. */
  noise: string[];
  wire: string;
  /** Where the ends ran; null: not pinned, or elsewhere. */
  cores: { client: number; server: number | null } | null;
  skipped: Skipped[];
  notes: string[];
  machine: Machine;
}

/** A result, and its samples in the order of the rounds. */
export interface Measured {
  readonly result: PingpongResult;
  readonly samples: Float64Array;
  readonly baselineSamples: Float64Array | undefined;
}

export function ratio(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(1000 * value) / 1000;
}
