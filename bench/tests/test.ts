// What a test is: the points it measures, and at each what the client does, which figure counts, and what it is compared with.
import type { DriverName, NicInfo } from '../../src/index.js';
import type { Limit, Outcome, TaskOptions } from '../ends/commands.js';
import type { Wait } from '../pingpong/commands.js';
import type { BenchResult, Conditions, Figures, TestName } from './result.js';

/** What is asked of a test; each test says which it has, and with which defaults. */
export interface TestOptions {
  sizes: readonly number[];
  wait: Wait;
  verify: boolean;
  /** Measured at each point, s, shared among the slices. */
  seconds: number;
  /** Measured at each point instead of `seconds`: messages or requests. */
  rounds?: number;
  /** Before each slice, ms. */
  warmup: number;
  slices: number;
  baseline: boolean;
  floorMode?: string;
  seed: number;
  /** Requests under way at once. */
  outstanding: number;
  depths: readonly number[];
  channels: readonly number[];
  /** Shares of frames, 0 to 1. */
  losses: readonly number[];
  /** Requests/s; those below 0 are shares of what a closed loop reaches: -0.5 is the half. */
  rates: readonly number[];
}

/** A program to compare with: one of bench/c, or iperf3. */
export interface Floor {
  program: 'flood' | 'pingpong' | 'iperf3';
  /** Bytes of a frame with its Ethernet header (or of a datagram, a write); of ping-pong: of a message. */
  size: number;
  mode?: string;
  /** Of ping-pong: rounds/s that are due, and the time counts from then. */
  rate?: number;
}

export type Main = Exclude<keyof Figures, 'percentiles' | 'histogram'>;

/** One object of results: one size, one depth, ... */
export interface Point {
  /** Where it differs from what was asked for. */
  readonly wait?: Wait;
  /** Work that the server does besides, in pieces of so many µs. */
  readonly work?: number;
  readonly conditions: Conditions;
  readonly port: number;
  readonly task: TaskOptions;
  readonly loss?: number;
  figures(outcome: Outcome): Figures;
  /** The figure that slices are compared by. */
  readonly main: Main;
  /** Why there is none, as text. The NIC is open: its MTU is known. */
  floor(info: NicInfo, options: TestOptions): Floor | string;
}

/** Measures a point that is no result, to know what to ask for. */
export type Probe = (point: Point) => Promise<Figures>;

export interface Test {
  readonly name: TestName;
  points(driver: DriverName, options: TestOptions, probe: Probe): readonly Point[] | Promise<readonly Point[]>;
  /** Adds what only all results of a driver together tell. */
  conclude?(results: readonly BenchResult[]): void;
}

export function limitOf({ seconds, rounds, warmup, slices }: TestOptions): Limit {
  if (rounds === undefined) return { unit: 'us', warmup: warmup * 1000, measured: (seconds * 1e6) / slices };
  return { unit: 'messages', warmup: Math.ceil(rounds / slices / 10), measured: Math.ceil(rounds / slices) };
}

/** V8 has compiled the last of what a task needs after about so long, s. */
const HEATING = 1.5;

/** What runs before a kind of task is measured for the first time; of short measurements a short one. */
export function heatOf({ seconds, rounds }: TestOptions): Limit {
  if (rounds !== undefined) return { unit: 'messages', warmup: 0, measured: rounds };
  return { unit: 'us', warmup: 0, measured: 1e6 * Math.min(HEATING, 2 * seconds) };
}
