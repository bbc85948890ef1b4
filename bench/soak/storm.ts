/**
 * Storms: hosts over real rings whose wires have faults, channels of all kinds between them, some cut off in the middle; every byte is checked, and nothing
 * may be left: frames, descriptors, memory.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { Host, type DriverName, type HostOptions, type NicOptions } from '../../src/index.js';
import { Chance } from '../../src/fault/chance.js';
import type { Testbed } from '../../src/testbed/testbed.js';
import { Talker, type Part } from '../swarm/talker.js';
import { nicsOf } from './pingpong.js';

/** A storm that takes longer, ms, has hung. */
const PATIENCE = 60_000;
/** Memory may lie so much above that, bytes. */
const GROWTH = 64 << 20;

interface Session {
  readonly client: Talker;
  readonly server: Talker;
  /** Cut off on purpose after so long, ms. */
  readonly abortAfter: number | undefined;
}

/** What a process holds. */
interface Held {
  readonly descriptors: number;
  readonly bytes: number;
}

export interface StormOptions {
  readonly until: number;
  readonly seed: number;
  readonly drivers: readonly DriverName[];
  readonly testbed: Testbed | undefined;
}

/** Returns what went wrong; empty: nothing. */
export async function storms({ until, seed, drivers, testbed }: StormOptions): Promise<string[]> {
  const found: string[] = [];
  let before: Held | undefined;
  let last = held();
  let count = 0;
  const settled = performance.now() + (until - performance.now()) / 3;
  let messages = 0;
  for (; performance.now() < until && found.length === 0; count++) {
    const chance = new Chance(seed + count);
    const driver = chance.pick(drivers);
    const sessions = await storm(chance, driver, testbed).catch((error: unknown) => [String(error)]);
    for (const one of sessions) {
      if (typeof one === 'string') found.push(one);
      else messages += one.client.received + one.server.received;
    }
    found.push(
      ...sessions.flatMap((one) => (typeof one === 'string' ? [] : verdict(one))).map((line) => `${driver}: ${line}`),
    );
    if (found.length > 0) found.unshift(`storm ${count} (--seed ${seed + count}) over ${driver}`);
    last = held();
    // After a third of the time memory is what it will be: the compiler is done, pools are filled.
    if (before === undefined && performance.now() > settled) before = last;
    if (count % 20 === 0) tell(count, messages, last);
  }
  tell(count, messages, last);
  if (before === undefined) return found;
  if (last.descriptors > before.descriptors)
    found.push(`${last.descriptors - before.descriptors} descriptors are left`);
  if (last.bytes - before.bytes > GROWTH) found.push(`memory has grown by ${(last.bytes - before.bytes) >> 20} MiB`);
  return found;
}

function tell(count: number, messages: number, { descriptors, bytes }: Held): void {
  console.log(
    `${count} storms, ${messages} messages, ${descriptors} descriptors, ${(bytes / (1 << 20)).toFixed(0)} MiB`,
  );
}

function held(): Held {
  globalThis.gc?.();
  const { rss } = process.memoryUsage();
  return { descriptors: readdirSync('/proc/self/fd').length, bytes: rss };
}

async function storm(chance: Chance, driver: DriverName, testbed: Testbed | undefined): Promise<Session[]> {
  const nics =
    driver === 'memory'
      ? { client: { driver, name: 'storm-a' } as NicOptions, server: { driver, name: 'storm-b' } as NicOptions }
      : nicsOf(driver, testbed);
  const a = await Host.open({ nic: nics.client, ...drawHost(chance) });
  const b = await Host.open({ nic: nics.server, ...drawHost(chance) });
  try {
    const sessions = Array.from({ length: chance.between(1, 6) }, (_, i) => draw(chance, i));
    const all = Promise.all(sessions.map((session) => talk(a, b, session)));
    const late = new AbortController();
    const hung = delay(PATIENCE, undefined, { signal: late.signal }).then(() =>
      Promise.reject(new Error('it has hung')),
    );
    hung.catch(() => undefined);
    await Promise.race([all, hung]).finally(() => late.abort());
    return sessions;
  } finally {
    await Promise.all([a, b].map((host) => host.close({ force: chance.happens(0.3) })));
  }
}

function drawHost(chance: Chance): Omit<HostOptions, 'nic'> {
  const worst = chance.pick([0, 0.01, 0.03]);
  const some = () => (chance.happens(0.5) ? chance.share * worst : 0);
  const faults = {
    ...{ drop: some(), burst: some() / 10, duplicate: some(), reorder: some(), corrupt: some(), truncate: some() },
    ...{ replay: some(), seed: chance.bits() },
  };
  return {
    wait: chance.pick(['event', 'adaptive', 'spin']),
    channel: { window: chance.pick([8, 64, 256]), payloadCheck: true, congestion: chance.pick(['delay', 'fixed']) },
    ...(chance.happens(0.8) ? { faults } : {}),
  };
}

const real = { sleep: (ms: number) => delay(ms) };

function draw(chance: Chance, index: number): Session {
  const client = new Talker(real, index * 2, drawPart(chance), chance.fork());
  const server = new Talker(real, index * 2 + 1, drawPart(chance), chance.fork());
  client.partner = server;
  server.partner = client;
  return { client, server, abortAfter: chance.happens(0.15) ? chance.share * 100 : undefined };
}

function drawPart(chance: Chance): Part {
  const longest = chance.pick([16, 300, 3000, 500_000]);
  const count = longest > 3000 ? chance.between(0, 8) : chance.pick([0, 1, 50, 1000]);
  return {
    lengths: Array.from({ length: count }, () => chance.between(0, longest)),
    pause: count < 100 ? chance.pick([0, 0, 1]) : 0,
    rest: chance.pick([undefined, undefined, 3]),
  };
}

async function talk(a: Host, b: Host, { client, server, abortAfter }: Session): Promise<void> {
  const port = client.stream;
  b.listen(port, {
    allowHalfOpen: true,
    onChannel: (channel) => {
      server.attach(channel);
      void server.talk();
    },
  });
  const channel = await a.connect(b.address, port, { allowHalfOpen: true });
  client.attach(channel);
  if (abortAfter !== undefined) void delay(abortAfter).then(() => channel.abort());
  await Promise.all([client.talk(), channel.closed]);
  await server.channel?.closed;
  await Promise.all([client.reading, server.reading]);
}

function verdict({ client, server, abortAfter }: Session): string[] {
  const found = [...client.faults, ...server.faults];
  if (abortAfter !== undefined) return found;
  for (const one of [client, server]) {
    if (one.isDone) continue;
    const { sent, received, part, partner, stream, end } = one;
    const whole = `${sent} of ${part.lengths.length} sent, ${received} of ${partner.part.lengths.length} heard`;
    found.push(`stream ${stream} ended ${end?.reason ?? 'not at all'} ${end?.error?.message ?? ''}: ${whole}`);
  }
  return found;
}
