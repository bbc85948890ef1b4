// Options that several commands share, and their strict parsing: what is not wholly right is refused, with what was expected.
import { InvalidArgumentError, Option, type Command } from 'commander';

import { CONTROL_PORT, VERIFYING_SINK_PORT } from '../../bench/ends/commands.js';
import { ArgumentError } from '../errors.js';
import type { Faults } from '../fault/faults.js';
import { parseFaults } from '../fault/parse.js';
import type { DriverName, NicOptions } from '../nic/contract.js';
import { local, type Local } from './addresses.js';

/** A whole number of a range, decimal or 0x-hexadecimal. */
export function integer(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = /^(?:\d{1,16}|0x[0-9a-f]{1,13})$/i.test(text) ? Number(text) : NaN;
    if (value >= low && value <= high) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${low} to ${high}.`);
  };
}

/** A number of a range, with or without a fraction. */
export function decimal(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}(?:\.\d{1,9})?$/.test(text) ? Number(text) : NaN;
    if (value >= low && value <= high) return value;
    throw new InvalidArgumentError(`Expected a number from ${low} to ${high}.`);
  };
}

/** Whole numbers of a range with commas between them. */
export function integers(low: number, high: number): (text: string) => number[] {
  const one = integer(low, high);
  return (text) => {
    try {
      return text.split(',').map(one);
    } catch {
      throw new InvalidArgumentError(`Expected whole numbers from ${low} to ${high} with commas between them.`);
    }
  };
}

/** A name that is not empty. */
export function nonEmpty(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('Expected a name.');
}

export const MAX_PORT = 0xffffffff;
/** Of a channel. Some are taken at every `emp echo`. */
export function channelPort(text: string): number {
  const port = integer(0, MAX_PORT)(text);
  if (port < CONTROL_PORT || port > VERIFYING_SINK_PORT) return port;
  throw new InvalidArgumentError(`Ports ${CONTROL_PORT} to ${VERIFYING_SINK_PORT} are of the measurements.`);
}

export const DEFAULT_PORT = 7; // the echo service, as in TCP and UDP

/** Faults of a wire, as text; given once. */
export function faultList(text: string, before?: Faults): Faults {
  if (before !== undefined) throw new InvalidArgumentError('Given twice; put all faults into one list, with commas.');
  try {
    return parseFaults(text);
  } catch (error) {
    throw error instanceof ArgumentError ? new InvalidArgumentError(error.message) : error;
  }
}

export type WaitName = 'spin' | 'event' | 'adaptive';

/** Values of the options that `nicOptions` adds, as commander hands them over. */
export interface NicFlags {
  driver: DriverName;
  interface?: string;
  namespace?: string;
  queue?: number;
  require?: 'zerocopy' | 'native';
  local?: Local;
  wait: WaitName;
}

/** Where the defaults of a command differ from another's. */
export interface NicDefaults {
  /** Undefined: the command chooses one. */
  driver?: DriverName;
  /** What `--local` is without, in words. */
  local: string;
  wait: WaitName;
}

/** Adds what decides which NIC a command opens, and how it waits. */
export function nicOptions(
  command: Command,
  drivers: readonly DriverName[],
  { driver, local: here, wait }: NicDefaults,
): Command {
  const which = new Option('-d, --driver <driver>', 'how frames reach the wire').choices(drivers);
  command.addOption(driver === undefined ? which : which.default(driver));
  return placeOptions(command, here).addOption(
    new Option('--wait <strategy>', 'how to wait for frames').choices(['spin', 'event', 'adaptive']).default(wait),
  );
}

/** Adds what says where a driver opens its NIC. */
export function placeOptions(command: Command, here: string): Command {
  return command
    .option('-i, --interface <name>', 'network interface (xdp, packet)', nonEmpty)
    .option('-n, --namespace <name>', 'network namespace to open it in, as of `ip netns` (needs root)', nonEmpty)
    .option('-q, --queue <number>', 'receive and transmit queue (xdp; default: 0)', integer(0, 4095))
    .addOption(new Option('--require <mode>', 'fail rather than fall back (xdp)').choices(['zerocopy', 'native']))
    .option('-l, --local <ip[:port]>', `own address; port 0: any that is free (udp; default: ${here})`, local);
}

/** The NIC that the flags name. An option that the driver has no use for is an error, not ignored. */
export function nicFrom(flags: NicFlags): NicOptions {
  const { driver } = flags;
  const common = flags.namespace === undefined ? {} : { namespace: flags.namespace };
  switch (driver) {
    case 'xdp':
      refuse(flags, ['local']);
      return {
        driver,
        ...common,
        interface: needInterface(flags),
        ...(flags.queue === undefined ? {} : { queue: flags.queue }),
        ...(flags.require === undefined ? {} : { require: flags.require }),
      };
    case 'packet':
      refuse(flags, ['local', 'queue', 'require']);
      return { driver, ...common, interface: needInterface(flags) };
    case 'udp':
      refuse(flags, ['interface', 'queue', 'require']);
      return { driver, ...common, ...flags.local };
    case 'memory':
      refuse(flags, ['interface', 'namespace', 'queue', 'require', 'local']);
      return { driver, name: 'emp' };
  }
}

const FLAG = {
  interface: '--interface',
  namespace: '--namespace',
  queue: '--queue',
  require: '--require',
  local: '--local',
} as const;

function refuse(flags: NicFlags, names: readonly (keyof typeof FLAG)[]): void {
  for (const name of names) {
    if (flags[name] === undefined) continue;
    throw new ArgumentError(`The driver ${flags.driver} has no option ${FLAG[name]}.`, { remedy: 'Leave it out.' });
  }
}

function needInterface(flags: NicFlags): string {
  if (flags.interface !== undefined) return flags.interface;
  throw new ArgumentError(`The driver ${flags.driver} needs a network interface.`, {
    remedy: 'Name one with --interface; emp nics lists them.',
  });
}

export function jsonOption(text = 'print one JSON object instead of text'): Option {
  return new Option('--json', text);
}
