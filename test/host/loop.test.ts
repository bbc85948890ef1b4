import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';

import { ChannelError, EmpError, Host } from '../../src/index.js';
import type { Channel, HostOptions } from '../../src/index.js';

let made: Host[] = [];
let count = 0;

async function host(options: Partial<HostOptions> = {}): Promise<Host> {
  const one = await Host.open({ nic: { driver: 'memory', name: `loop-${count++}` }, ...options });
  made.push(one);
  return one;
}

afterEach(async () => {
  await Promise.all(made.map((one) => one.close({ force: true })));
  made = [];
});

const codeOf = (error: unknown) => (error instanceof EmpError ? error.code : error);

test('a poll of the application does not swallow the timers of a host that sleeps', async () => {
  const lone = await host();
  await sleep(5);
  const connecting = lone.connect('memory:nobody', 1, { timeout: 100 }).catch(codeOf);
  lone.poll();
  expect(await Promise.race([connecting, sleep(1000, 'still pending')])).toBe('ERR_EMP_TIMEOUT');
});

test.each(['event', 'adaptive', 'spin'] as const)('timers run when they are due, waiting by %s', async (wait) => {
  const lone = await host({ wait });
  await sleep(5);
  const start = performance.now();
  await expect(lone.connect('memory:nobody', 1, { timeout: 100 })).rejects.toThrow();
  // The margin is for the machine; before, an `event` host looked at its timers in one of 64 wake-ups.
  expect(performance.now() - start).toBeLessThan(150);
});

test('a handler may change how the host waits, also in a poll of the application while the host sleeps', async () => {
  const [client, server] = [await host({ wait: 'event' }), await host({ wait: 'event' })];
  let heard = 0;
  server.listen(1, {
    onChannel: (channel) => {
      channel.onMessage = () => {
        heard++;
        server.waitBy('spin');
      };
    },
  });
  const channel = await client.connect(server.address, 1);
  await sleep(20);
  channel.send(new Uint8Array(1));
  client.poll();
  server.poll();
  expect(heard).toBe(1);
});

test('channels whose readers rest do not starve another one, nor keep the processor busy', async () => {
  const [client, server] = [await host(), await host()];
  const resting: Channel[] = [];
  server.listen(1, { onChannel: (channel) => void resting.push(channel) });
  server.listen(2, { onChannel: (channel) => void (channel.onMessage = () => (heard += 1)) });
  let heard = 0;
  const hogs = await Promise.all(Array.from({ length: 10 }, () => client.connect(server.address, 1)));
  const lone = await client.connect(server.address, 2);
  for (const hog of hogs) while (hog.send(new Uint8Array(100)));
  expect(lone.send(new Uint8Array(1))).toBe(true);
  await vi.waitFor(() => expect(heard).toBe(1));
  let told = 0;
  for (const hog of hogs) hog.onWritable = () => (told += 1);
  const before = process.cpuUsage();
  await sleep(500);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 500_000).toBeLessThan(0.3);
  expect(told).toBe(0);
});

test('commit takes what was reserved, and nothing else', async () => {
  const [client, server] = [await host(), await host()];
  const got: number[] = [];
  server.listen(1, { onChannel: (channel) => void (channel.onMessage = (_b, _o, length) => got.push(length)) });
  const channel = await client.connect(server.address, 1);
  for (const length of [-1, NaN, 1.5, 17]) {
    expect(channel.reserve(16)).toBeGreaterThan(0);
    expect(() => channel.commit(length)).toThrow(EmpError);
  }
  channel.commit(16);
  expect(channel.send(new Uint8Array(3))).toBe(true);
  await channel.end();
  expect(got).toEqual([16, 3]);
});

test('what was reserved is void after the turn, and nobody is held up by it', async () => {
  const [client, server] = [await host(), await host()];
  const got: number[] = [];
  server.listen(1, { onChannel: (channel) => void (channel.onMessage = (_b, _o, length) => got.push(length)) });
  const channel = await client.connect(server.address, 1);
  expect(channel.send(new Uint8Array(5))).toBe(true);
  expect(channel.reserve(16)).toBeGreaterThan(0);
  await Promise.resolve();
  expect(() => channel.commit(16)).toThrow(expect.objectContaining({ code: 'ERR_EMP_ARGUMENT' }));
  expect(channel.send(new Uint8Array(3))).toBe(true);
  await channel.end();
  expect(got).toEqual([5, 3]);
});

test('a NIC that is closed under its host ends the channels with a typed error', async () => {
  const [client, server] = [await host(), await host()];
  server.listen(1, { onChannel: () => {} });
  const channel = await client.connect(server.address, 1);
  client.onClose = () => {};
  client.nic.close();
  const { reason, error } = await channel.closed;
  expect(reason).toBe('nic-lost');
  expect(error).toBeInstanceOf(ChannelError);
  expect(() => client.listen(3)).toThrow(EmpError);
});

test('a long message whose buffer is transferred away ends its channel only', async () => {
  const [client, server] = [await host(), await host()];
  server.listen(1, { onChannel: () => {} });
  server.listen(2, { onChannel: (channel) => void (channel.onMessage = () => (heard += 1)) });
  let heard = 0;
  const [victim, other] = [await client.connect(server.address, 1), await client.connect(server.address, 2)];
  const long = new Uint8Array(8 << 20);
  expect(victim.send(long)).toBe(true);
  structuredClone(long.buffer, { transfer: [long.buffer] });
  await victim.write(new Uint8Array(1)).catch(() => {});
  other.send(new Uint8Array(1));
  await other.end();
  expect(heard).toBe(1);
});
