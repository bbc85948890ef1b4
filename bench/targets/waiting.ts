import { digits, percent, us } from '../report/format.js';
import type { Run } from '../report/run.js';
import { byDriver, find } from './find.js';
import type { Figure } from './target.js';

const SLEEPERS = ['event', 'adaptive'];

/** Both beside the bare C program that blocks, which took turns with `event`: the one that `adaptive` takes turns with spins. */
export function waitingRatio(runs: readonly Run[]): Figure[] {
  return [...byDriver(find(runs, { test: 'idle', activity: 'closed' }))].flatMap(([driver, own]) => {
    const blocking = own.find(({ wait }) => wait === 'event')?.baseline?.rtt_us?.p50;
    return SLEEPERS.flatMap((wait): Figure[] => {
      const run = own.find((one) => one.wait === wait);
      const p50 = run?.rtt_us?.p50;
      if (blocking === undefined || run === undefined || p50 === undefined) return [];
      const from = `${us(p50)} µs, bare C ${us(blocking)} µs`;
      return [{ of: `${driver}, ${wait}`, value: p50 / blocking, from, runs: [run] }];
    });
  });
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
