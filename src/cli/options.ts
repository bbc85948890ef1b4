// Options that several commands share, and their strict parsing: what is not wholly right is refused, with what was expected.
import { InvalidArgumentError, Option, type Command } from 'commander';

import { ArgumentError } from '../errors.js';
import type { DriverName, NicOptions } from '../nic/contract.js';

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

export const MAX_PORT = 0xffffffff;
export const DEFAULT_PORT = 7; // the echo service, as in TCP and UDP

export type WaitName = 'spin' | 'event' | 'adaptive';

/** Values of the options that `nicOptions` adds, as commander hands them over. */
export interface NicFlags {
  driver: DriverName;
  interface?: string;
  namespace?: string;
  queue?: number;
  require?: 'zerocopy' | 'native';
  address?: string;
  udpPort?: number;
  wait: WaitName;
}

/** Adds what decides which NIC a command opens, and how it waits. Without a default the command chooses a driver. */
export function nicOptions(
  command: Command,
  drivers: readonly DriverName[],
  driver: DriverName | undefined,
  wait: WaitName = 'adaptive',
): Command {
  const which = new Option('-d, --driver <driver>', 'how frames reach the wire').choices(drivers);
  return command
    .addOption(driver === undefined ? which : which.default(driver))
    .option('-i, --interface <name>', 'network interface (xdp, packet)')
    .option('-n, --namespace <name>', 'network namespace to open it in, as of `ip netns` (needs root)')
    .option('-q, --queue <number>', 'receive and transmit queue (xdp; default: 0)', integer(0, 4095))
    .addOption(new Option('--require <mode>', 'fail rather than fall back (xdp)').choices(['zerocopy', 'native']))
    .option('-a, --address <ip>', 'own IPv4 or IPv6 address (udp; default: 127.0.0.1)')
    .option('--udp-port <number>', 'own UDP port, 0: any (udp; default: 34997)', integer(0, 65535))
    .addOption(waitOption(wait));
}

export function waitOption(wait: WaitName = 'adaptive'): Option {
  return new Option('--wait <strategy>', 'how to wait for frames').choices(['spin', 'event', 'adaptive']).default(wait);
}

/** The NIC that the flags name. An option that the driver has no use for is an error, not ignored. */
export function nicFrom(flags: NicFlags): NicOptions {
  const { driver } = flags;
  const common = flags.namespace === undefined ? {} : { namespace: flags.namespace };
  switch (driver) {
    case 'xdp':
      refuse(flags, ['address', 'udpPort']);
      return {
        driver,
        ...common,
        interface: needInterface(flags),
        ...(flags.queue === undefined ? {} : { queue: flags.queue }),
        ...(flags.require === undefined ? {} : { require: flags.require }),
      };
    case 'packet':
      refuse(flags, ['address', 'udpPort', 'queue', 'require']);
      return { driver, ...common, interface: needInterface(flags) };
    case 'udp':
      refuse(flags, ['interface', 'queue', 'require']);
      return {
        driver,
        ...common,
        ...(flags.address === undefined ? {} : { address: flags.address }),
        ...(flags.udpPort === undefined ? {} : { port: flags.udpPort }),
      };
    case 'memory':
      refuse(flags, ['interface', 'namespace', 'queue', 'require', 'address', 'udpPort']);
      return { driver, name: 'emp' };
  }
}

const FLAG = {
  interface: '--interface',
  namespace: '--namespace',
  queue: '--queue',
  require: '--require',
  address: '--address',
  udpPort: '--udp-port',
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

export function jsonOption(): Option {
  return new Option('--json', 'print one JSON object instead of text');
}
