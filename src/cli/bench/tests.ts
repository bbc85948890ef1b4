// The tests of `emp bench` but ping-pong: the options that all have, and how one is run.
import { Option, type Command } from 'commander';

import { describeMachine, machineLine } from '../../../bench/machine.js';
import { runTest, type RunnerOptions } from '../../../bench/tests/runner.js';
import type { BenchResult } from '../../../bench/tests/result.js';
import type { Test, TestOptions } from '../../../bench/tests/test.js';
import type { DriverName } from '../../nic/contract.js';
import { decimal, integer, placeOptions, type NicFlags, type WaitName } from '../options.js';
import { partners } from '../partners.js';
import { TESTS, type Offered } from './catalogue.js';
import { checkFloorMode, floorOptions, SLICES } from './floors.js';
import type { Job, Place } from './job.js';
import {
  coresOption,
  drivers,
  DRIVERS,
  listOption,
  outputOptions,
  ranges,
  rawOption,
  SIZES,
  type OutputFlags,
} from './options.js';
import { PEER_PARTNERS, peerOption, remoteOf } from './remote.js';
import type { Take } from './take.js';
import { remarks, resultTable } from './text.js';

interface Flags extends Omit<NicFlags, 'driver' | 'wait'>, OutputFlags {
  driver?: DriverName[];
  size: number[];
  seconds: number;
  rounds?: number;
  warmup: number;
  slices: number;
  wait?: WaitName;
  peer?: string;
  baseline?: boolean;
  floorMode?: string;
  verify?: boolean;
  seed: number;
  pin: boolean;
  cores?: [number, number];
  mtu?: number;
  outstanding?: number;
  depth?: number[];
  channels?: number[];
  loss?: number[];
  rate?: number[];
}

export function registerTests(bench: Command, take: Take): void {
  for (const one of TESTS) registerTest(bench, one, take);
}

function registerTest(bench: Command, offered: Offered, take: Take): void {
  const { test, description, sizes, seconds, options, roundTrips, floor, allWaits, examples } = offered;
  const command = bench.command(test.name).description(description);
  (options?.(command) ?? command)
    .option('-d, --driver <drivers>', 'with commas between them (default: all that work here)', drivers)
    .addOption(listOption('-s, --size <bytes>', SIZES, ranges(sizes.low, sizes.high), sizes.default))
    .option('--seconds <number>', 'to measure at each point, all slices together', decimal(0.01, 86_400), seconds)
    .addOption(
      new Option('-r, --rounds <number>', 'messages to measure instead')
        .argParser(integer(1, 4e9))
        .conflicts('seconds'),
    )
    .option('-w, --warmup <ms>', 'before each slice, not counted', integer(0, 60_000), 200)
    .option('--slices <number>', SLICES[floor], integer(1, 1000), 5);
  floorOptions(command, floor);
  if (allWaits !== true) command.addOption(waitOption());
  command
    .option('--verify', 'write and check every byte of each message')
    .option('--seed <number>', 'of what is left to chance', integer(1, 0xffffffff), 1)
    .option('--no-pin', 'leave the processes on the cores that the kernel chooses')
    .addOption(coresOption())
    .addOption(
      new Option('--mtu <bytes>', 'of the interfaces that are made (default: 1500)')
        .argParser(integer(1280, 65535))
        .conflicts('peer'),
    )
    .addOption(peerOption());
  placeOptions(command, 'any address and port');
  if (roundTrips) command.addOption(rawOption());
  outputOptions(command)
    .hook('preAction', partners(PEER_PARTNERS))
    .addHelpText('after', `${WITH_PEER}\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`)
    .action((flags: Flags) => take(jobOf(test, flags), flags));
}

function waitOption(): Option {
  return new Option('--wait <strategy>', 'how both ends wait').choices(['spin', 'event', 'adaptive']).default('spin');
}

const WITH_PEER = `
With --peer it needs --driver, and measures against an emp echo that runs there, with the same --driver. Only then there is a
choice of --interface, --namespace, --queue, --require and --local.
`;

function optionsOf(flags: Flags): TestOptions {
  const {
    size,
    wait = 'spin',
    verify = false,
    seconds,
    rounds,
    warmup,
    slices,
    baseline = true,
    floorMode,
    seed,
  } = flags;
  return {
    sizes: size,
    wait,
    verify,
    seconds,
    ...(rounds === undefined ? {} : { rounds }),
    warmup,
    slices,
    baseline,
    ...(floorMode === undefined ? {} : { floorMode }),
    seed,
    outstanding: flags.outstanding ?? 1,
    depths: flags.depth ?? [],
    channels: flags.channels ?? [],
    losses: flags.loss ?? [],
    rates: flags.rate ?? [],
  };
}

function jobOf(test: Test, flags: Flags): Job {
  const { driver, pin, cores, mtu, raw } = flags;
  checkFloorMode(flags.floorMode, driver);
  const remote = remoteOf({ ...flags, drivers: driver });
  const how = {
    drivers: driver ?? DRIVERS,
    tolerant: driver === undefined,
    pin,
    ...(cores === undefined ? {} : { cores }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(remote === undefined ? {} : { remote }),
  };
  return { test: test.name, raw, measure: (place) => measure(test, optionsOf(flags), how, place) };
}

async function measure(
  test: Test,
  options: TestOptions,
  how: RunnerOptions,
  { signal, bar, out }: Place,
): Promise<void> {
  const results: BenchResult[] = [];
  const failed: string[] = [];
  await runTest(test, options, {
    ...how,
    signal,
    onResult: (measured) => {
      bar?.stop();
      out.result(measured);
      results.push(measured.result);
    },
    onFailed: ({ driver, reason }) => failed.push(`${driver}: not measured. ${reason}`),
    ...(bar === undefined ? {} : { onProgress: bar.show }),
  });
  bar?.stop();
  out.text(() => [machineLine(describeMachine()), '', resultTable(results), '', ...remarks(results)].join('\n'));
  out.remarks(failed);
}
