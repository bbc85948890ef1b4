// Our own ends, as contenders: those of `emp bench pingpong` and of the floods of `emp bench`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { DriverName } from '../../src/index.js';
import { MAX_MESSAGE } from '../../src/channel/options.js';
import { packageRoot } from '../../src/nic/native.js';
import { SINK_PORT } from '../ends/commands.js';
import { Ends as FloodEnds } from '../ends/ends.js';
import type { Wait } from '../pingpong/commands.js';
import { Ends as PingpongEnds } from '../pingpong/ends.js';
import type { Losses } from '../pingpong/tally.js';
import { rounded, summarize } from '../samples.js';
import type { Stage } from '../stage.js';
import type { Contender } from './contender.js';
import type { Bout, Figures, Test } from './contract.js';

const ECHO_PORT = 7;
const WARMUP_US = 200_000;

interface Way {
  test: Test;
  driver: DriverName;
  wait: Wait;
}

const WAYS: readonly Way[] = [
  { test: 'pingpong', driver: 'xdp', wait: 'spin' },
  { test: 'pingpong', driver: 'packet', wait: 'spin' },
  { test: 'pingpong', driver: 'udp', wait: 'spin' },
  { test: 'pingpong', driver: 'udp', wait: 'event' }, // waits as tools do that block
  { test: 'throughput', driver: 'xdp', wait: 'spin' },
  { test: 'throughput', driver: 'packet', wait: 'spin' },
  { test: 'throughput', driver: 'udp', wait: 'spin' },
];

export function empContenders(stage: Stage, drivers: readonly DriverName[]): Contender[] {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  return WAYS.filter(({ driver }) => drivers.includes(driver)).map((way) => ({
    peer: 'emp',
    version,
    test: way.test,
    transport: way.wait === 'spin' ? way.driver : `${way.driver}, ${way.wait}`,
    note: `JavaScript, reliable and in order, ${way.wait === 'spin' ? 'spins' : 'blocks'}`,
    sleeps: way.wait !== 'spin',
    refuses: (size) => (size > MAX_MESSAGE ? `its messages have at most ${MAX_MESSAGE} bytes` : undefined),
    play: (bout, signal) => (way.test === 'pingpong' ? pingpong : throughput)(stage, way, bout, signal),
  }));
}

async function pingpong(stage: Stage, { driver, wait }: Way, bout: Bout, signal: AbortSignal): Promise<Figures> {
  const { size, count, warmup } = bout;
  return withEnds(PingpongEnds.start('two processes', stage.cores), signal, async (ends) => {
    const session = { setup: stage.setup(driver), wait, port: ECHO_PORT, size, payloadCheck: false };
    const { info } = await ends.open({ ...session, rounds: warmup + count });
    if (warmup > 0) await ends.run(warmup);
    const samples = await ends.run(count);
    refuseLosses(await ends.close());
    return { rtt_us: rounded(summarize(samples)), note: info.mode };
  });
}

async function throughput(stage: Stage, { driver, wait }: Way, bout: Bout, signal: AbortSignal): Promise<Figures> {
  return withEnds(FloodEnds.start(false, stage.cores), signal, async (ends) => {
    const task = { kind: 'flood', size: bout.size, verify: false } as const;
    const { info } = await ends.open({ setup: stage.setup(driver), wait, port: SINK_PORT, task });
    const run = await ends.run({ unit: 'us', warmup: WARMUP_US, measured: bout.seconds * 1e6 });
    await ends.close();
    refuseLosses(run);
    return { gbit_per_s: (8 * run.bytes) / run.elapsed / 1000, note: info.mode };
  });
}

function refuseLosses({ lost, doubled, reordered, corrupted }: Losses): void {
  if (lost + doubled + reordered + corrupted > 0)
    throw new Error('messages were lost, doubled, reordered or corrupted');
}

/** An abort stops the processes, whatever they are doing. */
async function withEnds<Ends extends { stop(): Promise<void> }>(
  started: Promise<Ends>,
  signal: AbortSignal,
  work: (ends: Ends) => Promise<Figures>,
): Promise<Figures> {
  const ends = await started;
  const stop = (): void => void ends.stop();
  signal.addEventListener('abort', stop);
  try {
    signal.throwIfAborted();
    return await work(ends);
  } finally {
    signal.removeEventListener('abort', stop);
    await ends.stop();
  }
}
