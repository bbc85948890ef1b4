// One figure of a test against the one condition that is varied: a line for each driver, and for what it is compared with.
import { decades, powers } from '../axes.js';
import { lineChart, type Axis, type Line, type Point } from '../chart.js';
import type { Figure } from '../figure.js';
import { bytes, digits, percent, percentileName, si, us } from '../format.js';
import type { Condition, Figures, Run, Times } from '../run.js';
import { floorLook, floorName, seriesOf, type Series } from '../series.js';

/** What is on the upright axis. */
export interface Measure {
  readonly label: string;
  readonly scale: 'linear' | 'log';
  of(figures: Figures): number | undefined;
  format(value: number): string;
}

export function time(key: keyof Times, share: number, what = 'round trip'): Measure {
  return {
    label: `${what}, p${percentileName(share)} (µs)`,
    scale: 'log',
    of: ({ rtt_us }) => rtt_us?.[key],
    format: us,
  };
}

export const P50 = time('p50', 0.5);
export const MESSAGES: Measure = {
  label: 'messages/s',
  scale: 'linear',
  of: ({ messages_per_s, frames_per_s }) => messages_per_s ?? frames_per_s,
  format: si,
};
export const REQUESTS: Measure = {
  label: 'requests/s',
  scale: 'linear',
  of: ({ requests_per_s, frames_per_s }) => requests_per_s ?? frames_per_s,
  format: si,
};
/** Of the tests that have the one or the other. */
export const RATE: Measure = {
  ...MESSAGES,
  label: 'messages or requests/s',
  of: ({ messages_per_s, requests_per_s, frames_per_s }) => messages_per_s ?? requests_per_s ?? frames_per_s,
};
export const BANDWIDTH: Measure = {
  label: 'payload (Gbit/s)',
  scale: 'linear',
  of: ({ gbit_per_s }) => gbit_per_s,
  format: digits,
};

export const CONDITION_AXES: Readonly<Record<Condition, { label: string; format: (value: number) => string }>> = {
  size: { label: 'message size (bytes)', format: bytes },
  message: { label: 'message size (bytes)', format: bytes },
  depth: { label: 'messages in flight', format: String },
  outstanding: { label: 'requests outstanding', format: String },
  channels: { label: 'channels', format: String },
  offered_per_s: { label: 'offered (requests/s)', format: si },
  loss: { label: 'frames lost (%)', format: (share) => percent(share).slice(0, -2) },
};

export interface Sweep {
  readonly id: string;
  readonly test: string;
  readonly title: string;
  readonly x: Condition;
  readonly y: Measure;
  /** What is varied, where the test has another word for it. */
  readonly xLabel?: string;
  readonly caption?: (lines: readonly Line[]) => string | undefined;
}

/** Undefined: there are not two points to join. */
export function sweepFigure(
  runs: readonly Run[],
  { id, test, title, x, xLabel, y, caption }: Sweep,
): Figure | undefined {
  const linear = x === 'loss';
  const fit = runs.filter((run) => run.test === test && run[x] !== undefined && (linear || run[x] > 0));
  const lines = seriesOf(
    fit.filter((run) => y.of(run) !== undefined),
    x,
  ).flatMap((series) => linesOf(series, x, y));
  return linesFigure({ id, title, x, xLabel, y, lines, caption: caption?.(lines) });
}

function linesOf(series: Series, x: Condition, y: Measure): Line[] {
  const { name, look, runs } = series;
  const line = (who: string, how: typeof look, of: (run: Run) => Figures | undefined): Line => ({
    name: who,
    look: how,
    points: joined(runs, x, (run) => y.of(of(run) ?? {})).map(([at, value, run]) => ({
      x: at,
      y: value,
      title: `${who}, ${CONDITION_AXES[x].label.replace(/ \(.*/, '')} ${CONDITION_AXES[x].format(at)}: ${y.format(value)} ${unitOf(y)}${run.noisy === true ? ' (noisy)' : ''}`,
    })),
  });
  const floor = line(floorName(runs[0]), floorLook(look), ({ baseline }) => baseline);
  return [line(name, look, (run) => run), ...(floor.points.length === 0 ? [] : [floor])];
}

/** The unit, from a label such as 'round trip, p50 (µs)'. */
function unitOf({ label }: Measure): string {
  return /\((.*)\)/.exec(label)?.[1] ?? label;
}

/** Of repeated runs, the one in the middle. */
export function joined(
  runs: readonly Run[],
  x: Condition,
  y: (run: Run) => number | undefined,
): [number, number, Run][] {
  const at = new Map<number, [number, number, Run][]>();
  for (const run of runs) {
    const [place, value] = [run[x], y(run)];
    if (place === undefined || value === undefined) continue;
    at.set(place, [...(at.get(place) ?? []), [place, value, run]]);
  }
  const middle = [...at.values()].map((same) => same.sort(([, a], [, b]) => a - b)[same.length >> 1]);
  return middle.sort(([a], [b]) => a - b);
}

export interface LinesFigure {
  id: string;
  title: string;
  x: Condition;
  xLabel?: string | undefined;
  y: Pick<Measure, 'label' | 'scale' | 'format'>;
  lines: readonly Line[];
  caption?: string | undefined;
}

export function linesFigure({
  id,
  title,
  x,
  xLabel = CONDITION_AXES[x].label,
  y,
  lines: all,
  caption,
}: LinesFigure): Figure | undefined {
  const lines = all.filter(({ points: own }) => own.length > 1);
  const points = lines.flatMap((line) => line.points);
  if (new Set(points.map((point) => point.x)).size < 2) return undefined;
  return {
    id,
    title,
    ...(caption === undefined ? {} : { caption }),
    svg: lineChart(title, { x: { ...across(x, points), label: xLabel }, y: upright(y, points), lines }),
    legend: lines,
    table: {
      columns: ['series', xLabel, y.label],
      rows: lines.flatMap((line) =>
        line.points.map((point) => [line.name, CONDITION_AXES[x].format(point.x), y.format(point.y)]),
      ),
    },
  };
}

function across(x: Condition, points: readonly Point[]): Axis {
  const values = points.map((point) => point.x);
  const common = CONDITION_AXES[x];
  if (x === 'loss') return { ...common, scale: 'linear', domain: [0, Math.max(...values)] };
  return { ...common, scale: 'log', ...(x === 'offered_per_s' ? decades(values) : powers(values)) };
}

function upright({ label, scale, format }: LinesFigure['y'], points: readonly Point[]): Axis {
  const values = points.map((point) => point.y);
  if (scale === 'log') return { label, scale, ...decades(values), format: String };
  return { label, scale, domain: [0, (Math.max(...values) || 1) * 1.05], format };
}
