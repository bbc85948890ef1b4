import type { NicInfo } from '../nic/contract.js';
import type { Awake } from './breaks.js';
import { MonotonicClock } from './clock.js';
import type { WaitStrategy } from './loop.js';
import type { HostMemory } from './stat/hostMemory.js';
import { openHostMemory } from './stat/published.js';
import type { Clock } from '../channel/link.js';
import type { Timers } from './timers.js';

/** What a host needs of the machine that it runs on, besides a NIC. The simulator has others: `src/sim`. */
export interface Surroundings {
  readonly clock: Clock;
  readonly timers: Timers;
  /** The hosts that share its event loop. */
  readonly awake: Awake;
  /** Time passes by itself, and not only between calls. */
  readonly isReal: boolean;
  memory(info: NicInfo, wait: WaitStrategy): HostMemory;
}

const nodeTimers: Timers = {
  microtask: queueMicrotask,
  immediate: (run) => setImmediate(run),
  clearImmediate: (handle) => clearImmediate(handle as NodeJS.Immediate),
  timeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

const awake: Awake = { count: 0 };

/** This process: each host has a clock of its own, for each knows the time of its own turns. */
export function thisProcess(): Surroundings {
  return { clock: new MonotonicClock(), timers: nodeTimers, awake, isReal: true, memory: openHostMemory };
}
