// What a peer is: a tool that others measure networks with, or a library that others send messages with. It says how its two ends are
// started and how to read what they print; who starts them, where, and for how long is the same for all.
import type { Summary } from '../samples.js';

export type Test = 'pingpong' | 'throughput';

/** As much as a tool tells of its round trips. */
export type Times = Partial<Summary>;

/** What one bout measured. */
export interface Figures {
  rtt_us?: Times;
  gbit_per_s?: number;
  /** What turned out only then. */
  note?: string;
}

/** One run of one contest: what is asked for. */
export interface Bout {
  readonly test: Test;
  /** Bytes of a message. */
  readonly size: number;
  /** For tools that count: messages after the warm-up. */
  readonly count: number;
  readonly warmup: number;
  /** For tools that keep time. */
  readonly seconds: number;
  /** Which slice this is, from 0: everybody has a turn in each. */
  readonly slice: number;
  readonly client: Place;
  readonly server: Place;
  /** Of the server, on every bout another one. */
  readonly port: number;
  /** A folder for temporary files, removed afterwards. */
  readonly folder: string;
}

/** Where an end runs. */
export interface Place {
  readonly address: string;
  /** Undefined: that of this process. */
  readonly namespace: string | undefined;
  readonly interface: string;
  /** Undefined: where the kernel puts it. */
  readonly core: number | undefined;
}

export type Words = readonly string[];

/** One way of a peer to do one test. */
export interface Contest {
  readonly test: Test;
  readonly transport: string;
  /** What a reader has to know to compare it with others. */
  readonly note: string;
  /** Why it cannot do this size, or undefined. */
  refuses?(size: number): string | undefined;
  /** Socket that the server has when it is ready; undefined: the client starts both ends. */
  readonly listens?: 'tcp' | 'udp';
  server?(bout: Bout): Words;
  client(bout: Bout): Words;
  /** Its ends sleep while they wait: a round trip takes many times as long, and a tenth of them is enough. */
  readonly sleeps?: boolean;
  /** Pins its ends itself, which may be more than one process, or threads apart. */
  readonly pinsItself?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Files that both ends need, before they start. */
  prepare?(bout: Bout, signal: AbortSignal): Promise<void>;
  /** Reads what the client printed; throws `Unreadable` if it is not what was expected. */
  parse(output: string, bout: Bout): Figures;
}

export interface Peer {
  readonly name: string;
  /** How to install it: 'apt' or 'npm', and the names of the packages. */
  readonly install: { readonly by: 'apt' | 'npm'; readonly packages: readonly string[] } | undefined;
  /** Undefined: not installed. */
  find(): Promise<Found | undefined>;
}

export interface Found {
  readonly version: string;
  readonly contests: readonly Contest[];
}

/** A tool printed something else than was expected: another version, or a failure that it ends with success. */
export class Unreadable extends Error {
  constructor(expected: string, output: string) {
    const said = output.trim().split('\n').slice(-3).join(' / ');
    super(`no ${expected} in what it printed: ${said === '' ? 'nothing' : said}`);
  }
}

/** The number that the first group of `pattern` matches. */
export function numberIn(output: string, pattern: RegExp, expected: string): number {
  const value = Number(pattern.exec(output)?.[1] ?? NaN);
  if (!Number.isFinite(value)) throw new Unreadable(expected, output);
  return value;
}

/** What a program of ours prints: an object on a line of its own, perhaps among warnings of others. */
export function lineOfJson(output: string): object {
  const line = /^\{.*\}$/m.exec(output)?.[0];
  if (line === undefined) throw new Unreadable('line of JSON', output);
  return JSON.parse(line) as object;
}
