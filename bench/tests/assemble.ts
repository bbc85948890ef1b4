// Makes one result of the slices of a point.
import { timesOf, type Times } from '../distribution.js';
import type { Run } from '../ends/ends.js';
import { addLosses, NO_LOSSES } from '../pingpong/tally.js';
import { percentile } from '../samples.js';
import { digits, median, ratios, spread } from '../statistics.js';
import type { FloorRun } from './floors.js';
import type { Baseline, BenchResult, Figures } from './result.js';
import type { Floor, Main, Point } from './test.js';

export interface Slices {
  readonly ours: readonly Run[];
  readonly floors: readonly FloorRun[];
}

type Measured = Figures &
  Pick<
    BenchResult,
    | 'lost'
    | 'doubled'
    | 'reordered'
    | 'corrupted'
    | 'cpu'
    | 'stalls_ms'
    | 'seconds'
    | 'slices'
    | 'spread'
    | 'baseline'
    | 'ratio'
    | 'ratio_low'
    | 'ratio_high'
  >;

/** Round trips of all slices in their order, µs; of the baseline those of ping-pong. */
export interface Samples {
  readonly samples: Float64Array;
  readonly baselineSamples: Float64Array | undefined;
}

/** What the slices say, and all their samples. */
export function assemble(
  { ours, floors }: Slices,
  point: Point,
  floor: Floor | undefined,
): { measured: Measured } & Samples {
  const samples = pool(ours.map((run) => run.samples));
  const floorSamples = pool(floors.flatMap((run) => run.samples ?? []));
  const figures = ours.map((run) => point.figures(run));
  const values = ours.map((run, i) => value(figures[i], run.samples, point.main));
  const compared = ratios(
    values,
    floors.map((one) => floorValue(one, point.main)),
  );
  const ratio = (which: 'median' | 'low' | 'high'): number | null =>
    compared === undefined ? null : digits(compared[which], 4);
  const measured = {
    ...middle(figures),
    ...times(samples),
    ...ours.reduce(addLosses, NO_LOSSES),
    cpu: cpuOf(ours),
    ...stallsOf(ours),
    seconds: digits(ours.reduce((sum, { elapsed }) => sum + elapsed, 0) / 1e6),
    slices: ours.length,
    spread: values.some(Number.isNaN) ? 0 : digits(spread(values), 3),
    baseline: floor === undefined || floors.length === 0 ? null : baselineOf(floor, floors, floorSamples),
    ratio: ratio('median'),
    ratio_low: ratio('low'),
    ratio_high: ratio('high'),
  };
  return { measured, samples, baselineSamples: floorSamples.length === 0 ? undefined : floorSamples };
}

function pool(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function times(samples: Float64Array): Partial<Times> {
  return samples.length === 0 ? {} : timesOf(samples);
}

/** What slices are compared by: of times the median. */
function value(figures: Figures, samples: Float64Array | undefined, main: Main): number {
  return main === 'rtt_us' ? percentile((samples ?? new Float64Array()).slice().sort(), 0.5) : (figures[main] ?? NaN);
}

/** Messages and requests are compared with frames. */
function floorValue({ figures, samples }: FloorRun, main: Main): number {
  return main === 'rtt_us' || main === 'gbit_per_s' ? value(figures, samples, main) : (figures.frames_per_s ?? NaN);
}

function baselineOf({ program }: Floor, floors: readonly FloorRun[], samples: Float64Array): Baseline {
  const { mode, size } = floors[0];
  return { program, mode, size, ...middle(floors.map((one) => one.figures)), ...times(samples), ...stallsOf(floors) };
}

function cpuOf(ours: readonly Run[]): BenchResult['cpu'] {
  const servers = ours.flatMap(({ cpu }) => cpu.server ?? []);
  return {
    client: digits(median(ours.map(({ cpu }) => cpu.client)), 3),
    server: servers.length === 0 ? null : digits(median(servers), 3),
  };
}

function stallsOf(slices: readonly { readonly stall?: number | null }[]): Pick<BenchResult, 'stalls_ms'> {
  const stalls = slices.flatMap(({ stall }) => stall ?? []);
  return stalls.length === 0 ? {} : { stalls_ms: stalls.map((one) => digits(one, 3)) };
}

/** The median of each figure that is a number. */
function middle<T extends Figures>(figures: readonly T[]): Omit<T, keyof Times> {
  const names = (Object.keys(figures[0]) as (keyof T)[]).filter((name) => typeof figures[0][name] === 'number');
  const entries = names.map((name) => [name, digits(median(figures.map((one) => one[name] as number)))]);
  return Object.fromEntries(entries) as Omit<T, keyof Times>;
}
