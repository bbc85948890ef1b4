import { once } from 'node:events';

import { describe, expect, test } from 'vitest';

import type { Channel } from '../../src/host/channel.js';
import { Host } from '../../src/host/host.js';
import type { NicOptions } from '../../src/nic/contract.js';
import { openNic } from '../../src/nic/open.js';
import { connected, DRIVERS, until, Wire } from '../support/twoHosts.js';

const byte = Uint8Array.of(1);
/** An address on the link at which nobody is. */
const ABSENT: Record<NicOptions['driver'], string> = {
  memory: 'memory:nobody',
  packet: '02:e0:00:00:00:99',
  xdp: '02:e0:00:00:00:99',
  udp: '127.0.0.1:9',
};

for (const driver of DRIVERS) {
  describe(`hosts over ${driver}`, () => {
    const wire = Wire.forTests(driver);
    let a: Host;
    let b: Host;

    async function hosts(): Promise<void> {
      [a, b] = await wire.hosts();
    }

    test('the listener as an iterator: every connection once, ends when it is closed', async () => {
      await hosts();
      const listener = b.listen(7);
      const taken: Channel[] = [];
      const serving = (async () => {
        for await (const channel of listener) taken.push(channel);
      })();
      const clients = [];
      for (let i = 0; i < 5; i++) clients.push(await a.connect(b.address, 7));
      for (const client of clients) client.send(byte); // an ACCEPT is confirmed by the first frame that answers it
      await until(() => taken.length === 5);
      expect(new Set(taken).size).toBe(5);
      expect(taken.every(({ port }) => port === 7)).toBe(true);
      listener.close();
      await serving;
      await expect(a.connect(b.address, 7)).rejects.toMatchObject({ code: 'ERR_EMP_REFUSED' });
      expect(clients[0].writable, 'channels that stand go on').toBe(true);
    });

    test('a listener that nobody iterates has a backlog; beyond it, connections are refused', async () => {
      await hosts();
      const listener = b.listen(7, { backlog: 3 });
      const clients = [];
      for (let i = 0; i < 3; i++) {
        const client = await a.connect(b.address, 7);
        await client.write(byte);
        clients.push(client);
      }
      await until(() => b.counters().channels === 3);
      await new Promise((resolve) => setTimeout(resolve, 10));
      await expect(a.connect(b.address, 7)).rejects.toMatchObject({
        code: 'ERR_EMP_REFUSED',
        message: expect.stringMatching(/too many/) as string,
      });
      listener.close();
      for (const client of clients) expect((await client.closed).reason).toBe('peer-aborted');
    });

    test('connections that are being opened count toward the backlog', async () => {
      await hosts();
      b.listen(7, { backlog: 3 });
      const connecting = Array.from({ length: 10 }, () => a.connect(b.address, 7));
      const results = await Promise.allSettled(connecting);
      const opened = results.filter(({ status }) => status === 'fulfilled');
      expect(opened.length).toBe(3);
    });

    test('an accept that answers neither true nor false refuses, and a warning says so', async () => {
      await hosts();
      const warned = once(process, 'warning') as Promise<[Error]>;
      b.listen(7, { accept: (() => Promise.resolve(true)) as never });
      await expect(a.connect(b.address, 7)).rejects.toMatchObject({ code: 'ERR_EMP_REFUSED' });
      const [warning] = await warned;
      expect(warning.message).toMatch(/accept .*Promise/);
    });

    test('who knocks before the host is open is let in by a listener made at once', async () => {
      a = await wire.host('a');
      const nic = openNic(wire.nic('b'));
      const connecting = a.connect(nic.info.address, 1);
      await new Promise((resolve) => setTimeout(resolve, 20)); // the CONNECT lies in the ring
      b = await Host.open({ nic });
      b.listen(1);
      const channel = await connecting;
      expect(channel.writable).toBe(true);
      await b.close({ force: true });
    });

    test('leaving the loop over a listener closes it', async () => {
      await hosts();
      const listener = b.listen(7);
      const client = await a.connect(b.address, 7);
      client.send(byte);
      for await (const channel of listener) {
        expect(channel.port).toBe(7);
        break;
      }
      expect(b.listen(7).port).toBe(7);
    });

    test('accept decides who comes in, knowing address and port', async () => {
      await hosts();
      const asked: unknown[] = [];
      b.listen(1, {
        accept: (request) => {
          asked.push(request);
          return asked.length > 1;
        },
      });
      await expect(a.connect(b.address, 1)).rejects.toMatchObject({
        code: 'ERR_EMP_REFUSED',
        remedy: expect.any(String) as string,
      });
      await a.connect(b.address, 1);
      expect(asked).toEqual([
        { address: a.address, port: 1 },
        { address: a.address, port: 1 },
      ]);
    });

    test('no listener: refused; a port has one listener', async () => {
      await hosts();
      await expect(a.connect(b.address, 404)).rejects.toMatchObject({ code: 'ERR_EMP_REFUSED' });
      b.listen(5);
      expect(() => b.listen(5)).toThrowError(expect.objectContaining({ code: 'ERR_EMP_PORT_IN_USE' }));
    });

    test('nobody there: connect ends by its timeout', async () => {
      await hosts();
      const start = performance.now();
      await expect(a.connect(ABSENT[driver], 1, { timeout: 120 })).rejects.toMatchObject({
        code: 'ERR_EMP_TIMEOUT',
        remedy: expect.any(String) as string,
      });
      const took = performance.now() - start;
      expect(took).toBeGreaterThan(110);
      expect(took).toBeLessThan(1000);
      expect(a.counters().channels).toBe(0);
    });

    test('connect can be aborted by a signal, before and while it tries', async () => {
      await hosts();
      const reason = new Error('changed my mind');
      await expect(a.connect(ABSENT[driver], 1, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
        code: 'ERR_EMP_ABORTED',
        cause: reason,
      });
      const controller = new AbortController();
      const connecting = a.connect(ABSENT[driver], 1, { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 10);
      await expect(connecting).rejects.toMatchObject({ code: 'ERR_EMP_ABORTED', cause: reason });
      await expect(a.connect(ABSENT[driver], 1, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
        code: 'ERR_EMP_ABORTED',
      });
      expect(a.counters().channels).toBe(0);
    });

    test('a signal that is aborted after connect does no harm', async () => {
      await hosts();
      b.listen(1);
      const controller = new AbortController();
      const client = await a.connect(b.address, 1, { signal: controller.signal });
      controller.abort();
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(client.writable).toBe(true);
    });

    test('onMessage given to connect misses nothing', async () => {
      await hosts();
      b.listen(1, { onChannel: (channel) => void channel.send(Buffer.from('hello')) });
      const got = await new Promise<string>((resolve, reject) => {
        a.connect(b.address, 1, {
          onMessage: (bytes, offset, length) => resolve(Buffer.from(bytes).toString('utf8', offset, offset + length)),
        }).catch(reject);
      });
      expect(got).toBe('hello');
    });

    test('close: what was sent arrives, then both hosts are gone', async () => {
      await hosts();
      const { client, server } = await connected(a, b);
      let got = 0;
      server.onMessage = () => got++;
      for (let i = 0; i < 200; i++) expect(client.send(byte)).toBe(true);
      const writing = client.write(new Uint8Array(3_000_000));
      await a.close();
      await writing;
      expect(got).toBe(201);
      expect(await client.closed).toEqual({ reason: 'ended', error: undefined });
      expect(await server.closed).toEqual({ reason: 'ended', error: undefined });
      expect(() => client.send(byte)).toThrowError(expect.objectContaining({ code: 'ERR_EMP_CLOSED' }));
      expect(() => a.listen(1)).toThrowError(expect.objectContaining({ code: 'ERR_EMP_CLOSED' }));
      await expect(a.connect(b.address, 1)).rejects.toMatchObject({ code: 'ERR_EMP_CLOSED' });
      await a.close();
    });

    test('nothing may be sent once the host is closing', async () => {
      await hosts();
      const { client, server } = await connected(a, b, 1, { listen: { allowHalfOpen: true } });
      server.onMessage = () => undefined;
      const closing = a.close();
      expect(() => client.send(byte)).toThrowError(expect.objectContaining({ code: 'ERR_EMP_CLOSED' }));
      void server.end();
      await closing;
      expect((await server.closed).reason).toBe('ended');
    });

    test('close does not wait for ever: a peer that does not end its side gets a typed error', async () => {
      await hosts();
      const { client, server } = await connected(a, b, 1, { listen: { allowHalfOpen: true } });
      const start = performance.now();
      await a.close();
      expect(performance.now() - start).toBeLessThan(3500);
      expect(await client.closed).toMatchObject({ reason: 'host-closed', error: { code: 'ERR_EMP_CLOSED' } });
      expect(await server.closed).toMatchObject({ reason: 'peer-closed', error: { code: 'ERR_EMP_PEER_ABORTED' } });
    });

    test('close by force: at once, and the peer is told', async () => {
      await hosts();
      const { client, server } = await connected(a, b);
      const start = performance.now();
      await a.close({ force: true });
      expect(performance.now() - start).toBeLessThan(500);
      expect((await client.closed).reason).toBe('host-closed');
      expect((await server.closed).reason).toBe('peer-closed');
    });

    test('asyncDispose closes host and listener', async () => {
      await hosts();
      const listener = b.listen(1);
      await listener[Symbol.asyncDispose]();
      expect(b.listen(1).port).toBe(1);
      await b[Symbol.asyncDispose]();
      expect(b.nic.state).toBe('closed');
    });

    test('close ends connects that are under way', async () => {
      await hosts();
      const connecting = a.connect(ABSENT[driver], 1);
      const refused = expect(connecting).rejects.toMatchObject({ code: 'ERR_EMP_CLOSED' });
      await a.close();
      await refused;
    });

    test('both ends restart on the same addresses: nothing of the old connection reaches the new one', async () => {
      await hosts();
      const old = await connected(a, b);
      old.client.send(Buffer.from('old'));
      await Promise.all([a.close({ force: true }), b.close({ force: true })]);
      const addresses = [a.address, b.address];
      [a, b] = await wire.hosts();
      if (driver !== 'udp') expect([a.address, b.address]).toEqual(addresses);
      const { client, server } = await connected(a, b);
      const got: string[] = [];
      server.onMessage = (bytes, offset, length) =>
        got.push(Buffer.from(bytes).toString('utf8', offset, offset + length));
      client.send(Buffer.from('new'));
      await client.close();
      expect(got).toEqual(['new']);
    });

    test('a host with a loop of its own', async () => {
      await hosts();
      const { client, server } = await connected(a, b);
      let pongs = 0;
      server.onMessage = (bytes, offset, length) => void server.send(bytes.slice(offset, offset + length));
      client.onMessage = () => pongs++;
      for (let i = 0; i < 100; i++) {
        client.send(byte);
        a.spin(() => {
          b.poll();
          return pongs > i;
        });
      }
      expect(pongs).toBe(100);
    });

    test('idle channels ask for a sign of life and stay', async () => {
      [a, b] = await wire.hosts({ channel: { keepAlive: 20, peerTimeout: 100 } });
      const { client, server } = await connected(a, b);
      await new Promise((resolve) => setTimeout(resolve, 250));
      expect([client.writable, server.writable]).toEqual([true, true]);
      expect(client.counters().probesSent + server.counters().probesSent).toBeGreaterThan(3);
      expect(client.rtt).toBeGreaterThanOrEqual(0);
    });

    test('refuses arguments that make no sense, with words', async () => {
      await hosts();
      const bad = (body: () => unknown) =>
        expect(body).toThrowError(expect.objectContaining({ code: 'ERR_EMP_ARGUMENT' }));
      for (const port of [-1, 1.5, 2 ** 32, Number.NaN, '1' as never]) {
        bad(() => b.listen(port));
        await expect(a.connect(b.address, port)).rejects.toMatchObject({ code: 'ERR_EMP_ARGUMENT' });
      }
      await expect(a.connect('nonsense!', 1)).rejects.toMatchObject({ code: 'ERR_EMP_ADDRESS' });
      for (const options of [
        { window: 3 },
        { window: 8192 },
        { maxMessage: 2 ** 30 + 1 },
        { keepAlive: 0 },
        { timeout: -1 },
      ]) {
        await expect(a.connect(b.address, 1, options), JSON.stringify(options)).rejects.toMatchObject({
          code: 'ERR_EMP_ARGUMENT',
        });
      }
      const { client } = await connected(a, b);
      bad(() => client.send('text' as never));
      bad(() => client.send(null as never));
      bad(() => client.send(byte, 65536));
      bad(() => client.send(byte, -1));
      bad(() => client.reserve(-1));
      bad(() => client.commit(1));
      bad(() => (client.onMessage = 5 as never));
      await expect(client.write(5 as never)).rejects.toMatchObject({ code: 'ERR_EMP_ARGUMENT' });
      expect(client.writable).toBe(true);
    });
  });
}

describe('Host.open', () => {
  test('refuses arguments that make no sense', async () => {
    const bad = [
      undefined,
      null,
      {},
      { nic: null },
      { nic: { driver: 'carrier pigeon' } },
      { nic: { driver: 'memory' } },
    ];
    for (const options of bad) {
      await expect(Host.open(options as never), JSON.stringify(options)).rejects.toMatchObject({
        code: 'ERR_EMP_ARGUMENT',
      });
    }
    const nic = { driver: 'memory', name: 'arguments' } as const;
    await expect(Host.open({ nic, wait: 'sleep' as never })).rejects.toMatchObject({ code: 'ERR_EMP_ARGUMENT' });
    for (const more of [
      { channel: { window: 0 } },
      { channel: { windows: 16 } },
      { channel: null },
      { channel: { allowHalfOpen: 0 } },
      { random: 5 },
      { tap: 'yes' },
      { waits: 'spin' },
    ]) {
      const opening = Host.open({ nic, ...more } as never);
      await expect(opening, JSON.stringify(more)).rejects.toMatchObject({ code: 'ERR_EMP_ARGUMENT' });
    }
    await using host = await Host.open({ nic });
    expect(host.info).toMatchObject({ driver: 'memory', address: 'memory:arguments' });
    await expect(Host.open({ nic })).rejects.toMatchObject({ code: 'ERR_EMP_ADDRESS_IN_USE' });
  });

  test('takes a NIC that is open, and closes it', async () => {
    const nic = openNic({ driver: 'memory', name: 'mine' });
    const host = await Host.open({ nic });
    expect(host.address).toBe('memory:mine');
    await host.close();
    expect(nic.state).toBe('closed');
  });
});
