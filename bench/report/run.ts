// A result as the report reads it: what it knows is checked, what it does not know is kept.
import type { Machine } from '../machine.js';
import type { Summary } from '../samples.js';

export type Raw = Readonly<Record<string, unknown>>;

/** As much of the round trips as a test, or another tool, tells. */
export type Times = Partial<Summary>;

/** What a run, or what it is compared with, measured. */
export interface Figures {
  rtt_us?: Times;
  /** [share, µs], rising. */
  percentiles?: [number, number][];
  /** [from, count], rising, µs; each ends where the next begins, the last has no end. */
  histogram?: [number, number][];
  messages_per_s?: number;
  frames_per_s?: number;
  requests_per_s?: number;
  gbit_per_s?: number;
}

export interface Run extends Figures {
  test: string;
  driver?: string;
  mode?: string;
  wait?: string;
  size?: number;
  message?: number;
  depth?: number;
  outstanding?: number;
  channels?: number;
  offered_per_s?: number;
  loss?: number;
  goodput?: number;
  /** Of `idle`. */
  activity?: string;
  lost?: number;
  doubled?: number;
  reordered?: number;
  corrupted?: number;
  gc?: { scavenges?: number };
  stalls_ms?: number[];
  payload_check?: boolean;
  rounds?: number;
  spread?: number;
  cpu?: { client?: number; server?: number };
  baseline?: Figures & { program?: string; mode?: string; stalls_ms?: number[] };
  baseline_note?: string;
  ratio?: number;
  ratio_low?: number;
  ratio_high?: number;
  ratio_p50?: number;
  ratio_p99?: number;
  noisy?: boolean;
  noise?: string[];
  notes?: string[];
  wire?: string;
  machine?: Partial<Machine>;
  /** Another program, or ours beside others. */
  peer?: string;
  version?: string;
  transport?: string;
  sleeps?: boolean;
  note?: string;
  error?: string;
  /** The object as it was read. */
  raw: Raw;
}

/** What can be varied from run to run. */
export const CONDITIONS = [
  'size',
  'message',
  'depth',
  'outstanding',
  'channels',
  'offered_per_s',
  'loss',
] as const satisfies readonly (keyof Run)[];
export type Condition = (typeof CONDITIONS)[number];

/** The field that is wrong, and what it should be. */
export class WrongField extends Error {
  constructor(path: string, expected: string, value: unknown) {
    super(`field '${path}': expected ${expected}, found ${JSON.stringify(value)?.slice(0, 60) ?? 'nothing'}`);
  }
}

type Read = (value: unknown, path: string) => unknown;

const kind =
  (type: 'number' | 'string' | 'boolean'): Read =>
  (value, path) => {
    if (typeof value === type) return value;
    throw new WrongField(path, `a ${type}`, value);
  };
const number = kind('number');
const string = kind('string');
const boolean = kind('boolean');

const share: Read = (value, path) => {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw new WrongField(path, 'a share from 0 to 1', value);
};

const list =
  (item: Read): Read =>
  (value, path) => {
    if (!Array.isArray(value)) throw new WrongField(path, 'a list', value);
    return value.map((one, i) => item(one, `${path}[${i}]`));
  };

const pair: Read = (value, path) => {
  if (Array.isArray(value) && value.length === 2) return value.map((one, i) => number(one, `${path}[${i}]`));
  throw new WrongField(path, 'a pair of numbers', value);
};

const object =
  (fields: Readonly<Record<string, Read>>): Read =>
  (value, path) =>
    known(rawOf(value, path), fields, `${path}.`);

const figures: Readonly<Record<string, Read>> = {
  rtt_us: object(
    Object.fromEntries(['min', 'p50', 'p90', 'p99', 'p999', 'p9999', 'max', 'mean'].map((name) => [name, number])),
  ),
  percentiles: list(pair),
  histogram: list(pair),
  messages_per_s: number,
  frames_per_s: number,
  requests_per_s: number,
  gbit_per_s: number,
};

const FIELDS: Readonly<Record<string, Read>> = {
  ...figures,
  ...Object.fromEntries(CONDITIONS.map((name) => [name, number])),
  ...Object.fromEntries(
    [
      ...['ratio', 'ratio_low', 'ratio_high', 'ratio_p50', 'ratio_p99', 'goodput', 'rounds', 'spread'],
      ...['lost', 'doubled', 'reordered', 'corrupted'],
    ].map((name) => [name, number]),
  ),
  ...Object.fromEntries(
    [
      ...['driver', 'mode', 'wait', 'activity', 'wire', 'baseline_note'],
      ...['peer', 'version', 'transport', 'note', 'error'],
    ].map((name) => [name, string]),
  ),
  test: string,
  loss: share,
  payload_check: boolean,
  noisy: boolean,
  sleeps: boolean,
  noise: list(string),
  notes: list(string),
  stalls_ms: list(number),
  gc: object({ scavenges: number }),
  cpu: object({ client: number, server: number }),
  baseline: object({ ...figures, program: string, mode: string, stalls_ms: list(number) }),
  machine: object({
    cpu: string,
    kernel: string,
    node: string,
    virtualization: string,
    governor: string,
    cores: list(number),
    isolated: list(number),
    cStates: list(string),
  }),
};

/** What is null is not there. */
function known(raw: Raw, fields: Readonly<Record<string, Read>>, prefix: string): Record<string, unknown> {
  const present = Object.entries(fields).filter(([name]) => raw[name] !== undefined && raw[name] !== null);
  return Object.fromEntries(present.map(([name, read]) => [name, read(raw[name], prefix + name)]));
}

export function rawOf(value: unknown, path: string): Raw {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Raw;
  throw new WrongField(path, 'an object', value);
}

/** Throws `WrongField`. */
export function runOf(raw: Raw): Run {
  if (typeof raw['test'] !== 'string') throw new WrongField('test', 'the name of a test', raw['test']);
  return { ...(known(raw, FIELDS, '') as unknown as Omit<Run, 'raw'>), raw };
}
