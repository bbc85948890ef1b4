// Who a curve is of, and how it looks: a driver has a colour, a marker and a dash, each of which alone tells it; what we are compared
// with is grey.
import { bytesWithUnit, percent, si } from './format.js';
import { CONDITIONS, type Condition, type Run } from './run.js';

export type Marker = 'circle' | 'square' | 'triangle' | 'diamond' | 'star';

export interface Look {
  /** A variable of style.ts. */
  readonly color: string;
  /** Null: none. */
  readonly marker: Marker | null;
  readonly dash: string;
  readonly hollow: boolean;
}

export const DASHES = ['none', '9 4', '3 3', '9 3 3 3', '1 4'] as const;
const MARKERS: readonly Marker[] = ['circle', 'square', 'triangle', 'diamond', 'star'];
const DRIVERS = ['xdp', 'packet', 'udp', 'memory'];

/** Of a driver; `variant` counts further series over the same one. */
export function look(driver: string | undefined, variant = 0): Look {
  const known = DRIVERS.indexOf(driver ?? '');
  const index = known === -1 ? DRIVERS.length : known;
  return {
    color: known === -1 ? 'var(--other)' : `var(--${DRIVERS[index]})`,
    marker: MARKERS[(index + variant) % MARKERS.length],
    dash: DASHES[(index + variant) % DASHES.length],
    hollow: variant > 0,
  };
}

/** Of what it is compared with. */
export function floorLook(ours: Look): Look {
  return { ...ours, color: 'var(--floor)', hollow: true };
}

export interface Series {
  readonly name: string;
  readonly look: Look;
  readonly runs: readonly Run[];
}

/** Runs that differ in nothing but `varied` are one series, named by what tells it from the others. */
export function seriesOf(runs: readonly Run[], varied?: Condition): Series[] {
  const conditions = CONDITIONS.filter((name) => name !== varied);
  const telling = conditions.filter((name) => new Set(runs.map((run) => run[name])).size > 1);
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = JSON.stringify([
      run.driver,
      waitOf(run),
      run.payload_check ?? false,
      ...telling.map((name) => run[name]),
    ]);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const variants = new Map<string | undefined, number>();
  return [...groups.values()].map((group) => {
    const [first] = group;
    const variant = variants.get(first.driver) ?? 0;
    variants.set(first.driver, variant + 1);
    return {
      name: [nameOf(first), ...conditionsOf(first, telling)].join(', '),
      look: look(first.driver, variant),
      runs: group,
    };
  });
}

/** Spinning is what is not said. */
function waitOf({ wait }: Run): string {
  return wait ?? 'spin';
}

export function nameOf(run: Run): string {
  const wait = waitOf(run);
  return [
    run.driver === undefined ? 'emp' : `emp over ${run.driver}`,
    ...(wait === 'spin' ? [] : [`${wait} wait`]),
    ...(run.payload_check === true ? ['payloads checked'] : []),
  ].join(', ');
}

const WORDS: Readonly<Record<Condition, (value: number) => string>> = {
  size: bytesWithUnit,
  message: (value) => `as messages of ${bytesWithUnit(value)}`,
  depth: (value) => `depth\u202f${value}`,
  outstanding: (value) => `${value}\u202foutstanding`,
  channels: (value) => `${value}\u202fchannel${value === 1 ? '' : 's'}`,
  offered_per_s: (value) => `${si(value)}/s offered`,
  loss: (value) => `${percent(value)} loss`,
};

export function conditionsOf(run: Run, names: readonly Condition[] = CONDITIONS): string[] {
  return names.flatMap((name) => (run[name] === undefined ? [] : WORDS[name](run[name])));
}

/** Of the bare program, or of the tool, that a run is compared with. */
export function floorName({ baseline, driver }: Run): string {
  const program = baseline?.program;
  const who = program === undefined || program === 'flood' || program === 'pingpong' ? 'bare C' : program;
  return driver === undefined ? who : `${who}, ${driver}`;
}
