import { digits, percent, us } from '../report/format.js';
import type { Run } from '../report/run.js';
import { find } from './find.js';
import type { Figure } from './target.js';

const SLEEPERS = ['event', 'adaptive'];

/**
 * Each beside the bare C program that waits in the same way: that sleeps at once, or when it has spun for a while. One round trip after
 * the other keeps `adaptive` awake; few of them let it sleep.
 */
export function waitingRatio(runs: readonly Run[]): Figure[] {
  return ['closed', 'sparse'].flatMap((activity) =>
    find(runs, { test: 'idle', activity }).flatMap((run): Figure[] => {
      const { driver, wait = 'spin', ratio, rtt_us, baseline } = run;
      const [p50, bare] = [rtt_us?.p50, baseline?.rtt_us?.p50];
      if (!SLEEPERS.includes(wait) || ratio === undefined || p50 === undefined || bare === undefined) return [];
      const from = `${us(p50)} µs, bare C ${us(bare)} µs`;
      return [{ of: `${driver}, ${wait}, ${activity}`, value: ratio, from, runs: [run] }];
    }),
  );
}

/** Of the end that takes more. */
export function idleCpu(runs: readonly Run[]): Figure[] {
  return find(runs, { test: 'idle', activity: 'none' }).flatMap((run): Figure[] => {
    const { driver, wait = 'spin', cpu } = run;
    if (!SLEEPERS.includes(wait) || cpu === undefined) return [];
    const shares = Object.entries(cpu);
    const from = shares.map(([end, share]) => `${end} ${percent(share)}`).join(', ');
    return [{ of: `${driver}, ${wait}`, value: Math.max(...shares.map(([, share]) => share)), from, runs: [run] }];
  });
}

/** The longest of all slices: the time in which the kernel gave the core to others is not in them. */
export function stalls(runs: readonly Run[]): Figure[] {
  return runs.flatMap((run): Figure[] => {
    const { test, driver, wait, stalls_ms: each, baseline } = run;
    if (test !== 'rate' || wait !== 'adaptive' || each === undefined || each.length === 0) return [];
    const theirs = baseline?.stalls_ms;
    const beside = theirs === undefined ? '' : `; of bare C: ${listed(theirs)}`;
    const from = `the longest of each slice: ${listed(each)} ms${beside}`;
    return [{ of: `${driver}, ${wait}`, value: Math.max(...each), from, runs: [run] }];
  });
}

function listed(values: readonly number[]): string {
  return values.map((one) => digits(one)).join(', ');
}
