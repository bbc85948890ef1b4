// Loops over promises, the event loop and the run loop: each lets the others go on.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';

import { Breaks } from '../../src/host/breaks.js';
import { thisProcess } from '../../src/host/surroundings.js';
import { Host } from '../../src/index.js';
import type { Channel, HostOptions } from '../../src/index.js';

let made: Host[] = [];
let count = 0;

async function host(options: Partial<HostOptions> = {}, txFrames = 4096): Promise<Host> {
  const one = await Host.open({ nic: { driver: 'memory', name: `breaks-${count++}`, txFrames }, ...options });
  made.push(one);
  return one;
}

afterEach(async () => {
  await Promise.all(made.map((one) => one.close({ force: true })));
  made = [];
});

/** Two that sleep unless they have something to do; the second one takes what comes. */
async function pair(txFrames?: number): Promise<[Host, Host]> {
  const [a, b] = [await host({ wait: 'event' }, txFrames), await host({ wait: 'event' })];
  b.listen(1, { onChannel: (channel) => void (channel.onMessage = () => undefined) });
  return [a, b];
}

/** Code that takes its time. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('the time of the event loop', () => {
  test('is shared by the hosts that are awake', () => {
    const cell = new Float64Array(1);
    const clock = { cell, read: () => cell[0] };
    const awake = { count: 0 };
    const all = [1, 2, 3].map(() => new Breaks(clock, awake));
    /** How long one of them may go on now, µs. */
    const share = (one: Breaks): number => {
      const start = cell[0];
      one.begin();
      while (!one.isDue) cell[0]++;
      return cell[0] - start;
    };
    const shares = all.map((one) => {
      one.join();
      return share(one);
    });
    expect(shares).toEqual([300, 150, 100]);
    all[2].leave();
    expect(share(all[0])).toBe(150);
  });

  test('is not shared with hosts that sleep, are closed, or have lost their NIC', async () => {
    const { awake } = thisProcess();
    const settled = async (count: number): Promise<void> => {
      await expect.poll(() => awake.count).toBe(count);
    };
    await settled(0);
    const [a, b] = [await host({ wait: 'event' }), await host({ wait: 'spin' })];
    await settled(1);
    b.listen(1, { onChannel: () => undefined });
    await a.connect(b.address, 1);
    await settled(1);
    b.nic.close();
    await settled(0);
    await a.close({ force: true });
    await b.close({ force: true });
    expect(awake.count).toBe(0);
  });
});

describe('an iterator that is read slowly', () => {
  test.each([
    ['event', 0],
    ['adaptive', 0],
    ['event', 0.1],
    ['adaptive', 0.1],
  ] as const)('goes on while the host sleeps: %s, %f ms of work a message', async (wait, effort) => {
    const [a, b] = [await host({ wait }), await host({ wait })];
    const reading = new Promise<number>((resolve) => {
      b.listen(1, {
        onChannel: (channel) =>
          void (async () => {
            let [seen, longest, last] = [0, 0, performance.now()];
            for await (const _ of channel) {
              longest = Math.max(longest, performance.now() - last);
              if (++seen === 40) return resolve(longest);
              if (effort > 0) work(effort);
              else await sleep(1);
              last = performance.now();
            }
          })(),
      });
    });
    const channel = await a.connect(b.address, 1);
    for (let i = 0; i < 40; i++) channel.send(new Uint8Array(16));
    // Nothing but the slice of the host is waited for; it looked up after a second when nobody told it.
    expect(await reading).toBeLessThan(500);
  });

  test('gets messages in the order in which it asked', async () => {
    const [a, b] = [await host({ wait: 'event' }), await host({ wait: 'event' })];
    const accepted = new Promise<Channel>((resolve) => b.listen(1, { onChannel: resolve }));
    const channel = await a.connect(b.address, 1);
    const iterator = (await accepted)[Symbol.asyncIterator]();
    const seen: number[] = [];
    const asked: Promise<unknown>[] = [];
    for (let i = 0; i < 60; i++) {
      channel.send(Uint8Array.of(i));
      if (i % 7 === 0) work(0.4);
      if (i % 5 === 0) await sleep(1);
      asked.push(
        iterator.next().then(({ value }: IteratorResult<{ data: Uint8Array }, undefined>) => seen.push(value!.data[0])),
      );
    }
    await Promise.all(asked);
    expect(seen).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });
});

describe('what has come in counts before timers', () => {
  test('when a promise sends after a long piece of work: a connection that was answered stands', async () => {
    const [a, b] = await pair();
    const other = await a.connect(b.address, 1);
    const connecting = a.connect(b.address, 1, { timeout: 50 });
    await Promise.resolve();
    a.poll();
    b.poll();
    b.poll();
    work(80);
    other.send(new Uint8Array(1));
    await expect(connecting).resolves.toMatchObject({ writable: true });
  });

  test('and nothing is sent again that was acknowledged', async () => {
    const [a, b] = await pair();
    const [channel, other] = [await a.connect(b.address, 1), await a.connect(b.address, 1)];
    for (let i = 0; i < 20; i++) {
      channel.send(new Uint8Array(8));
      await sleep(2);
    }
    const before = channel.counters();
    channel.send(new Uint8Array(8));
    a.poll();
    b.poll();
    b.poll();
    work(50);
    other.send(new Uint8Array(8));
    await Promise.resolve();
    await Promise.resolve();
    const { tailProbes, timeouts } = channel.counters();
    expect([tailProbes - before.tailProbes, timeouts - before.timeouts]).toEqual([0, 0]);
  });
});

test('writes go on beside a loop of promises that polls by itself', async () => {
  const [a, b] = await pair();
  const channel = await a.connect(b.address, 1);
  let written = 0;
  const writing = (async () => {
    for (; channel.writable; written++) await channel.write(new Uint8Array(8));
  })().catch(() => undefined);
  for (const end = performance.now() + 200; performance.now() < end; await Promise.resolve()) {
    a.poll();
    b.poll();
  }
  channel.abort();
  await writing;
  expect(written).toBeGreaterThan(200);
});

describe('thousands of channels and few frames', () => {
  const CHANNELS = 1000;

  test('those who found none and do not ask again leave the frames to others', async () => {
    const [a, b] = await pair(64);
    const channels: Channel[] = [];
    for (let i = 0; i < CHANNELS; i++) channels.push(await a.connect(b.address, 1));
    const fresh = await a.connect(b.address, 1);
    const taken = channels.filter((channel) => channel.send(new Uint8Array(300))).length;
    expect(taken).toBeLessThan(64);
    await sleep(50);
    const start = performance.now();
    await fresh.write(new Uint8Array(8));
    expect(performance.now() - start).toBeLessThan(20);
  });

  test('all that want to send get their turn', async () => {
    const [a, b] = [await host({ wait: 'event' }, 512), await host({ wait: 'event' })];
    const got = new Map<Channel, number>();
    b.listen(1, {
      onChannel: (channel) => {
        channel.onMessage = () => got.set(channel, (got.get(channel) ?? 0) + 1);
      },
    });
    const message = new Uint8Array(1200);
    for (let i = 0; i < CHANNELS; i++) {
      const channel = await a.connect(b.address, 1);
      const flood = () => {
        while (channel.send(message));
      };
      channel.onWritable = flood;
      flood();
    }
    got.clear();
    const wanted = 50 * CHANNELS;
    for (let sum = 0; sum < wanted; sum = [...got.values()].reduce((all, one) => all + one, 0)) {
      for (let i = 0; i < 100; i++) {
        a.poll();
        b.poll();
      }
    }
    expect(got.size).toBe(CHANNELS);
    expect(Math.min(...got.values())).toBeGreaterThan(Math.max(...got.values()) / 4);
  });
});
