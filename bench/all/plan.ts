// The whole report as data: which tests, at which points, for how long. Points are few and slices short, so that all of it is made in
// less than a quarter of an hour on two cores.
import type { DriverName } from '../../src/index.js';
import { idle } from '../tests/idle.js';
import { load } from '../tests/load.js';
import { loss } from '../tests/loss.js';
import { rate } from '../tests/rate.js';
import { connections, depth, requests } from '../tests/requests.js';
import type { TestName } from '../tests/result.js';
import type { Test, TestOptions } from '../tests/test.js';
import { throughput } from '../tests/throughput.js';

/**
 * Seconds for each part, in the order of the report. A part that takes longer, on a slow machine, is ended, and what it has measured stays:
 * so the whole takes less than their sum.
 */
export const BUDGETS = {
  pingpong: 120,
  rate: 120,
  throughput: 90,
  requests: 45,
  load: 60,
  connections: 100,
  depth: 55,
  loss: 115,
  idle: 100,
  peers: 90,
} as const;
export type PartName = keyof typeof BUDGETS;
export const PARTS = Object.keys(BUDGETS) as PartName[];

/** What the whole may take, s. */
export const MOST = 15 * 60;

export const ROUNDS = 1_000_000;
export const WARMUP = 20_000;

/** Some points of a test. */
export interface Step {
  readonly test: Test;
  readonly drivers: readonly DriverName[];
  readonly options: TestOptions;
}

const KI = 1024;
const MI = KI ** 2;
const ALL: readonly DriverName[] = ['xdp', 'packet', 'udp', 'memory'];
const WIRES: readonly DriverName[] = ['xdp', 'packet', 'udp'];

const USUAL: TestOptions = {
  sizes: [16],
  wait: 'spin',
  verify: false,
  seconds: 0.6,
  warmup: 100,
  slices: 2,
  baseline: false,
  seed: 1,
  outstanding: 64,
  depths: [],
  channels: [],
  losses: [],
  rates: [],
};

function step(test: Test, drivers: readonly DriverName[], options: Partial<TestOptions>): Step {
  return { test, drivers, options: { ...USUAL, ...options } };
}

/** Where a target compares with a baseline, the two take turns five times. */
const BESIDE = { baseline: true, slices: 5, seconds: 1.5 };

export const STEPS: Readonly<Record<TestName, readonly Step[]>> = {
  rate: [
    step(rate, ALL, BESIDE),
    // How the event loop of the receiver fares meanwhile, and how long bare C's own loop stands still on the same machine.
    step(rate, WIRES, { ...BESIDE, wait: 'adaptive', seconds: 2.5 }),
    // Bandwidth against size, as far as half of the peak needs it.
    step(rate, WIRES, { sizes: [32, 64, 128, 256, 512, 750, KI, 4 * KI, 16 * KI, 64 * KI] }),
  ],
  throughput: [step(throughput, ALL, { ...BESIDE, sizes: [64 * MI] }), step(throughput, ALL, { sizes: [MI, 8 * MI] })],
  requests: [step(requests, ALL, BESIDE)],
  load: [step(load, WIRES, { rates: [-0.1, -0.25, -0.5, -0.75, -0.9] })],
  connections: [step(connections, WIRES, { channels: [1, 16, 128, 1024], slices: 3, seconds: 0.9 })],
  depth: [step(depth, WIRES, { depths: [1, 4, 16, 64, 256] })],
  // With more loss a flood takes half a minute to end: over one driver.
  loss: [
    step(loss, ['xdp'], { sizes: [64 * KI], losses: [0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3] }),
    step(loss, ['packet', 'udp'], { sizes: [64 * KI], losses: [0, 0.001, 0.01, 0.05, 0.1] }),
  ],
  // Three, so that one in which V8 still compiled is not half of the median.
  idle: [step(idle, WIRES, { baseline: true, slices: 3 })],
};
