// The tests of `emp bench` but ping-pong, as the command offers them.
import { Option, type Command } from 'commander';

import { idle } from '../../../bench/tests/idle.js';
import { load } from '../../../bench/tests/load.js';
import { loss } from '../../../bench/tests/loss.js';
import { rate } from '../../../bench/tests/rate.js';
import { connections, depth, requests } from '../../../bench/tests/requests.js';
import type { Test } from '../../../bench/tests/test.js';
import { throughput } from '../../../bench/tests/throughput.js';
import { integer } from '../options.js';
import type { FloorKind } from './floors.js';
import { listOption, percents, ranges, rates } from './options.js';

/** What a test has of its own. */
export interface Offered {
  readonly test: Test;
  readonly description: string;
  readonly sizes: { readonly low: number; readonly high: number; readonly default: number[] };
  readonly seconds: number;
  /** It has samples. */
  readonly roundTrips: boolean;
  /** What stands beside it. */
  readonly floor: FloorKind;
  /** It measures each way of waiting. */
  readonly allWaits?: true;
  readonly options?: (command: Command) => Command;
  readonly examples: readonly string[];
}

const KI = 1024;
const MI = KI ** 2;
/** A request says its number in its first four bytes. */
const REQUEST = { low: 4, high: 16 * MI, default: [16] };
/** How many requests can be under way. */
const MOST_OUTSTANDING = 65536;

function outstanding(command: Command): Command {
  return command.option('--outstanding <number>', 'requests under way at once', integer(1, MOST_OUTSTANDING), 64);
}

export const TESTS: readonly Offered[] = [
  {
    test: rate,
    description: 'one-way flood of small messages over one channel, beside bare C that sends a frame for each',
    sizes: { low: 0, high: 64 * KI, default: [16] },
    seconds: 2.5,
    roundTrips: false,
    floor: 'flood',
    examples: [
      'emp bench rate',
      'emp bench rate --driver xdp --size 16..1024*4 --seconds 10',
      'emp bench rate --driver udp --peer 192.0.2.1      there: emp echo --local 0.0.0.0',
    ],
  },
  {
    test: throughput,
    description: 'one-way flood of long buffers over one channel, beside bare C with full frames, or iperf3 (udp)',
    sizes: { low: 1, high: KI ** 3, default: [MI, 8 * MI, 64 * MI] },
    seconds: 3,
    roundTrips: false,
    floor: 'flood',
    examples: ['emp bench throughput', 'emp bench throughput --driver udp --size 1M..64M*4 --floor-mode gso'],
  },
  {
    test: requests,
    description: 'closed loop: requests and answers, many under way at once',
    sizes: REQUEST,
    seconds: 2.5,
    roundTrips: true,
    floor: 'flood',
    options: outstanding,
    examples: ['emp bench requests', 'emp bench requests --outstanding 256 --size 16,256,1024'],
  },
  {
    test: load,
    description:
      'open loop: requests at given rates, their times counted from when each was due, beside bare C on that schedule',
    sizes: REQUEST,
    seconds: 1,
    roundTrips: true,
    floor: 'other',
    options: (command) =>
      outstanding(command).addOption(
        new Option('--rate <numbers>', 'requests/s, or percents of what a closed loop reaches')
          .argParser(rates)
          .default([-0.1, -0.25, -0.5, -0.75, -0.9], '10%,25%,50%,75%,90%'),
      ),
    examples: ['emp bench load', 'emp bench load --driver packet --rate 1000,10000,100000'],
  },
  {
    test: connections,
    description: 'requests over a channel taken by chance, of 1 to 1024',
    sizes: REQUEST,
    seconds: 1,
    roundTrips: true,
    floor: 'flood',
    options: (command) =>
      outstanding(command).addOption(
        listOption('--channels <numbers>', 'how many channels', ranges(1, 65536), [1, 16, 128, 1024]),
      ),
    examples: ['emp bench connections', 'emp bench connections --driver xdp --channels 1..1024*4'],
  },
  {
    test: depth,
    description: 'requests against how many are under way at once',
    sizes: REQUEST,
    seconds: 1,
    roundTrips: true,
    floor: 'flood',
    options: (command) =>
      command.addOption(
        listOption('--depth <numbers>', 'requests under way', ranges(1, MOST_OUTSTANDING), [1, 4, 16, 64, 256]),
      ),
    examples: ['emp bench depth', 'emp bench depth --depth 1..256 --driver xdp'],
  },
  {
    test: loss,
    description: 'bandwidth and round trips while frames are lost by chance',
    sizes: { low: 1, high: KI ** 3, default: [64 * KI] },
    seconds: 1,
    roundTrips: true,
    floor: 'none',
    options: (command) =>
      command.addOption(
        new Option('--loss <percents>', 'of the frames of each direction')
          .argParser(percents(0, 90))
          .default([0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3], '0,0.1,1,5,10,20,30'),
      ),
    examples: ['emp bench loss', 'emp bench loss --driver udp --loss 0,1,2 --seed 7'],
  },
  {
    test: idle,
    description:
      'what waiting costs: the processor while nothing happens, round trips with a host that sleeps, or is busy',
    sizes: REQUEST,
    seconds: 1,
    roundTrips: true,
    floor: 'other',
    allWaits: true,
    examples: ['emp bench idle', 'emp bench idle --driver udp --json'],
  },
];
