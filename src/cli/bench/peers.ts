// `emp bench peers`: what else there is to measure with and to send messages with, beside ours, in one table.
import { InvalidArgumentError, Option, type Command } from 'commander';

import { LENGTHS, PEER_NAMES, runPeers, type PeersOptions } from '../../../bench/peers/run.js';
import { peersCsv, peersText } from '../../../bench/peers/table.js';
import type { DriverName } from '../../nic/contract.js';
import { decimal, integer, jsonOption } from '../options.js';
import { print, printJson } from '../output.js';
import { interruptible, type Bar } from './bar.js';
import { coresOption, drivers, listOption, MAX_SIZE, ranges } from './options.js';

interface Flags
  extends
    Pick<PeersOptions, 'pin' | 'cores' | 'mtu'>,
    Partial<Pick<PeersOptions, 'rounds' | 'warmup' | 'seconds' | 'slices' | 'limit'>> {
  quick?: boolean;
  size?: number[];
  buffer?: number[];
  test?: 'pingpong' | 'throughput';
  driver: DriverName[];
  peer?: string[];
  json?: boolean;
  csv?: boolean;
}

const WIRES: readonly DriverName[] = ['xdp', 'packet', 'udp'];

export function registerPeers(bench: Command): void {
  bench
    .command('peers')
    .description('other tools and libraries that are installed, beside emp, on the same wire and cores')
    .option('--quick', 'one size, fewer turns and rounds: a minute or so')
    .option(
      '-s, --size <bytes>',
      `message sizes of the ping-pong: 16,64 or 16..1024*4 ${usual('sizes')}`,
      ranges(0, MAX_SIZE),
    )
    .option('--buffer <bytes>', `message sizes of the throughput test ${usual('buffers')}`, ranges(1, 100e6))
    .addOption(new Option('--test <name>', 'only this one').choices(['pingpong', 'throughput']))
    .option('--peer <names>', `only these, with commas between them: ${PEER_NAMES.join(', ')}`, names)
    .addOption(listOption('-d, --driver <drivers>', 'of emp, with commas between them', drivers, WIRES))
    .option('--slices <number>', `how often all take turns ${usual('slices')}`, integer(1, 1000))
    .option('-r, --rounds <number>', `round trips in a slice, for those that count ${usual('rounds')}`, integer(1, 1e8))
    .option('-w, --warmup <number>', `round trips before them that do not count ${usual('warmup')}`, integer(0, 1e8))
    .option('--seconds <number>', `of a slice, for those that keep time ${usual('seconds')}`, integer(1, 3600))
    .option('--limit <seconds>', `a turn that takes longer has failed ${usual('limit')}`, decimal(0.1, 86_400))
    .option('--no-pin', 'leave the processes on the cores that the kernel chooses')
    .addOption(coresOption())
    .option('--mtu <bytes>', 'of the interfaces that are made (default: 1500)', integer(1280, 65535))
    .addOption(jsonOption())
    .addOption(new Option('--csv', 'print comma-separated values instead of text').conflicts('json'))
    .addHelpText(
      'after',
      `
What is not installed is named, with the command that installs it. Without root all meet on
loopback, and emp over udp alone.

Examples:
  emp bench peers                               everybody; three or four minutes
  emp bench peers --quick
  emp bench peers --test pingpong --size 16,64,1024
  emp bench peers --peer sockperf,iperf3 --csv`,
    )
    .action((flags: Flags) => interruptible((signal, bar) => run(flags, signal, bar)));
}

async function run(flags: Flags, signal: AbortSignal, bar: Bar | undefined): Promise<void> {
  const { test, quick = false, driver, peer } = flags;
  const usually = LENGTHS[quick ? 'quick' : 'full'];
  const { size = usually.sizes, buffer = usually.buffers } = flags;
  const result = await runPeers({
    ...usually,
    ...flags,
    sizes: test === 'throughput' ? [] : size,
    buffers: test === 'pingpong' ? [] : buffer,
    drivers: driver,
    ...(peer === undefined ? {} : { only: peer }),
    signal,
    ...(bar === undefined ? {} : { onProgress: bar.show }),
  });
  bar?.stop();
  if (flags.json === true) printJson(result);
  else print(flags.csv === true ? peersCsv(result) : peersText(result));
}

/** What an option is when it is not given. */
function usual(name: keyof typeof LENGTHS.full): string {
  const [full, quick] = [String(LENGTHS.full[name]), String(LENGTHS.quick[name])];
  return full === quick ? `(default: ${full})` : `(default: ${full}; quick: ${quick})`;
}

/** Names of peers, in any case, with or without their blanks: 'node-net' is 'Node net'. */
function names(text: string): string[] {
  const plain = (name: string): string => name.toLowerCase().replace(/[ _-]/g, '');
  return text.split(',').map((wanted) => {
    const name = PEER_NAMES.find((one) => plain(one) === plain(wanted));
    if (name === undefined) throw new InvalidArgumentError(`Peers are ${PEER_NAMES.join(', ')}.`);
    return name;
  });
}
