import { bytesWithUnit, digits, si } from '../report/format.js';
import type { Run } from '../report/run.js';
import { find } from './find.js';
import type { Figure, Target } from './target.js';

/** Of the slices beside each other, the median. */
export function ratioOf(
  test: string,
  size: number,
  drivers: readonly string[],
  program: 'flood' | 'iperf3' = 'flood',
): Target['figures'] {
  return (runs) =>
    drivers.flatMap((driver) =>
      find(runs, { test, size, driver, wait: 'spin' })
        .filter(({ ratio, baseline }) => ratio !== undefined && baseline?.program === program)
        .slice(0, 1)
        .map((run) => ({ of: driver, value: run.ratio!, from: besides(run), runs: [run] })),
    );
}

export function requestsOverBest(runs: readonly Run[]): Figure[] {
  return find(runs, { test: 'requests', size: 16, outstanding: 64, wait: 'spin' })
    .filter(({ ratio }) => ratio !== undefined)
    .sort((a, b) => b.requests_per_s! - a.requests_per_s!)
    .slice(0, 1)
    .map((run) => ({ of: run.driver!, value: run.ratio!, from: besides(run), runs: [run] }));
}

function besides(run: Run): string {
  const { baseline, messages_per_s, requests_per_s, gbit_per_s = NaN } = run;
  const name = baseline?.program === 'iperf3' ? 'iperf3' : 'bare C';
  const count = messages_per_s ?? requests_per_s;
  if (count === undefined) return `${digits(gbit_per_s)} Gbit/s, ${name} ${digits(baseline?.gbit_per_s ?? NaN)} Gbit/s`;
  const unit = messages_per_s === undefined ? 'requests' : 'messages';
  return `${si(count)} ${unit}/s, ${name} ${si(baseline?.frames_per_s ?? NaN)} frames/s`;
}

/** The smallest size that was measured with half of the most bandwidth of any. */
export function halfOfPeak(drivers: readonly string[]): Target['figures'] {
  return (runs) =>
    drivers.flatMap((driver): Figure[] => {
      const sweep = find(runs, { test: 'rate', driver, wait: 'spin' }).filter(
        ({ gbit_per_s }) => gbit_per_s !== undefined,
      );
      const sizes = sweep.map(({ size = 0 }) => size);
      // A peak is only known from sizes on both sides of the bar.
      if (Math.max(...sizes) < 4096 || Math.min(...sizes) > 64) return [];
      const peak = sweep.reduce((best, run) => (run.gbit_per_s! > best.gbit_per_s! ? run : best));
      const half = sweep.filter(({ gbit_per_s }) => gbit_per_s! >= peak.gbit_per_s! / 2);
      const first = half.reduce((least, run) => (run.size! < least.size! ? run : least));
      const told = `${digits(first.gbit_per_s!)} of ${digits(peak.gbit_per_s!)} Gbit/s, which are with ${bytesWithUnit(peak.size!)}`;
      return [{ of: driver, value: first.size!, from: told, runs: [first, peak] }];
    });
}
