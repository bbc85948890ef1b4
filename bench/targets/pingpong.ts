import { us } from '../report/format.js';
import type { Run } from '../report/run.js';
import { find } from './find.js';
import type { Figure, Target } from './target.js';

/** Spinning, with 16 bytes that the protocol does not check: of each driver the run with most rounds. */
function main(runs: readonly Run[], drivers: readonly string[]): Run[] {
  return drivers.flatMap((driver) => {
    const all = find(runs, { test: 'pingpong', driver, size: 16, wait: 'spin' });
    const plain = all.filter((run) => run.payload_check !== true);
    return plain.sort((a, b) => (b.rounds ?? 0) - (a.rounds ?? 0)).slice(0, 1);
  });
}

export function pingpongRatio(key: 'p50' | 'p99', drivers: readonly string[]): Target['figures'] {
  return (runs) =>
    main(runs, drivers).flatMap((run): Figure[] => {
      const value = key === 'p50' ? run.ratio_p50 : run.ratio_p99;
      const [ours, theirs] = [run.rtt_us?.[key], run.baseline?.rtt_us?.[key]];
      if (value === undefined || ours === undefined || theirs === undefined) return [];
      return [{ of: run.driver!, value, from: `${us(ours)} µs, bare C ${us(theirs)} µs`, runs: [run] }];
    });
}

export function scavenges(runs: readonly Run[]): Figure[] {
  return main(runs, ['xdp', 'packet', 'udp', 'memory']).flatMap((run): Figure[] =>
    run.gc?.scavenges === undefined
      ? []
      : [{ of: run.driver!, value: run.gc.scavenges, from: `${run.rounds ?? 0} rounds`, runs: [run] }],
  );
}

/** Every message of every test is counted by whoever receives it. */
export function wrong(runs: readonly Run[]): Figure[] {
  const counted = runs.filter(({ lost }) => lost !== undefined);
  if (counted.length === 0) return [];
  const of = ({ lost = 0, doubled = 0, reordered = 0, corrupted = 0 }: Run): number =>
    lost + doubled + reordered + corrupted;
  const value = counted.reduce((sum, run) => sum + of(run), 0);
  const where = [...new Set(counted.filter((run) => of(run) > 0).map(({ test, driver }) => `${test} over ${driver}`))];
  const from = `${counted.length} results${where.length === 0 ? '' : `: ${where.join(', ')}`}`;
  return [{ of: 'all', value, from, runs: [] }];
}
