import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { CONTROL_PORT, ECHO_PORT, SINK_PORT } from '../../bench/ends/commands.js';
import { Control } from '../../bench/ends/control.js';
import { encode, question } from '../../bench/ends/dialogue.js';
import { Remote } from '../../bench/ends/remote.js';
import { Host, type Channel } from '../../src/index.js';

let server: Host;
let client: Host;
let told: string[];
let count = 0;
beforeEach(async () => {
  count += 1;
  server = await Host.open({ nic: { driver: 'memory', name: `server${count}` } });
  client = await Host.open({ nic: { driver: 'memory', name: `client${count}` } });
  told = [];
});
afterEach(async () => {
  await client.close({ force: true });
  await server.close({ force: true });
});

const control = (): Control => new Control(server, 'adaptive', (text) => told.push(text));

const resends = (): number => {
  const { timeoutResends, fastResends, tailProbes } = server.counters().total;
  return timeoutResends + fastResends + tailProbes;
};

/** Sends messages to and fro, and says how many frames the server had to resend. */
async function exchange(channel: Channel): Promise<number> {
  const before = resends();
  for (let i = 0; i < 100; i += 1) {
    const answered = new Promise<void>((resolve) => {
      channel.onMessage = () => resolve();
    });
    await channel.write(new Uint8Array(10));
    await answered;
  }
  return resends() - before;
}

describe('a server that takes part in measurements', () => {
  it('has its services only meanwhile, and only for who asked', async () => {
    control();
    await expect(client.connect(server.address, ECHO_PORT)).rejects.toMatchObject({ code: 'ERR_EMP_REFUSED' });
    const remote = await Remote.open(client, server.address, { wait: 'event' });
    const channel = await client.connect(server.address, ECHO_PORT);
    await exchange(channel);
    await using other = await Host.open({ nic: { driver: 'memory', name: `other${count}` } });
    await expect(other.connect(server.address, SINK_PORT)).rejects.toMatchObject({ code: 'ERR_EMP_REFUSED' });
    await expect(Remote.open(other, server.address, { wait: 'event' })).rejects.toMatchObject({
      code: 'ERR_EMP_REFUSED',
      message: expect.stringContaining(`it measures with ${client.address}`) as string,
    });
    await remote.close();
    await channel.closed;
    await expect(client.connect(server.address, ECHO_PORT)).rejects.toMatchObject({ code: 'ERR_EMP_REFUSED' });
    expect(told).toEqual([
      `Measurement with ${client.address}, waiting by event.`,
      `Measurement with ${client.address} ended.`,
    ]);
    await (await Remote.open(other, server.address, { wait: 'event' })).close();
  });

  it('loses frames to that client alone, and none afterwards', async () => {
    // A busy machine may bring about a resend or two of its own.
    control();
    server.listen(1, { onChannel: (own) => (own.onMessage = (bytes, at, length) => void own.send(bytes.slice(at, at + length))) }); // prettier-ignore
    await using other = await Host.open({ nic: { driver: 'memory', name: `other${count}` } });
    const remote = await Remote.open(client, server.address, { wait: 'event', loss: 0.3, seed: 3 });
    expect(await exchange(await client.connect(server.address, ECHO_PORT))).toBeGreaterThan(10);
    expect(await exchange(await other.connect(server.address, 1))).toBeLessThan(5);
    await remote.close();
    expect(await exchange(await client.connect(server.address, 1))).toBeLessThan(5);
  });

  it('tells the processor time of its process', async () => {
    control();
    const used = (): number => {
      const { user, system } = process.cpuUsage();
      return user + system;
    };
    const remote = await Remote.open(client, server.address, { wait: 'event' });
    const before = used();
    const told = await remote.cpu();
    expect(told.used).toBeGreaterThanOrEqual(before);
    expect(told.used).toBeLessThanOrEqual(used());
    await remote.close();
  });

  it('does other work, if it is asked to, and only so long', async () => {
    control();
    const turns = async (): Promise<number> => {
      const started = performance.now();
      for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
      return performance.now() - started;
    };
    const remote = await Remote.open(client, server.address, { wait: 'event', work: 9000 });
    expect(await turns()).toBeGreaterThan(30); // ms
    await remote.close();
    const after: number[] = [];
    for (let i = 0; i < 10; i += 1) after.push(await turns()); // something else may have the processor for a while
    expect(Math.min(...after)).toBeLessThan(30);
  });

  it('waits as it is asked to, and afterwards as before', async () => {
    control();
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
    const sleeps = (): number => server.counters().loop.sleeps;
    const remote = await Remote.open(client, server.address, { wait: 'spin' });
    const before = sleeps();
    await pause();
    expect(sleeps()).toBe(before);
    await remote.close();
    await pause();
    expect(sleeps()).toBeGreaterThan(before);
  });

  it('is free again when its client is gone', async () => {
    control();
    await Remote.open(client, server.address, { wait: 'event' });
    await client.close({ force: true });
    await using other = await Host.open({ nic: { driver: 'memory', name: `other${count}` } });
    while (told.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    await (await Remote.open(other, server.address, { wait: 'event' })).close();
  });

  it('ends what it does not understand', async () => {
    control();
    const channel = await client.connect(server.address, CONTROL_PORT);
    await channel.write(new TextEncoder().encode('hello'));
    expect(await channel.closed).toMatchObject({ reason: 'peer-aborted' });
  });

  it.each([
    ['nonsense', { wait: 'sleep' }],
    ['a loss', { wait: 'event', loss: 1 }],
    ['work', { wait: 'event', work: 1e9 }],
    ['nothing', undefined],
  ])('does not do %s', (_what, begin) => {
    expect(question({ version: 1, begin })).toBeUndefined();
  });
});

describe('a client', () => {
  it('says that the server is of an older release', async () => {
    server.listen(7);
    await expect(Remote.open(client, server.address, { wait: 'event' })).rejects.toMatchObject({
      code: 'ERR_EMP_REFUSED',
      message: expect.stringMatching(/takes part in no measurement but ping-pong\. Start the emp echo of this release/),
    });
  });

  it('says that the server speaks another version, and the server does not guess', async () => {
    server.listen(CONTROL_PORT, {
      onChannel: (channel) => (channel.onMessage = () => void channel.write(encode({ version: 2 }))),
    });
    await expect(Remote.open(client, server.address, { wait: 'event' })).rejects.toMatchObject({
      code: 'ERR_EMP_VERSION',
      message: expect.stringMatching(/of version 2, and this is version 1\. Run the same release/),
    });
    expect(question({ version: 2, begin: 'whatever that is' })).toMatchObject({ version: 2 });
  });

  it('says that something else answers', async () => {
    server.listen(CONTROL_PORT, {
      onChannel: (channel) => (channel.onMessage = () => void channel.write(Uint8Array.of(1, 2))),
    });
    await expect(Remote.open(client, server.address, { wait: 'event' })).rejects.toThrow(/no emp echo of this release/);
  });
});
