// Options that several tests of `emp bench` share.
import { InvalidArgumentError, Option, type Command } from 'commander';

import type { DriverName } from '../../nic/contract.js';
import { jsonOption, nonEmpty, type WaitName } from '../options.js';
import type { Format } from './job.js';

export const DRIVERS: readonly DriverName[] = ['xdp', 'packet', 'udp', 'memory'];
export const ROUNDS: Record<WaitName, number> = { spin: 1_000_000, adaptive: 1_000_000, event: 50_000 };
export const WARMUP = 20_000;
export const MAX_SIZE = 16 * 1024 * 1024;
export const SIZES = 'message sizes: 16,1K or 16..1024*4';

const UNIT: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
/** A slip of the hand, such as `0..1000000+1`, is not a measurement of days. */
const MOST = 1000;

/**
 * Whole numbers with commas between them; `a..b` doubles from a to b, `a..b*4` and `a..b+16` go in other steps. K, M, G are powers of
 * 1024.
 */
export function ranges(low: number, high: number): (text: string) => number[] {
  return (text) => {
    const numbers = text.split(',').flatMap((part) => range(part.trim()));
    if (numbers.length > 0 && numbers.length <= MOST && numbers.every((n) => n >= low && n <= high)) return numbers;
    throw new InvalidArgumentError(
      `Expected whole numbers from ${low} to ${high} with commas between them, or ranges such as 16..1024*4.`,
    );
  };
}

/** NaN for what is none. */
function whole(text: string): number {
  const [, digits, unit] = /^(0x[0-9a-f]{1,13}|\d{1,16})([kmg]?)$/i.exec(text) ?? [];
  return digits === undefined ? NaN : Number(digits) * UNIT[unit.toLowerCase()];
}

function range(text: string): number[] {
  const [, from, to, way = '*', step = '2'] = /^(\w+)\.\.(\w+)(?:([*+])(\w+))?$/.exec(text) ?? [];
  if (from === undefined) return [whole(text)];
  const [first, last, by] = [whole(from), whole(to), whole(step)];
  const goesOn = way === '*' ? by > 1 && first > 0 : by > 0;
  if (!goesOn || !(first <= last)) return [NaN];
  const numbers: number[] = [];
  for (let n = first; n <= last && numbers.length <= MOST; n = way === '*' ? n * by : n + by) numbers.push(n);
  return numbers;
}

/** An option whose default is shown as it would be written. */
export function listOption<T>(flags: string, text: string, parse: (list: string) => T[], usual: readonly T[]): Option {
  return new Option(flags, text).argParser(parse).default([...usual], usual.join());
}

/** Drivers with commas between them. */
export function drivers(text: string): DriverName[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name): name is DriverName => (DRIVERS as readonly string[]).includes(name))) return names;
  throw new InvalidArgumentError(`Expected drivers of ${DRIVERS.join(', ')}, with commas between them.`);
}

/** `2,3`: the cores of client and server. */
export function coresPair(text: string): [number, number] {
  const [, client, server] = /^(\d{1,4}),(\d{1,4})$/.exec(text) ?? [];
  if (client !== undefined && client !== server) return [Number(client), Number(server)];
  throw new InvalidArgumentError('Expected the numbers of two cores, of client and server, such as 2,3.');
}

export function coresOption(): Option {
  return new Option('--cores <client,server>', 'the cores of the two ends (default: chosen)')
    .argParser(coresPair)
    .conflicts('pin');
}

/** `0,0.5,30`: percents of a range, as shares. */
export function percents(low: number, high: number): (text: string) => number[] {
  return (text) => {
    const numbers = text.split(',').map((part) => percent(part.trim().replace(/%$/, '')));
    if (numbers.every((n) => n * 100 >= low && n * 100 <= high)) return numbers;
    throw new InvalidArgumentError(`Expected percents from ${low} to ${high} with commas between them.`);
  };
}

function percent(text: string): number {
  return /^\d{1,3}(\.\d{1,6})?$/.test(text) ? Number(text) / 100 : NaN;
}

/** `1000,50%`: rates, and shares of the most that is reached, which are told apart by their sign. */
export function rates(text: string): number[] {
  const numbers = text.split(',').map((part) => {
    const one = part.trim();
    return one.endsWith('%') ? -percent(one.slice(0, -1)) : whole(one);
  });
  if (numbers.every((n) => (n < 0 && n >= -10) || (n >= 1 && n <= 1e9))) return numbers;
  throw new InvalidArgumentError('Expected requests/s, or percents such as 50%, with commas between them.');
}

export interface OutputFlags extends Format {
  raw?: string;
}

/** Adds what decides how results are printed. */
export function outputOptions(command: Command): Command {
  return command
    .addOption(jsonOption('print JSON instead of text, an object on each line'))
    .option('--html <file>', 'make a page of the results, with figures', nonEmpty)
    .addOption(new Option('--csv', 'print comma-separated values, a line for each point').conflicts('json'));
}

export function rawOption(): Option {
  return new Option('--raw <file>', 'write every round-trip time to it, as comma-separated values').argParser(nonEmpty);
}
