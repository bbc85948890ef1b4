// `emp bench failover`: a flood over several links, of which one after the other fails, and what the application sees of it.
import { setTimeout as delay } from 'node:timers/promises';

import { type NicOptions, type PathPolicy, type WaitStrategy } from '../../src/index.js';
import { Testbed, type TestbedLink } from '../../src/testbed/testbed.js';
import { Child } from '../children.js';
import { chooseCores, describeMachine } from '../machine.js';
import type { Seen } from './commands.js';
import { cycle, windowOf, type Cycle, type End } from './cycle.js';
import { FAILURES, gapsOf, type FailoverResult, type FailureKind } from './result.js';

export type FailoverDriver = 'xdp' | 'packet' | 'udp';

export interface FailoverOptions {
  /** Of the first link, the second, ... and again from the first. */
  readonly drivers: readonly FailoverDriver[];
  readonly policy: PathPolicy;
  readonly wait: WaitStrategy;
  readonly links: number;
  readonly failures: number;
  /** From one failure to the next, ms; it lasts half of that. */
  readonly every: number;
  readonly kinds: readonly FailureKind[];
  readonly size: number;
  readonly pin: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { what: string; done: number; total: number }) => void;
}

const PORT = 7;
const SETTLE = 1500;
/** As the kernel's documentation of bonding has it: how often it looks at a link, unless told otherwise, ms. */
const MIIMON = 100;

/** @throws ERR_EMP_PERMISSION without root */
export async function failover(options: FailoverOptions): Promise<FailoverResult> {
  await using testbed = await Testbed.up({ links: options.links, switched: options.kinds.includes('silent') });
  const machine = describeMachine();
  const cores = options.pin ? chooseCores(machine) : undefined;
  const ends: End[] = [];
  try {
    for (const core of [cores?.client, cores?.server]) {
      ends.push(await Child.start({ entry: 'bench/failover/process.js', core, others: cores?.others ?? [] }));
    }
    const [client, server] = ends;
    return await measure(options, testbed, client, server);
  } finally {
    await Promise.all(ends.map((end) => end.stop()));
  }
}

async function measure(options: FailoverOptions, testbed: Testbed, client: End, server: End): Promise<FailoverResult> {
  const { policy, wait, size, every, failures, signal } = options;
  const common = { policy, wait, size, port: PORT };
  const nics = (side: 'a' | 'b') => testbed.links.map((link, i) => nicOf(options, link, i, side));
  const address = await server.call('open', { ...common, nics: nics('b') });
  await client.call('open', { ...common, nics: nics('a'), address });
  await delay(SETTLE, undefined, { signal });
  const began = { at: performance.now(), seen: await server.call('seen') };
  const cycles: Cycle[] = [];
  for (let i = 0; i < failures; i++) {
    const kind = options.kinds[i % options.kinds.length];
    options.onProgress?.({ what: `failures: ${kind}`, done: i, total: failures });
    cycles.push(await cycle({ testbed, client, server }, { every, kind, signal }));
  }
  const seen = await server.call('seen');
  const seconds = (performance.now() - began.at) / 1000;
  const sent = await client.call('finish');
  const last = await server.call('seen');
  await client.call('close');
  return result(options, cycles, { sent, last, rate: (seen.received - began.seen.received) / seconds });
}

function nicOf({ drivers }: FailoverOptions, link: TestbedLink, index: number, side: 'a' | 'b'): NicOptions {
  const { namespace, interface: name, ipv4 } = link[side];
  const driver = drivers[index % drivers.length];
  if (driver === 'udp') return { driver, namespace, address: ipv4 };
  return { driver, namespace, interface: name };
}

function result(
  options: FailoverOptions,
  cycles: readonly Cycle[],
  { sent, last, rate }: { sent: number; last: Seen; rate: number },
): FailoverResult {
  const { policy, wait, size, links, every } = options;
  const gaps = (what: 'quiet' | 'failed' | 'returned' | 'away' | 'back', kind?: FailureKind) =>
    gapsOf(cycles.filter((one) => kind === undefined || one.kind === kind).map((one) => one[what]));
  return {
    test: 'failover',
    driver: options.drivers.join('+'),
    ...{ policy, wait, size, links },
    every_ms: every,
    window_ms: windowOf(every),
    failures: cycles.length,
    gap_ms: gaps('failed'),
    gap_by_kind_ms: Object.fromEntries(
      FAILURES.filter((name) => cycles.some(({ kind }) => kind === name)).map((kind) => [kind, gaps('failed', kind)]),
    ),
    return_gap_ms: gaps('returned'),
    quiet_gap_ms: gaps('quiet'),
    away_gap_ms: gaps('away'),
    back_gap_ms: gaps('back'),
    messages: sent,
    messages_per_s: Math.round(rate),
    lost: sent - last.received + last.duplicated,
    duplicated: last.duplicated,
    reordered: last.reordered,
    bonding: { miimon_ms: MIIMON },
  };
}
