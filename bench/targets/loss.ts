import { digits, us } from '../report/format.js';
import type { Run } from '../report/run.js';
import { byDriver, find } from './find.js';
import type { Target } from './target.js';

export function goodput(loss: number): Target['figures'] {
  return besideLossless(
    loss,
    ({ gbit_per_s }) => gbit_per_s,
    (value) => `${digits(value)} Gbit/s`,
  );
}

export function latencyUnderLoss(loss: number): Target['figures'] {
  return besideLossless(
    loss,
    ({ rtt_us }) => rtt_us?.p50,
    (value) => `${us(value)} µs`,
  );
}

function besideLossless(
  loss: number,
  value: (run: Run) => number | undefined,
  format: (value: number) => string,
): Target['figures'] {
  return (runs) =>
    [...byDriver(find(runs, { test: 'loss', wait: 'spin' }))].flatMap(([driver, own]) => {
      const at = (share: number): Run | undefined => own.find((run) => run.loss === share && value(run) !== undefined);
      const [lossy, lossless] = [at(loss), at(0)];
      if (lossy === undefined || lossless === undefined) return [];
      const from = `${format(value(lossy)!)}, without loss ${format(value(lossless)!)}`;
      return [{ of: driver, value: value(lossy)! / value(lossless)!, from, runs: [lossy, lossless] }];
    });
}
