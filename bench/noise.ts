// Whether a figure can be believed: what else ran on the machine, and how far the slices lie apart.
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Slices that lie farther apart, in medians, make a run a noisy one. */
const LARGE_SPREAD = 0.25;
/** Of one core. */
const BUSY = 0.15;
const LOOK = 250;
/** Our two ends make two of it. */
const HIGH_LOAD = 3;

export interface Noise {
  /** What other programs, and the hypervisor for others, took of the processors while we rested; 1: a whole core. */
  readonly others: number;
  /** The kernel's average over a minute; our own measurements count in it, too. */
  readonly load: number;
}

/** Looks at the machine for a quarter of a second, while nothing of ours runs. */
export async function listenToMachine(): Promise<Noise> {
  const before = busyTicks();
  await delay(LOOK);
  const ticks = busyTicks() - before;
  return { others: ticks / (LOOK / 10), load: loadavg()[0] };
}

/** Why a run is noisy; empty if it is not. */
export function noiseOf({ others, load }: Noise, spread: number): string[] {
  const reasons: string[] = [];
  if (others > BUSY) reasons.push(`other programs took ${Math.round(100 * others)} % of a core`);
  if (load > HIGH_LOAD) reasons.push(`the load average is ${load.toFixed(1)}`);
  if (spread > LARGE_SPREAD) reasons.push(`the slices lie ${Math.round(100 * spread)} % apart`);
  return reasons;
}

/** Hundredths of seconds that the processors were not idle: /proc/stat. */
function busyTicks(): number {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softirq + steal;
}
