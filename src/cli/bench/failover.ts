import { InvalidArgumentError, Option, type Command } from 'commander';

import { failoverText, FAILURES, type FailureKind } from '../../../bench/failover/result.js';
import { failover, type FailoverDriver, type FailoverOptions } from '../../../bench/failover/run.js';
import { ArgumentError } from '../../errors.js';
import type { PathPolicy } from '../../path/options.js';
import { integer, type WaitName } from '../options.js';
import type { Place } from './job.js';
import { outputOptions, type OutputFlags } from './options.js';
import type { Take } from './take.js';

const DRIVERS: readonly FailoverDriver[] = ['xdp', 'packet', 'udp'];

interface Flags extends OutputFlags {
  driver: FailoverDriver[];
  policy: PathPolicy;
  wait: WaitName;
  links: number;
  failures: number;
  every: number;
  kinds: FailureKind[];
  size: number;
  pin: boolean;
}

export function registerFailover(bench: Command, take: Take): void {
  const command = bench
    .command('failover')
    .description('how long messages stop when the link that carries them fails, and whether any is lost (needs root)')
    .addOption(
      new Option('-d, --driver <drivers>', 'of the first link, the second, ..., with commas between them')
        .argParser(some(DRIVERS))
        .default(['xdp'], 'xdp'),
    )
    .addOption(
      new Option('--policy <policy>', 'how the links are used')
        .choices(['failover', 'stripe', 'duplicate'])
        .default('failover'),
    )
    .addOption(
      new Option('--wait <strategy>', 'how both ends wait').choices(['spin', 'event', 'adaptive']).default('adaptive'),
    )
    .option('--links <number>', 'between the two ends', integer(2, 8), 2)
    .option('--failures <number>', 'how many', integer(1, 10_000), 60)
    .option('--every <ms>', 'from one to the next; each lasts half of that', integer(100, 60_000), 1000)
    .addOption(
      new Option('--kinds <kinds>', `which, in turn: ${FAILURES.join(', ')}, with commas between them`)
        .argParser(some(FAILURES))
        .default([...FAILURES], FAILURES.join()),
    )
    .option('-s, --size <bytes>', 'of each message', integer(4, 65_535), 1000)
    .option('--no-pin', 'leave the processes on the cores that the kernel chooses');
  outputOptions(command)
    .addHelpText(
      'after',
      `
It makes two machines with several links between them, each through a switch if there are silent failures, lets one flood the other with numbered messages, and makes the link
that carries them fail: link, the sender's end is unplugged; peer, the receiver's end; silent, the switch drops everything and tells nobody.

Examples:
  emp bench failover
  emp bench failover --driver packet --kinds silent --json
  emp bench failover --driver xdp,udp --policy duplicate --failures 10`,
    )
    .action((flags: Flags) => {
      const { driver: drivers, ...rest } = flags;
      if (drivers.length > flags.links) {
        throw new ArgumentError(`--driver names ${drivers.length} drivers, but there are ${flags.links} links.`, {
          remedy: `Add --links ${drivers.length}, or name fewer.`,
        });
      }
      const job = (place: Place): Promise<void> => measure({ ...rest, drivers }, place);
      return take({ test: 'failover', raw: undefined, measure: job }, flags);
    });
}

async function measure(options: Omit<FailoverOptions, 'signal'>, { signal, bar, out }: Place): Promise<void> {
  const result = await failover({ ...options, signal, ...(bar === undefined ? {} : { onProgress: bar.show }) });
  bar?.stop();
  const measured = { result, samples: new Float64Array(), baselineSamples: undefined };
  out.result(measured, () => `${failoverText(result)}\n`);
}

/** Words of a list, with commas between them. */
function some<T extends string>(known: readonly T[]): (text: string) => T[] {
  return (text) => {
    const words = text.split(',').map((word) => word.trim());
    if (words.every((word): word is T => (known as readonly string[]).includes(word))) return words;
    throw new InvalidArgumentError(`Expected some of ${known.join(', ')}, with commas between them.`);
  };
}
