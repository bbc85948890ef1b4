// What the wait strategies cost the rest of the process: how late its timers and promises run, and how much of a core an idle host takes.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';

import type { Channel } from '../../src/host/channel.js';
import { Host } from '../../src/host/host.js';
import type { WaitStrategy } from '../../src/host/loop.js';
import { EchoProcess } from '../support/echoProcess.js';
import type { Pair } from '../support/twoHosts.js';
import { connected, DRIVERS, REAL_DRIVERS, Wire } from '../support/twoHosts.js';

const byte = Uint8Array.of(1);
const message = new Uint8Array(64);
/** The bound that docs/host.md states, µs. */
const BOUND = 1000;
const MEASURE = 400;

interface Lateness {
  /** How much later than asked timers of 1 ms ran, µs, sorted. */
  readonly timers: number[];
  /**
   * The longest turn of the event loop in each window of 20 ms, from one setImmediate to the next, as processor time of this process, µs,
   * sorted: what other processes take does not count. A collection or the compiler spoils some windows; a host that starves
   * the event loop would spoil all of them.
   */
  readonly longest: number[];
  /** All turns of the event loop, in the same way. */
  readonly turns: number[];
}

const at = (sorted: readonly number[], quantile: number): number => sorted[Math.floor((sorted.length - 1) * quantile)];
const ascending = (values: number[]): number[] => values.sort((x, y) => x - y);

/** Looks at the event loop of this process for a while. */
async function lateness(): Promise<Lateness> {
  const timers: number[] = [];
  const longest: number[] = [];
  const turns: number[] = [];
  const end = performance.now() + MEASURE;
  const immediates = (async () => {
    while (performance.now() < end) {
      const windowEnd = performance.now() + 20;
      let most = 0;
      while (performance.now() < windowEnd) {
        const before = process.cpuUsage();
        await new Promise((resolve) => setImmediate(resolve));
        const { user, system } = process.cpuUsage(before);
        turns.push(user + system);
        most = Math.max(most, user + system);
      }
      longest.push(most);
    }
  })();
  while (performance.now() < end) {
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 1));
    timers.push((performance.now() - start - 1) * 1000);
  }
  await immediates;
  return { timers: ascending(timers), longest: ascending(longest), turns: ascending(turns) };
}

/** The compiler is looked at over so many ms, so often at most, until it rested so many times in a row. */
const COMPILING = { window: 250, most: 20, quiet: 3 };

/**
 * Until what runs often is compiled: the compiler's threads count as processor time of this process, and code that is not compiled yet takes longer. On a slow
 * machine that is seconds. More time than passes is taken by more threads than the one of the event loop.
 */
async function compiled(): Promise<void> {
  for (let quiet = 0, looked = 0; quiet < COMPILING.quiet && looked < COMPILING.most; looked++) {
    const [start, before] = [performance.now(), process.cpuUsage()];
    await new Promise((resolve) => setTimeout(resolve, COMPILING.window));
    const { user, system } = process.cpuUsage(before);
    quiet = (user + system) / 1000 > 1.05 * (performance.now() - start) ? 0 : quiet + 1;
  }
}

/** Keeps so many small messages under way for ever: an echo brings the next one. */
function load(channel: Channel, depth: number): () => number {
  let rounds = 0;
  channel.onMessage = () => {
    rounds++;
    if (channel.writable) channel.send(byte);
  };
  for (let i = 0; i < depth; i++) channel.send(byte);
  return () => rounds;
}

describe('timers and promises of the process', () => {
  for (const driver of REAL_DRIVERS) {
    test.each<[WaitStrategy, number]>([
      ['adaptive', 1],
      ['adaptive', 64],
      ['spin', 1],
    ])(`are never late by more than the bound: ${driver}, %s, %i messages under way`, async (wait, depth) => {
      const control = await lateness();
      await using wire = await Wire.up(driver);
      await using peer = await EchoProcess.start(wire.nic('b'));
      const host = await wire.host('a', { wait });
      const channel = await host.connect(peer.address, 1);
      const rounds = load(channel, depth);
      await compiled();
      const loaded = await lateness();
      const echoes = rounds();
      channel.abort();
      console.log(
        `${driver} ${wait} x${depth}: ${echoes} echoes; timers late p50 ${at(loaded.timers, 0.5).toFixed(0)} p90 ` +
          `${at(loaded.timers, 0.9).toFixed(0)} us (control ${at(control.timers, 0.5).toFixed(0)}, ` +
          `${at(control.timers, 0.9).toFixed(0)}); longest turn of 20 ms p25 ${at(loaded.longest, 0.25)} p50 ` +
          `${at(loaded.longest, 0.5)} us (control ${at(control.longest, 0.25)}, ${at(control.longest, 0.5)})`,
      );
      expect(echoes).toBeGreaterThan(500);
      expect(at(loaded.longest, 0.5)).toBeLessThan(BOUND);
      // The machine may be busy with others: its own lateness, measured without a host, does not count.
      expect(at(loaded.timers, 0.5) - Math.max(0, at(control.timers, 0.5))).toBeLessThan(BOUND);
    });
  }

  for (const driver of ['memory', 'udp'] as const) {
    test.each<WaitStrategy>(['adaptive', 'spin'])(
      `are never late by more than the bound when 8 channels flood their reader: ${driver}, %s`,
      async (wait) => {
        const control = await lateness();
        await using wire = await Wire.up(driver);
        // All windows together fit the ring of the receiver: what it must drop is not the matter here.
        const [a, b] = await wire.hosts({ wait, channel: { window: 64 } });
        let got = 0;
        let flooding = true;
        const pairs: Pair[] = [];
        for (let port = 1; port <= 8; port++) pairs.push(await connected(a, b, port));
        for (const { client, server } of pairs) {
          server.onMessage = () => got++;
          const flood = (): void => {
            while (flooding && client.send(message));
          };
          client.onWritable = flood;
          flood();
        }
        await compiled();
        const loaded = await lateness();
        const received = got;
        flooding = false;
        console.log(
          `${driver} ${wait}, 8 floods: ${received} messages; longest turn of 20 ms p25 ${at(loaded.longest, 0.25)} p50 ` +
            `${at(loaded.longest, 0.5)} us (control ${at(control.longest, 0.25)}, ${at(control.longest, 0.5)})`,
        );
        expect(received).toBeGreaterThan(50_000);
        expect(at(loaded.longest, 0.5)).toBeLessThan(BOUND);
      },
    );
  }

  for (const driver of REAL_DRIVERS) {
    test(`are never late by more than the bound when promises go on for ever: ${driver}, adaptive`, async () => {
      const control = await lateness();
      await using wire = await Wire.up(driver);
      await using peer = await EchoProcess.start(wire.nic('b'), 'adaptive', 'promiseServer');
      const host = await wire.host('a');
      const channel = await host.connect(peer.address, 1);
      const counts = { written: 0, read: 0 };
      const over = async (loop: () => Promise<void>) => loop().catch(() => undefined);
      const writing = over(async () => {
        for (; channel.writable; counts.written++) await channel.write(message);
      });
      const reading = over(async () => {
        for await (const _ of channel) counts.read++;
      });
      await compiled();
      const loaded = await lateness();
      const { written, read } = counts;
      channel.abort();
      await Promise.all([writing, reading]);
      console.log(
        `${driver} adaptive: ${written} written, ${read} read; timers late p50 ${at(loaded.timers, 0.5).toFixed(0)} us ` +
          `(control ${at(control.timers, 0.5).toFixed(0)}); turns p50 ${at(loaded.turns, 0.5)} p90 ${at(loaded.turns, 0.9)} us`,
      );
      expect(written).toBeGreaterThan(20_000);
      expect(read).toBeGreaterThan(20_000);
      // The rest is the collector's: each message is a copy.
      expect(at(loaded.turns, 0.9)).toBeLessThan(BOUND);
      expect(at(loaded.timers, 0.5) - Math.max(0, at(control.timers, 0.5))).toBeLessThan(BOUND);
    });
  }

  test('a promise that a handler settles runs soon, also under spin', async () => {
    await using wire = await Wire.up('memory');
    const [a, b] = await wire.hosts({ wait: 'spin' });
    const { client, server } = await connected(a, b);
    server.onMessage = () => void server.send(byte);
    const iterator = client[Symbol.asyncIterator]();
    const late: number[] = [];
    for (let i = 0; i < 300; i++) {
      const start = performance.now();
      client.send(byte);
      await iterator.next();
      late.push((performance.now() - start) * 1000);
    }
    expect(at(ascending(late), 0.9)).toBeLessThan(BOUND);
  });
});

describe('an idle host', () => {
  for (const driver of DRIVERS) {
    test.each<[WaitStrategy]>([['event'], ['adaptive']])(`sleeps: ${driver}, %s`, async (wait) => {
      await using wire = await Wire.up(driver);
      const [a, b] = await wire.hosts({ wait });
      await connected(a, b);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const turns = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { user, system } = process.cpuUsage(turns);
      console.log(`${driver} ${wait}: ${((user + system) / 10_000).toFixed(1)} % of a core for two hosts, idle`);
      expect(user + system, 'µs of a second').toBeLessThan(50_000);
    });
  }
});

describe('a spinning host', () => {
  test('lives in a thread of its own, and leaves it', async () => {
    const worker = new Worker(new URL('fixture/spinWorker.mjs', import.meta.url), {
      workerData: { driver: 'udp', port: 0 },
    });
    const exited = once(worker, 'exit');
    const [address] = (await once(worker, 'message')) as [string];
    await using host = await Host.open({ nic: { driver: 'udp', port: 0 }, wait: 'spin' });
    const channel = await host.connect(address, 1);
    let echoes = 0;
    channel.onMessage = () => {
      if (++echoes < 2000) channel.send(byte);
    };
    channel.send(byte);
    host.spin(() => echoes === 2000);
    expect((await channel.close()).reason).toBe('ended');
    expect(await exited).toEqual([0]);
  });
});
