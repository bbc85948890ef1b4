import { si, us } from '../report/format.js';
import type { Run } from '../report/run.js';
import { byDriver, find } from './find.js';
import type { Figure } from './target.js';

/** The worst of all numbers of channels. */
export function channelsLatency(runs: readonly Run[]): Figure[] {
  return worst(
    runs.filter(({ outstanding }) => outstanding === 1),
    ({ rtt_us }) => rtt_us?.p50,
    (a, b) => a > b,
    (value) => `${us(value)} µs`,
  );
}

export function channelsRequests(runs: readonly Run[]): Figure[] {
  return worst(
    runs.filter(({ outstanding }) => outstanding !== 1),
    ({ requests_per_s }) => requests_per_s,
    (a, b) => a < b,
    (value) => `${si(value)}/s`,
  );
}

function worst(
  runs: readonly Run[],
  value: (run: Run) => number | undefined,
  worse: (a: number, b: number) => boolean,
  format: (value: number) => string,
): Figure[] {
  return [...byDriver(find(runs, { test: 'connections', wait: 'spin' }))].flatMap(([driver, own]): Figure[] => {
    const measured = own.filter((run) => value(run) !== undefined);
    const one = measured.find(({ channels }) => channels === 1);
    const many = measured.filter(({ channels = 1 }) => channels > 1);
    if (one === undefined || many.length === 0) return [];
    const last = many.reduce((found, run) => (worse(value(run)!, value(found)!) ? run : found));
    const from = `${last.channels} channels ${format(value(last)!)}, one ${format(value(one)!)}`;
    return [{ of: driver, value: value(last)! / value(one)!, from, runs: [one, last] }];
  });
}
