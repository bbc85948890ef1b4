import { Option, type Command } from 'commander';

import { report, skippedLines } from '../../../bench/pingpong/report.js';
import { pingpong, type PingpongOptions } from '../../../bench/pingpong/run.js';
import { ArgumentError } from '../../errors.js';
import type { DriverName } from '../../nic/contract.js';
import { channelPort, decimal, DEFAULT_PORT, integer, placeOptions, type NicFlags } from '../options.js';
import { partners } from '../partners.js';
import type { Job, Place } from './job.js';
import {
  coresOption,
  drivers,
  listOption,
  MAX_SIZE,
  outputOptions,
  ranges,
  rawOption,
  ROUNDS,
  SIZES,
  WARMUP,
  type OutputFlags,
} from './options.js';
import { PEER_PARTNERS, peerOption, remoteOf } from './remote.js';
import type { Take } from './take.js';

export function registerPingpong(bench: Command, take: Take): void {
  const command = bench
    .command('pingpong')
    .description('round-trip times of messages between two processes, beside the bare C program of the same path');
  command.option(
    '-d, --driver <drivers>',
    'with commas between them (default: the first of xdp, packet and udp that works)',
    drivers,
  );
  placeOptions(command, 'any address and port')
    .addOption(
      new Option('--wait <strategy>', 'how to wait for frames').choices(['spin', 'event', 'adaptive']).default('spin'),
    )
    .addOption(listOption('-s, --size <bytes>', SIZES, ranges(0, MAX_SIZE), [16]))
    .option('-r, --rounds <number>', 'rounds to measure (default: 1000000; with --wait event: 50000)', integer(1, 1e8))
    .addOption(
      new Option('--seconds <number>', 'as many rounds as take about so long, all slices together')
        .argParser(decimal(0.01, 86_400))
        .conflicts('rounds'),
    )
    .option('-w, --warmup <number>', 'rounds before them that do not count, in each slice', integer(0, 1e8), WARMUP)
    .option('-b, --baseline', 'alternate with the bare C ping-pong of the same path, in the same run')
    .addOption(
      new Option('--floor-mode <mode>', 'how the bare C program receives (packet; default: ring)').choices([
        'ring',
        'recv',
      ]),
    )
    .option('--slices <number>', 'with --baseline: how often the two take turns', integer(1, 1000), 4)
    .addOption(
      new Option('--mtu <bytes>', 'of the interfaces that are made for the measurement (default: 1500)')
        .argParser(integer(1280, 65535))
        .conflicts('peer'),
    )
    .addOption(peerOption())
    .option('--port <number>', 'port of the channel at --peer, as of emp echo --port', channelPort, DEFAULT_PORT)
    .option('--payload-check', 'let the protocol check every payload, both ways')
    .option('--check-allocations', 'count garbage collections over the measured rounds')
    .option('--no-pin', 'leave the processes on the cores that the kernel chooses')
    .addOption(coresOption())
    .addOption(rawOption());
  outputOptions(command)
    .hook('preAction', partners(PARTNERS))
    .addHelpText(
      'after',
      `
Several drivers are measured one after the other. Without --peer it makes its own wire: two network
namespaces joined by a veth pair (as root), or loopback with udp.
With --peer it needs --driver, and measures against an emp echo that runs there, with the same --driver. Only then there is a
choice of --interface, --namespace, --queue, --require, --local and --port.

Examples:
  emp bench pingpong --baseline                         the best driver that works, beside bare C
  emp bench pingpong --driver udp --size 16,64,1024
  emp bench pingpong --driver xdp,packet,udp --baseline
  emp bench pingpong --wait event --json
  emp bench pingpong --driver packet --interface eth1 --peer 02:00:00:00:00:01
  emp bench pingpong --driver udp --peer 192.0.2.1      there: emp echo --local 0.0.0.0`,
    )
    .action((flags: Flags) => take(jobOf(flags), flags));
}

const PARTNERS = {
  slices: 'baseline',
  floorMode: 'baseline',
  port: 'peer',
  ...PEER_PARTNERS,
} as const;

interface Flags extends Omit<NicFlags, 'driver'>, OutputFlags {
  driver?: DriverName[];
  size: number[];
  rounds?: number;
  seconds?: number;
  cores?: [number, number];
  warmup: number;
  baseline?: boolean;
  floorMode?: 'ring' | 'recv';
  slices: number;
  mtu?: number;
  peer?: string;
  port: number;
  checkAllocations?: boolean;
  payloadCheck?: boolean;
  pin: boolean;
}

function jobOf(flags: Flags): Job {
  const { driver, floorMode, port } = flags;
  if (floorMode !== undefined && driver?.includes('packet') !== true) {
    throw new ArgumentError('--floor-mode is for --driver packet.', { remedy: 'Add that, or leave it out.' });
  }
  const remote = remoteOf({ ...flags, drivers: driver });
  const options = {
    sizes: flags.size,
    rounds: flags.rounds ?? ROUNDS[flags.wait],
    warmup: flags.warmup,
    wait: flags.wait,
    baseline: flags.baseline ?? false,
    slices: flags.slices,
    checkAllocations: flags.checkAllocations ?? false,
    payloadCheck: flags.payloadCheck ?? false,
    pin: flags.pin,
    ...(flags.seconds === undefined ? {} : { seconds: flags.seconds }),
    ...(flags.cores === undefined ? {} : { cores: flags.cores }),
    ...(remote === undefined ? {} : { remote: { ...remote, port } }),
    ...(flags.mtu === undefined ? {} : { mtu: flags.mtu }),
    ...(floorMode === undefined ? {} : { floorMode }),
  };
  return { test: 'pingpong', raw: flags.raw, measure: (place) => measureEach(driver ?? [undefined], options, place) };
}

/** @param which undefined: the first that works */
async function measureEach(
  which: readonly (DriverName | undefined)[],
  options: PingpongOptions,
  place: Place,
): Promise<void> {
  for (const driver of which) await measure(driver === undefined ? options : { ...options, driver }, place);
}

async function measure(options: PingpongOptions, { signal, bar, out }: Place): Promise<void> {
  let told = false;
  await pingpong({
    ...options,
    signal,
    ...(bar === undefined ? {} : { onProgress: bar.show }),
    onResult: (measured) => {
      bar?.stop();
      const { skipped } = measured.result;
      if (!told && skipped.length > 0) out.text(() => `${skippedLines(skipped)}\n`);
      told = true;
      out.result(measured, () => `${report(measured)}\n`);
    },
  });
}
