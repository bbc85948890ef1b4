import type { DriverName } from '../../src/index.js';
import type { Times } from '../distribution.js';
import type { Cpu } from '../ends/ends.js';
import type { Wait } from '../pingpong/commands.js';
import type { Losses } from '../pingpong/tally.js';

export const TEST_NAMES = ['rate', 'throughput', 'requests', 'load', 'connections', 'idle', 'depth', 'loss'] as const;
export type TestName = (typeof TEST_NAMES)[number];

/** What a run measured; which of them a test has, docs/bench.md says. */
export interface Figures extends Partial<Times> {
  messages_per_s?: number;
  requests_per_s?: number;
  gbit_per_s?: number;
  /** Share of the lossless bandwidth. */
  goodput?: number;
  /** Requests that were due and not sent in time to be answered. */
  unsent?: number;
}

/** Of what was compared with. */
export interface Baseline extends Figures {
  program: 'flood' | 'pingpong' | 'iperf3';
  mode: string;
  /** Bytes of its frames (or datagrams, writes). */
  size: number;
  frames_per_s?: number;
  /** Of each slice the longest time that the server of a bare C flood stood still, ms. */
  stalls_ms?: number[];
}

/** What was asked for, where a test has it. */
export interface Conditions {
  size: number;
  /** Of a message, if a buffer is sent as several. */
  message?: number;
  outstanding?: number;
  depth?: number;
  channels?: number;
  offered_per_s?: number;
  loss?: number;
  /** idle: what goes on meanwhile. */
  activity?: 'none' | 'sparse' | 'closed' | 'busy';
  /** One request in so many was timed. */
  timed?: number;
  verify?: boolean;
}

/** One object of `emp bench TEST --json`, one run; docs/bench.md explains each field. */
export interface BenchResult extends Conditions, Figures, Losses {
  test: TestName;
  driver: DriverName;
  mode: string;
  wait: Wait;
  /** Measured, all slices together. */
  seconds: number;
  slices: number;
  /** Of the slices' figures: (largest - smallest) / median. */
  spread: number;
  cpu: Cpu;
  /** Of each slice the longest stall of the server's event loop in a flood, ms; absent if it spins. */
  stalls_ms?: number[];
  baseline: Baseline | null;
  baseline_note: string | null;
  /** Ours / baseline, of slices beside each other: the median, and the two ends. */
  ratio: number | null;
  ratio_low: number | null;
  ratio_high: number | null;
  noisy: boolean;
  /** Why it is noisy. */
  noise: string[];
  wire: string;
  cores: { client: number; server: number | null } | null;
  notes: string[];
}
