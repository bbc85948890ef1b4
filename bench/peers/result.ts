// What a tournament says in the end: a row for each contender and size, in the order of what counts.
import type { Machine } from '../machine.js';
import { median, spread } from '../statistics.js';
import type { Figures, Test, Times } from './contract.js';

/** By what a row is ordered and compared. A tool that tells no percentiles is compared by means. */
export type Measure = 'p50' | 'mean' | 'gbit_per_s';

export interface PeerRow {
  test: Test;
  peer: string;
  version: string;
  transport: string;
  size: number;
  /** While it waits; compare it with those that do so, too. */
  sleeps: boolean;
  /** Medians over the slices. */
  rtt_us: Times | null;
  gbit_per_s: number | null;
  measure: Measure | null;
  /** The measure, slice by slice. */
  values: number[];
  /** Of `values`: (largest - smallest) / median. */
  spread: number | null;
  /** Its measure in those of emp's best driver, and of emp over udp, in the same run: 2 is twice as many µs, or Gbit/s. */
  ratio_best: number | null;
  ratio_udp: number | null;
  note: string;
  /** Why there are no figures. */
  error: string | null;
}

/** What `emp bench peers --json` prints; docs/peers.md explains each field. */
export interface PeersResult {
  test: 'peers';
  rows: PeerRow[];
  /** Peers that are not installed, and what would install them. */
  missing: { peer: string; install: string }[];
  rounds: number;
  warmup: number;
  seconds: number;
  slices: number;
  /** What else kept the machine busy when it began; empty: nothing. */
  noise: string[];
  wire: string;
  cores: { client: number; server: number } | null;
  machine: Machine;
}

type Who = Pick<PeerRow, 'test' | 'peer' | 'version' | 'transport' | 'size' | 'sleeps' | 'note'>;

export function failedRow(who: Who, error: string): PeerRow {
  const none = { rtt_us: null, gbit_per_s: null, measure: null, values: [], spread: null };
  return { ...who, ...none, ratio_best: null, ratio_udp: null, error };
}

/** Each figure is the median of the slices that have it: a tool may tell one percentile now and another then. */
export function rowOf(who: Who, figures: readonly Figures[]): PeerRow {
  const times = medians(figures.flatMap(({ rtt_us }) => rtt_us ?? []));
  const rates = figures.flatMap(({ gbit_per_s }) => gbit_per_s ?? []);
  const measure = rates.length > 0 ? 'gbit_per_s' : times.p50 === undefined ? 'mean' : 'p50';
  const values = measure === 'gbit_per_s' ? rates : figures.flatMap(({ rtt_us }) => rtt_us?.[measure] ?? []);
  const remarks = new Set([...figures.flatMap(({ note }) => note ?? []), who.note]);
  return {
    ...failedRow(who, ''),
    rtt_us: measure === 'gbit_per_s' ? null : times,
    gbit_per_s: measure === 'gbit_per_s' ? round(median(rates)) : null,
    measure,
    values: values.map(round),
    spread: round(spread(values)),
    note: [...remarks].join('; '),
    error: null,
  };
}

function medians(times: readonly Times[]): Times {
  const names = new Set(times.flatMap((one) => Object.keys(one) as (keyof Times)[]));
  return Object.fromEntries([...names].map((name) => [name, round(median(times.flatMap((one) => one[name] ?? [])))]));
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The value a row is ordered by; undefined: it has none. */
export function valueOf(row: PeerRow, measure = row.measure): number | undefined {
  if (measure === null) return undefined;
  return measure === 'gbit_per_s' ? (row.gbit_per_s ?? undefined) : row.rtt_us?.[measure];
}

/** Rows of one test and size, fastest first, each with its ratios; those without figures come last. */
export function ranked(rows: readonly PeerRow[]): PeerRow[] {
  const better = rows.some(({ measure }) => measure === 'gbit_per_s') ? -1 : 1;
  const order = (a: PeerRow, b: PeerRow): number => {
    const [x, y] = [valueOf(a), valueOf(b)];
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
    return better * (x - y);
  };
  const sorted = rows.toSorted(order);
  const ours = sorted.filter(({ peer, error }) => peer === 'emp' && error === null);
  const udp = ours.find(({ transport }) => transport === 'udp');
  return sorted.map((row) => ({ ...row, ratio_best: ratio(row, ours[0]), ratio_udp: ratio(row, udp) }));
}

/** Like with like: a mean is compared with a mean. */
function ratio(row: PeerRow, ours: PeerRow | undefined): number | null {
  const [mine, yours] = [valueOf(row), ours === undefined ? undefined : valueOf(ours, row.measure)];
  return mine === undefined || yours === undefined ? null : round(mine / yours);
}
