// What a target is, and the judgement over results.
import type { Run } from '../report/run.js';

/** A figure that a target is about, as it was measured. */
export interface Figure {
  /** Of what, such as a driver. */
  readonly of: string;
  readonly value: number;
  /** What it was computed from: ours, and the baseline. */
  readonly from: string;
  /** The runs that it is from. */
  readonly runs: readonly Run[];
}

export interface Target {
  readonly name: string;
  readonly bar: { readonly atMost: number } | { readonly atLeast: number };
  /** How its values are written. */
  readonly format: (value: number) => string;
  /** Empty: the results do not tell. */
  readonly figures: (runs: readonly Run[]) => readonly Figure[];
}

export interface Verdict {
  readonly target: string;
  readonly of: string;
  readonly figure: string;
  readonly bar: string;
  readonly from: string;
  readonly met: boolean;
  /** A run that it is from was marked. */
  readonly noisy: boolean;
}

/** What the results tell of the targets; of those that they do not tell there is nothing. */
export function judge(targets: readonly Target[], runs: readonly Run[]): Verdict[] {
  const ours = runs.filter(({ peer }) => peer === undefined);
  return targets.flatMap((target) => target.figures(ours).map((figure) => verdict(target, figure)));
}

function verdict({ name, bar, format }: Target, { of, value, from, runs }: Figure): Verdict {
  const most = 'atMost' in bar;
  const limit = most ? bar.atMost : bar.atLeast;
  return {
    target: name,
    of,
    figure: format(value),
    bar: `${most ? '≤' : '≥'} ${format(limit)}`,
    from,
    met: most ? value <= limit : value >= limit,
    noisy: runs.some(({ noisy }) => noisy === true),
  };
}
