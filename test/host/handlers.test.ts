// A handler that throws costs its own channel, never the host: both ends get a typed error, the other channels go on.
import { describe, expect, test } from 'vitest';

import type { Channel } from '../../src/host/channel.js';
import type { Host } from '../../src/host/host.js';
import type { Pair, PairOptions } from '../support/twoHosts.js';
import { connected, DRIVERS, until, Wire } from '../support/twoHosts.js';

const boom = new Error('boom');
const explode = (): never => {
  throw boom;
};
const byte = Uint8Array.of(1);

for (const driver of DRIVERS) {
  describe(`handlers that throw, over ${driver}`, () => {
    const wire = Wire.forTests(driver);
    let a: Host;
    let b: Host;
    let bystander: Pair;

    /** A channel to experiment on, and a bystander over the same two hosts. */
    async function pair(options?: PairOptions): Promise<Pair> {
      [a, b] = await wire.hosts();
      bystander = await connected(a, b, 2);
      return connected(a, b, 1, options);
    }

    async function bystanderGoesOn(): Promise<void> {
      let echoed = 0;
      bystander.server.onMessage = (bytes, offset, length) => {
        bystander.server.send(bytes.slice(offset, offset + length));
      };
      bystander.client.onMessage = () => echoed++;
      for (let i = 0; i < 10; i++) expect(bystander.client.send(Uint8Array.of(i))).toBe(true);
      await until(() => echoed === 10);
      const more = await connected(a, b, 3);
      expect((await more.client.close()).reason).toBe('ended');
    }

    async function expectHandlerEnd(thrower: Channel, other: Channel): Promise<void> {
      const mine = await thrower.closed;
      expect(mine).toMatchObject({ reason: 'handler', error: { code: 'ERR_EMP_HANDLER', cause: boom } });
      expect(mine.error?.remedy).toBeTruthy();
      const theirs = await other.closed;
      expect(theirs).toMatchObject({ reason: 'peer-handler', error: { code: 'ERR_EMP_PEER_ABORTED' } });
      expect(theirs.error?.remedy).toBeTruthy();
      await bystanderGoesOn();
    }

    test('onMessage', async () => {
      const { client, server } = await pair();
      let calls = 0;
      server.onMessage = () => {
        calls++;
        explode();
      };
      for (let i = 0; i < 5; i++) expect(client.send(byte)).toBe(true);
      await expect(client.end()).rejects.toMatchObject({ code: 'ERR_EMP_PEER_ABORTED' });
      await expectHandlerEnd(server, client);
      expect(calls, 'nothing is delivered after the exception').toBe(1);
    });

    test('onMessage, for messages that had waited for it', async () => {
      const { client, server } = await pair();
      const iterator = server[Symbol.asyncIterator]();
      for (let i = 0; i < 5; i++) await client.write(byte);
      await iterator.next();
      await until(() => server.counters().messagesReceived === 5);
      server.onMessage = explode;
      await expectHandlerEnd(server, client);
    });

    test('onWritable', async () => {
      const { client, server } = await pair();
      while (client.send(byte));
      client.onWritable = explode;
      server.onMessage = () => undefined;
      await expectHandlerEnd(client, server);
    });

    test('onEnd', async () => {
      const { client, server } = await pair();
      server.onMessage = () => undefined;
      server.onEnd = explode;
      void client.end();
      await expectHandlerEnd(server, client);
    });

    test('onChannel', async () => {
      [a, b] = await wire.hosts();
      bystander = await connected(a, b, 2);
      let server!: Channel;
      b.listen(1, {
        onChannel: (channel) => {
          server = channel;
          explode();
        },
      });
      const client = await a.connect(b.address, 1);
      await client.closed;
      await expectHandlerEnd(server, client);
    });

    test('onResend', async () => {
      const { client, server } = await pair({ connect: { onResend: explode, initialRto: 5, minRto: 1 } });
      // The peer is there but deaf, for its thread is busy here until the timer has run out: how long that takes is
      // measured in the handshake, so it is long when the machine was busy then.
      expect(client.send(byte)).toBe(true);
      const end = performance.now() + 10_000;
      while (client.writable && performance.now() < end) {
        a.poll();
      }
      expect(client.writable, 'ended by its handler').toBe(false);
      await expectHandlerEnd(client, server);
    });

    test('onClose: a warning, since the channel is over', async () => {
      const { client, server } = await pair();
      const warned = warning();
      client.onClose = explode;
      client.onMessage = server.onMessage = () => undefined;
      expect(await client.close()).toEqual({ reason: 'ended', error: undefined });
      expect(await warned).toMatchObject({ code: 'ERR_EMP_HANDLER', cause: boom });
      await bystanderGoesOn();
    });

    test('accept: the peer is refused, and a warning says why', async () => {
      [a, b] = await wire.hosts();
      bystander = await connected(a, b, 2);
      b.listen(1, { accept: explode });
      const warned = warning();
      await expect(a.connect(b.address, 1)).rejects.toMatchObject({ code: 'ERR_EMP_REFUSED' });
      expect(await warned).toMatchObject({ code: 'ERR_EMP_HANDLER', cause: boom });
      await bystanderGoesOn();
    });

    test('host.close() from inside a handler: graceful', async () => {
      const { client, server } = await pair();
      let closing: Promise<void> | undefined;
      server.onMessage = () => void (closing ??= b.close());
      client.onMessage = () => undefined;
      for (let i = 0; i < 5; i++) client.send(byte);
      await until(() => closing !== undefined);
      await closing;
      expect((await server.closed).reason).toBe('ended');
      expect((await client.closed).reason).toBe('ended');
      expect(b.nic.state).toBe('closed');
    });

    test('host.close() under traffic: a handler that cannot answer any more is not to blame', async () => {
      const { client, server } = await pair();
      let got = 0;
      server.onMessage = (bytes, offset, length) => {
        got++;
        server.send(bytes.slice(offset, offset + length));
      };
      client.onMessage = () => undefined;
      client.onWritable = () => void client.send(byte);
      const flood = setInterval(() => {
        for (let i = 0; i < 50 && client.writable; i++) if (!client.send(byte)) break;
      }, 1);
      await until(() => got > 100);
      await b.close();
      clearInterval(flood);
      expect(['host-closed', 'ended']).toContain((await server.closed).reason);
      expect(['peer-closed', 'ended']).toContain((await client.closed).reason);
    });

    test('host.close() from inside a handler: at once', async () => {
      const { client, server } = await pair();
      let closing: Promise<void> | undefined;
      server.onMessage = () => void (closing ??= b.close({ force: true }));
      for (let i = 0; i < 5; i++) client.send(byte);
      await until(() => closing !== undefined);
      await closing;
      expect(await server.closed).toMatchObject({ reason: 'host-closed', error: { code: 'ERR_EMP_CLOSED' } });
      expect(await client.closed).toMatchObject({ reason: 'peer-closed', error: { code: 'ERR_EMP_PEER_ABORTED' } });
      expect(b.nic.state).toBe('closed');
      expect(() => b.poll()).toThrowError(expect.objectContaining({ code: 'ERR_EMP_CLOSED' }));
      expect(() => b.spin(() => false)).toThrowError(expect.objectContaining({ code: 'ERR_EMP_CLOSED' }));
    });

    test('a handler that spins its own host is told so, and loses its channel', async () => {
      const { client, server } = await pair();
      server.onMessage = () => b.spin(() => false);
      client.send(byte);
      expect(await server.closed).toMatchObject({ reason: 'handler', error: { cause: { code: 'ERR_EMP_ARGUMENT' } } });
      await bystanderGoesOn();
    });
  });
}

function warning(): Promise<Error> {
  return new Promise((resolve) => process.once('warning', resolve));
}
