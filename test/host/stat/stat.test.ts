/** Counters that other processes read: what is in them, and what is left of them. */
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';

import { Host } from '../../../src/host/host.js';
import { statFiles } from '../../../src/host/stat/files.js';
import { readHosts, type HostSnapshot } from '../../../src/host/stat/read.js';
import { describeRoot } from '../../support/root.js';
import { connected, pattern, until, Wire } from '../../support/twoHosts.js';
import { filesOf, OtherHost, snapshotOf } from '../../support/otherHost.js';

const NOBODY = 65534;
const wire = Wire.forTests('memory');

/** The host of this process that has this address. */
function snapshotAt(address: string): HostSnapshot {
  return readHosts().hosts.find(({ pid, nic }) => pid === process.pid && nic.address === address)!;
}

describe('what is read', () => {
  test('is what was sent, and what the host itself says', async () => {
    const [a, b] = await wire.hosts();
    const { client, server } = await connected(a, b, 7);
    let got = 0;
    server.onMessage = () => got++;
    for (let i = 0; i < 50; i++) await client.write(pattern(100 + i));
    await until(() => got === 50);
    const [there, here] = [snapshotAt(a.address), snapshotAt(b.address)];
    const bytes = 50 * 100 + (49 * 50) / 2;
    expect(there.channels).toMatchObject([
      { id: client.id, address: b.address, port: 7, counters: { messagesSent: 50, bytesSent: bytes } },
    ]);
    expect(here.channels).toMatchObject([
      { id: server.id, address: a.address, port: 7, counters: { messagesReceived: 50, bytesReceived: bytes } },
    ]);
    expect(there.counters.nic).toMatchObject({ txErrors: 0, rxDropped: 0 });
    const { framesSent } = there.channels[0].counters;
    expect(framesSent).toBeGreaterThan(0);
    expect(here.channels[0].counters['framesReceived']).toBe(framesSent);
    expect(there.counters.nic['txFrames']).toBeGreaterThan(framesSent); // and a CONNECT
    expect(here.counters.host).toMatchObject({ connectsReceived: 1, unknownChannel: 0 });
    for (const host of [a, b]) expect(snapshotAt(host.address).counters).toEqual(host.counters());
    expect(client.counters()).toEqual(there.channels[0].counters);
  });

  test('tells which host it is', async () => {
    const before = Date.now();
    const host = await wire.host('a', { wait: 'event' });
    const { nic, wait, opened } = snapshotAt(host.address);
    const facts = { driver: 'memory', mode: 'memory', interface: null, namespace: null, queue: null };
    expect(nic).toEqual({ ...facts, address: host.address });
    expect(wait).toBe('event');
    expect(opened).toBeGreaterThanOrEqual(before);
    expect(opened).toBeLessThanOrEqual(Date.now());
  });

  test('counts channels that are over in the sum, and their memory is given to others', async () => {
    const [a, b] = await wire.hosts();
    for (let round = 0; round < 3; round++) {
      const pairs = await Promise.all(Array.from({ length: 100 }, (_, i) => connected(a, b, 1000 * round + i)));
      expect(
        snapshotAt(a.address)
          .channels.map(({ port }) => port)
          .sort((x, y) => x - y),
      ).toEqual(pairs.map(({ client }) => client.port));
      for (const { client, server } of pairs) {
        server.onMessage = () => undefined;
        await client.write(Uint8Array.of(1));
      }
      for (const { counters } of snapshotAt(a.address).channels) expect(counters['messagesSent']).toBe(1);
      await Promise.all(pairs.map(({ client }) => client.close()));
      const kept = pairs.map(({ client }) => client.counters().messagesSent);
      await until(() => a.counters().channels === 0);
      expect(kept).toEqual(pairs.map(() => 1));
      const { counters, channels } = snapshotAt(a.address);
      expect([channels, counters.total['messagesSent']]).toEqual([[], 100 * (round + 1)]);
      expect(pairs.map(({ client }) => client.counters().messagesSent)).toEqual(kept);
    }
  });

  test('is of a host that never returns to its event loop, too', async () => {
    await using other = await OtherHost.start('spin');
    const host = await Host.open({ nic: { driver: 'udp', port: 0 } });
    const channel = await host.connect(other.address, 1);
    let echoes = 0;
    channel.onMessage = () => echoes++;
    for (let round = 1; round <= 3; round++) {
      for (let i = 0; i < 20; i++) await channel.write(pattern(64));
      await until(() => echoes === 20 * round);
      const { channels, counters, wait } = snapshotOf(other.pid);
      expect(channels).toMatchObject([
        { address: host.address, counters: { messagesReceived: 20 * round, bytesSent: 64 * 20 * round } },
      ]);
      expect([wait, counters.loop['sleeps']]).toEqual(['spin', 0]);
      expect(counters.loop['turns']).toBeGreaterThan(0);
    }
    await host.close({ force: true });
  });
});

describe('turns', () => {
  test('are counted, and a long one is seen', async () => {
    const [a, b] = await wire.hosts({ wait: 'event' });
    const { client, server } = await connected(a, b);
    let got = 0;
    server.onMessage = () => {
      const end = performance.now() + 20;
      if (++got === 3) while (performance.now() < end);
    };
    const before = b.counters().loop.turns;
    const sleeps = () => b.counters().loop.sleeps;
    for (let i = 0; i < 10; i++) {
      const slept = sleeps();
      client.send(Uint8Array.of(1));
      // Without the second a message may come before it sleeps again, on a busy machine.
      await until(() => got > i && sleeps() > slept);
    }
    const { loop, turnLengths } = b.counters();
    expect(loop.turns - before).toBeGreaterThanOrEqual(10);
    expect(loop.longestTurn).toBeGreaterThanOrEqual(20_000);
    expect(loop.busyTime).toBeGreaterThanOrEqual(loop.longestTurn);
    expect(loop.sleeps).toBeGreaterThanOrEqual(10);
    expect(turnLengths.at(-1)!.to).toBeGreaterThan(20_000);
    expect(turnLengths.filter(({ from }) => from >= 10_000).map(({ count }) => count)).toEqual([1]);
  });
});

describe('a file', () => {
  test('can be opened by its user only, and goes with its host', async () => {
    const before = filesOf(process.pid);
    const host = await wire.host('a');
    const [path] = filesOf(process.pid).filter((one) => !before.includes(one));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await host.close();
    expect(existsSync(path)).toBe(false);
    expect(host.counters().nic.txFrames).toBe(0);
  });

  for (const how of ['exit', 'throw']) {
    test(`goes with its process (${how})`, async () => {
      const { child, pid } = await OtherHost.start(how);
      if (child.exitCode === null) await once(child, 'exit');
      expect(readdirSync('/dev/shm').filter((name) => name.startsWith(`emp-${pid}-`))).toEqual([]);
    });
  }

  test('goes with its thread', async () => {
    const before = filesOf(process.pid);
    const worker = new Worker(new URL('../fixture/mortalWorker.mjs', import.meta.url), {
      workerData: { driver: 'memory', name: 'stat-thread' },
    });
    await once(worker, 'message');
    expect(filesOf(process.pid).length).toBe(before.length + 1);
    await worker.terminate();
    expect(filesOf(process.pid)).toEqual(before);
  });

  test('of a killed process is removed by the next reader', async () => {
    const other = await OtherHost.start();
    const [path] = filesOf(other.pid);
    await other.kill();
    expect(existsSync(path)).toBe(true);
    expect(readHosts().hosts.some(({ pid }) => pid === other.pid)).toBe(false);
    expect(existsSync(path)).toBe(false);
  });

  test('of a killed process is removed by the next host', async () => {
    const other = await OtherHost.start();
    const [path] = filesOf(other.pid);
    await other.kill();
    await wire.host('a');
    expect(existsSync(path)).toBe(false);
  });

  test('of a process whose number was given out again is removed; one of another container is not', async () => {
    const host = await wire.host('a');
    const [path] = filesOf(process.pid).slice(-1);
    const [, pid, start, namespace] = /emp-(\d+)-(\d+)-(\d+)-/.exec(path)!;
    const earlier = `/dev/shm/emp-${pid}-${Number(start) - 1}-${namespace}-1.stat`;
    const elsewhere = `/dev/shm/emp-${pid}-${Number(start) - 1}-${Number(namespace) + 1}-1.stat`;
    for (const name of [earlier, elsewhere]) writeFileSync(name, '');
    const listed = statFiles().map((file) => file.path);
    expect([earlier, elsewhere, path].map((name) => [existsSync(name), listed.includes(name)])).toEqual([
      [false, false],
      [true, false],
      [true, true],
    ]);
    rmSync(elsewhere);
    await host.close();
  });
});

describeRoot('users', () => {
  test('see their own', async () => {
    await using other = await OtherHost.start();
    let mine: Host;
    process.seteuid!(NOBODY);
    try {
      mine = await wire.host('a');
      const { hosts, hidden } = readHosts();
      expect(hosts.map(({ pid, nic }) => [pid, nic.address])).toEqual([[process.pid, mine.address]]);
      expect(hidden.map(({ pid }) => pid)).toContain(other.pid);
      await mine.close();
    } finally {
      process.seteuid!(0);
    }
  });

  test('that are root see all', async () => {
    await using other = await OtherHost.start('nobody');
    const [path] = filesOf(other.pid);
    expect(statSync(path).uid).toBe(NOBODY);
    expect(snapshotOf(other.pid).nic.address).toBe(other.address);
  });
});
