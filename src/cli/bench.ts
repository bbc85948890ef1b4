import { Presets, SingleBar } from 'cli-progress';
import { Option, type Command } from 'commander';

import { pingpong, type Progress } from '../../bench/pingpong/run.js';
import { runAll, summary } from '../../bench/run.js';
import { report, skippedLines } from '../../bench/pingpong/report.js';
import { ArgumentError } from '../errors.js';
import type { DriverName } from '../nic/contract.js';
import { interruption } from './interrupt.js';
import {
  DEFAULT_PORT,
  integer,
  integers,
  jsonOption,
  MAX_PORT,
  nicFrom,
  nicOptions,
  type NicFlags,
  type WaitName,
} from './options.js';
import { Exit, note, print, printJson } from './output.js';

const DRIVERS: readonly DriverName[] = ['xdp', 'packet', 'udp', 'memory'];
const ROUNDS: Record<WaitName, number> = { spin: 1_000_000, adaptive: 1_000_000, event: 50_000 };
const WARMUP = 20_000;
const MAX_SIZE = 16 * 1024 * 1024;

export function register(program: Command): void {
  const bench = program.command('bench').description('measure on this machine');
  bench
    .command('all', { isDefault: true })
    .description('every measurement over every driver that works here, held against the targets of docs/bench.md')
    .option('-o, --out <directory>', 'where results.json goes', 'bench-results')
    .option('-r, --rounds <number>', 'rounds of each ping-pong', integer(1, 1e8), ROUNDS.spin)
    .option('-w, --warmup <number>', 'rounds before them that do not count, in each slice', integer(0, 1e8), WARMUP)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  emp bench all --out /var/tmp/emp')
    .action(all);
  const command = bench
    .command('pingpong')
    .description('round-trip times of messages between two processes, beside the bare C program of the same path');
  nicOptions(command, DRIVERS, undefined, 'spin')
    .option('-s, --size <bytes>', 'message sizes, with commas between them', integers(0, MAX_SIZE), [16])
    .option('-r, --rounds <number>', 'rounds to measure (default: 1000000; with --wait event: 50000)', integer(1, 1e8))
    .option('-w, --warmup <number>', 'rounds before them that do not count, in each slice', integer(0, 1e8), WARMUP)
    .option('-b, --baseline', 'alternate with the bare C ping-pong of the same path, in the same run')
    .addOption(
      new Option('--floor-mode <mode>', 'with --baseline and packet: how the bare C program receives').choices([
        'ring',
        'recv',
      ]),
    )
    .option('--slices <number>', 'with --baseline: how often the two take turns', integer(1, 1000), 4)
    .option('--mtu <bytes>', 'of the interfaces that are made for the measurement', integer(1280, 65535))
    .option('--peer <address>', 'ask `emp echo` on another machine (a MAC address, or IP:PORT with udp)')
    .option('--port <number>', 'port of the channel at --peer', integer(0, MAX_PORT), DEFAULT_PORT)
    .option('--payload-check', 'let the protocol check every payload, both ways')
    .option('--check-allocations', 'count garbage collections over the measured rounds')
    .option('--no-pin', 'leave the processes on the cores that the kernel chooses')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Without --driver it takes the first of xdp, packet and udp that works. Without --peer it makes its own wire: two network namespaces joined by a veth pair (as root), or loopback with udp.
--interface, --namespace, --queue, --require, --address and --udp-port are for --peer.

Examples:
  emp bench pingpong --baseline                         the best driver that works, beside bare C
  emp bench pingpong --driver udp --size 16,64,1024
  emp bench pingpong --driver xdp --interface eth1 --peer 02:00:00:00:00:01
  emp bench pingpong --wait event --json`,
    )
    .action(run);
}

interface Flags extends Omit<NicFlags, 'driver'> {
  driver?: DriverName;
  size: number[];
  rounds?: number;
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
  json?: boolean;
}

async function all(flags: { out: string; rounds: number; warmup: number; json?: boolean }): Promise<void> {
  const { out, rounds, warmup } = flags;
  await interruptible(async (signal, bar) => {
    const onProgress = bar === undefined ? {} : { onProgress: bar.show };
    const results = await runAll({ out, rounds, warmup, signal, ...onProgress });
    bar?.stop();
    if (flags.json === true) printJson(results);
    else print(summary(results));
  });
}

/** Ctrl-C ends a measurement in order, with its own exit code. */
async function interruptible(measure: (signal: AbortSignal, bar: Bar | undefined) => Promise<void>): Promise<void> {
  const signal = interruption();
  const bar = progressBar();
  try {
    await measure(signal, bar);
  } catch (error) {
    if (!signal.aborted) throw error;
    bar?.stop();
    note('emp: interrupted');
    process.exitCode = Exit.interrupted;
  } finally {
    bar?.stop();
  }
}

async function run(flags: Flags): Promise<void> {
  const remote = remoteOf(flags);
  await interruptible(async (signal, bar) => {
    let told = false;
    await pingpong({
      ...(flags.driver === undefined ? {} : { driver: flags.driver }),
      sizes: flags.size,
      rounds: flags.rounds ?? ROUNDS[flags.wait],
      warmup: flags.warmup,
      wait: flags.wait,
      baseline: flags.baseline ?? false,
      slices: flags.slices,
      checkAllocations: flags.checkAllocations ?? false,
      payloadCheck: flags.payloadCheck ?? false,
      pin: flags.pin,
      ...(remote === undefined ? {} : { remote }),
      ...(flags.mtu === undefined ? {} : { mtu: flags.mtu }),
      ...(flags.floorMode === undefined ? {} : { floorMode: flags.floorMode }),
      signal,
      ...(bar === undefined ? {} : { onProgress: bar.show }),
      onResult: (measured) => {
        bar?.stop();
        if (flags.json === true) return printJson(measured.result);
        const { skipped } = measured.result;
        if (!told && skipped.length > 0) print(`${skippedLines(skipped)}\n`);
        told = true;
        print(`${report(measured)}\n`);
      },
    });
  });
}

function remoteOf(flags: Flags): { nic: ReturnType<typeof nicFrom>; peer: string; port: number } | undefined {
  const { peer } = flags;
  if (peer === undefined) {
    for (const name of ['interface', 'namespace', 'queue', 'require', 'address', 'udpPort'] as const) {
      if (flags[name] === undefined) continue;
      throw new ArgumentError('A NIC of your own needs a server at the other end of its wire.', {
        remedy: 'Run emp echo there and give its address with --peer; or leave the NIC out and let a wire be made.',
      });
    }
    return undefined;
  }
  if (flags.driver === undefined || flags.driver === 'memory') {
    throw new ArgumentError('--peer needs --driver xdp, packet or udp.', { remedy: 'Add it.' });
  }
  const { driver } = flags;
  const nic = nicFrom({ ...flags, driver, ...(driver === 'udp' ? { udpPort: flags.udpPort ?? 0 } : {}) });
  return { nic, peer, port: flags.port };
}

interface Bar {
  show: (progress: Progress) => void;
  stop: () => void;
}

/** Undefined when nobody looks. */
function progressBar(): Bar | undefined {
  if (!process.stderr.isTTY) return undefined;
  const bar = new SingleBar(
    { format: '{what} {bar} {percentage}%', clearOnComplete: true, hideCursor: true, stream: process.stderr },
    Presets.shades_grey,
  );
  let active = false;
  return {
    show({ what, done, total }) {
      if (!active) bar.start(total, 0, { what });
      active = true;
      bar.update(done, { what });
    },
    stop() {
      if (active) bar.stop();
      active = false;
    },
  };
}
