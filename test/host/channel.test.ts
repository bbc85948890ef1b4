import { describe, expect, test } from 'vitest';

import type { Channel } from '../../src/host/channel.js';
import type { Host } from '../../src/host/host.js';
import type { Pair, PairOptions } from '../support/twoHosts.js';
import { connected, DRIVERS, pattern, until, Wire } from '../support/twoHosts.js';

const MiB = 1024 * 1024;

for (const driver of DRIVERS) {
  describe(`channels over ${driver}`, () => {
    const wire = Wire.forTests(driver);
    let a: Host;
    let b: Host;

    /** A channel from a to b, on fresh hosts. */
    async function pair(options?: PairOptions): Promise<Pair> {
      [a, b] = await wire.hosts();
      return connected(a, b, 1, options);
    }

    test('the callback face: messages in order, with their types, where they lie', async () => {
      const got: [string, number][] = [];
      const { client, server } = await pair();
      server.onMessage = (bytes, offset, length, type) => {
        got.push([Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString(), type]);
      };
      const words = ['one', 'two', '', 'three'];
      words.forEach((word, type) => expect(client.send(Buffer.from(word), type)).toBe(true));
      await client.end();
      expect(got).toEqual(words.map((word, type) => [word, type]));
      expect(server.counters()).toMatchObject({ messagesReceived: 4, duplicates: 0 });
    });

    test('the iterator face: copies, ends with the peer, goes on where an earlier loop stopped', async () => {
      const { client, server } = await pair();
      for (let i = 0; i < 10; i++) expect(client.send(Uint8Array.of(i), i)).toBe(true);
      void client.end();
      const got: number[] = [];
      for await (const { data, type } of server) {
        expect(type).toBe(data[0]);
        got.push(data[0]);
        if (got.length === 3) break;
      }
      for await (const { data } of server) got.push(data[0]);
      expect(got).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(await server.closed).toEqual({ reason: 'ended', error: undefined });
      expect(await client.closed).toEqual({ reason: 'ended', error: undefined });
    });

    test('messages wait for a reader, who may come late', async () => {
      const { client, server } = await pair();
      for (let i = 0; i < 50; i++) client.send(Uint8Array.of(i));
      await new Promise((resolve) => setTimeout(resolve, 30));
      const got: number[] = [];
      server.onMessage = (bytes, offset) => got.push(bytes[offset]);
      await client.end();
      expect(got).toEqual(Array.from({ length: 50 }, (_, i) => i));
    });

    test('reserve and commit: written in place, no copy', async () => {
      const got: string[] = [];
      const { client, server } = await pair();
      server.onMessage = (bytes, offset, length, type) =>
        got.push(`${type}:${Buffer.from(bytes.slice(offset, offset + length)).toString()}`);
      const at = client.reserve(100);
      expect(at).toBeGreaterThanOrEqual(0);
      Buffer.from('in place').copy(client.bytes, at);
      client.commit(8, 7);
      expect(() => client.commit(1)).toThrowError(expect.objectContaining({ code: 'ERR_EMP_ARGUMENT' }));
      expect(() => client.reserve(client.maxFrameMessage + 1)).toThrowError(
        expect.objectContaining({ code: 'ERR_EMP_MESSAGE_TOO_LONG' }),
      );
      await client.end();
      expect(got).toEqual(['7:in place']);
    });

    test('what is sent between reserve and commit does not damage anything', async () => {
      const { client, server } = await pair();
      const got: number[] = [];
      server.onMessage = (_bytes, _offset, length) => got.push(length);
      const at = client.reserve(10);
      expect(at).toBeGreaterThanOrEqual(0);
      expect(client.send(new Uint8Array(MiB))).toBe(false);
      expect(client.send(new Uint8Array(20))).toBe(false);
      client.commit(10);
      await client.write(new Uint8Array(MiB));
      await client.end();
      expect(got).toEqual([10, MiB]);
    });

    test('back-pressure: send says false while the reader sleeps, onWritable tells when to go on', async () => {
      const { client, server } = await pair();
      // Two of them do not fit a frame.
      const message = new Uint8Array(1000);
      let sent = 0;
      let refused = 0;
      let told = 0;
      const total = 5000;
      const pump = (): void => {
        while (sent < total) {
          new DataView(message.buffer).setInt32(0, sent, true);
          if (!client.send(message)) {
            refused++;
            return;
          }
          sent++;
        }
      };
      client.onWritable = () => {
        told++;
        pump();
      };
      pump();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(sent, 'bounded by what a window and the queue hold').toBeLessThan(1200);
      const got: number[] = [];
      server.onMessage = (bytes, offset) =>
        got.push(new DataView(bytes.buffer, bytes.byteOffset).getInt32(offset, true));
      await until(() => got.length === total);
      expect(got).toEqual(Array.from({ length: total }, (_, i) => i));
      expect(told).toBeGreaterThan(0);
      expect(client.counters().backPressure).toBe(refused);
    });

    test('a reader that awaits holds the sender back, and gets everything', async () => {
      const { client, server } = await pair();
      const total = 4000;
      const writing = (async () => {
        for (let i = 0; i < total; i++) await client.write(new Uint8Array(1000).fill(i & 0xff), i & 0xffff);
        await client.end();
      })();
      let i = 0;
      for await (const { data, type } of server) {
        if (type !== (i & 0xffff) || data.length !== 1000 || data[999] !== (i & 0xff)) throw new Error(`message ${i}`);
        if (++i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      }
      expect(i).toBe(total);
      await writing;
    });

    test('messages from 0 B to 16 MiB, whole and in order', async () => {
      const { client, server } = await pair();
      const frame = client.maxFrameMessage;
      const lengths = [0, 1, 31, 32, 33, frame - 1, frame, frame + 1, 2 * frame, 70_001, MiB, 16 * MiB, 0, 5];
      const sources = lengths.map((length, i) => pattern(length, i));
      const writing = (async () => {
        for (const [i, bytes] of sources.entries()) await client.write(bytes, i);
        await client.end();
      })();
      let i = 0;
      for await (const { data, type } of server) {
        expect(type).toBe(i);
        expect(data.length).toBe(lengths[i]);
        expect(Buffer.compare(data, sources[i]), `message of ${lengths[i]} bytes`).toBe(0);
        i++;
      }
      expect(i).toBe(lengths.length);
      await writing;
    });

    test('16 MiB both ways at once', async () => {
      const { client, server } = await pair();
      const there = pattern(16 * MiB, 1);
      const back = pattern(16 * MiB, 2);
      const read = async (channel: Channel) => {
        const messages = [];
        for await (const { data } of channel) messages.push(data);
        return messages;
      };
      const reading = Promise.all([read(server), read(client)]);
      await Promise.all([client.write(there), server.write(back)]);
      await Promise.all([client.end(), server.end()]);
      const [atServer, atClient] = await reading;
      expect([atServer.length, atClient.length]).toEqual([1, 1]);
      expect(Buffer.compare(atServer[0], there)).toBe(0);
      expect(Buffer.compare(atClient[0], back)).toBe(0);
    });

    test('writes are served in order, and before the end that follows them', async () => {
      const { client, server } = await pair();
      const writes = Array.from({ length: 40 }, (_, i) => client.write(pattern(100_000, i), i));
      const ended = client.end();
      await expect(client.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'ERR_EMP_CLOSED' });
      const got: number[] = [];
      for await (const { data, type } of server) {
        expect(Buffer.compare(data, pattern(100_000, type))).toBe(0);
        got.push(type);
      }
      await Promise.all(writes);
      await ended;
      expect(got).toEqual(Array.from({ length: 40 }, (_, i) => i));
    });

    test('send does not overtake a write that waits', async () => {
      const { client, server } = await pair();
      while (client.send(Uint8Array.of(0), 0));
      const written = client.write(Uint8Array.of(1), 1);
      let sent = false;
      client.onWritable = () => {
        if (!sent && client.send(Uint8Array.of(2), 2)) {
          sent = true;
          void client.end();
        }
      };
      const types: number[] = [];
      server.onMessage = (_bytes, _offset, _length, type) => types.push(type);
      await written;
      await client.closed;
      expect(types.slice(-2)).toEqual([1, 2]);
    });

    test.each(['client', 'server'] as const)('half-close by the %s: the other side goes on', async (first) => {
      const pairOfEnds = await pair({ connect: { allowHalfOpen: true }, listen: { allowHalfOpen: true } });
      const ender = pairOfEnds[first];
      const other = pairOfEnds[first === 'client' ? 'server' : 'client'];
      let told = 0;
      other.onEnd = () => told++;
      const got: string[] = [];
      other.onMessage = (bytes, offset, length) =>
        got.push(Buffer.from(bytes).toString('utf8', offset, offset + length));
      expect(ender.send(Buffer.from('last'))).toBe(true);
      await ender.end();
      expect(got).toEqual(['last']);
      expect(told).toBe(1);
      expect(ender.writable).toBe(false);
      expect(() => ender.send(Buffer.from('more'))).toThrowError(expect.objectContaining({ code: 'ERR_EMP_CLOSED' }));
      expect(other.writable).toBe(true);
      for (let i = 0; i < 3; i++) await other.write(Buffer.from(`late ${i}`));
      void other.end();
      const late: string[] = [];
      for await (const { data } of ender) late.push(Buffer.from(data).toString());
      expect(late).toEqual(['late 0', 'late 1', 'late 2']);
      expect([(await ender.closed).reason, (await other.closed).reason]).toEqual(['ended', 'ended']);
    });

    test('without allowHalfOpen an end is answered, after what was being written', async () => {
      const { client, server } = await pair();
      const answer = pattern(2 * MiB);
      server.onMessage = () => void server.write(answer);
      expect(client.send(Buffer.from('?'))).toBe(true);
      void client.end();
      const got = [];
      for await (const { data } of client) got.push(data);
      expect(got.length).toBe(1);
      expect(Buffer.compare(got[0], answer)).toBe(0);
      expect((await server.closed).reason).toBe('ended');
    });

    test('with an iterator the end is answered when the loop has come to it, not before', async () => {
      const { client, server } = await pair();
      const echoes: number[] = [];
      client.onMessage = (bytes, offset) => echoes.push(bytes[offset]);
      const messages = server[Symbol.asyncIterator]();
      for (let i = 0; i < 20; i++) client.send(Uint8Array.of(i));
      await client.end();
      for await (const { data } of messages) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        expect(server.writable).toBe(true);
        await server.write(data);
      }
      expect(server.writable).toBe(false);
      expect((await client.closed).reason).toBe('ended');
      expect(echoes).toEqual(Array.from({ length: 20 }, (_, i) => i));
    });

    test('a loop that is left holds the end while messages wait, for a later loop or handler', async () => {
      const { client, server } = await pair();
      const reader = server[Symbol.asyncIterator]();
      for (let i = 0; i < 3; i++) client.send(Uint8Array.of(i));
      await client.end();
      expect((await reader.next()).value).toMatchObject({ data: Uint8Array.of(0) });
      await reader.return!();
      expect(server.writable).toBe(true);
      const rest: number[] = [];
      server.onMessage = (bytes, offset) => rest.push(bytes[offset]);
      expect(rest).toEqual([1, 2]);
      expect(server.writable).toBe(false);
      expect((await client.closed).reason).toBe('ended');
    });

    test('a loop that is left with nothing waiting, and a side that never reads, answer the end at once', async () => {
      const left = await pair();
      const reader = left.server[Symbol.asyncIterator]();
      left.client.send(Uint8Array.of(1));
      await left.client.end();
      await reader.next();
      expect(left.server.writable).toBe(true);
      await reader.return!();
      expect((await left.client.closed).reason).toBe('ended');
      const silent = await connected(a, b, 2);
      await silent.client.end();
      expect((await silent.client.closed).reason).toBe('ended');
    });

    test('close: everything sent is delivered, both ways', async () => {
      const { client, server } = await pair();
      let got = 0;
      server.onMessage = () => got++;
      for (let i = 0; i < 100; i++) expect(client.send(new Uint8Array(8))).toBe(true);
      expect(await client.close()).toEqual({ reason: 'ended', error: undefined });
      expect(got).toBe(100);
      expect((await server.closed).reason).toBe('ended');
      await until(() => a.counters().channels === 0 && b.counters().channels === 0);
    });

    test('close with nobody to read what still comes: the peer learns that it was not delivered', async () => {
      const { client, server } = await pair({ listen: { allowHalfOpen: true } });
      server.onMessage = () => undefined;
      expect(server.send(Buffer.from('unread'))).toBe(true);
      await client.close();
      expect((await client.closed).reason).toBe('aborted');
      const { reason, error } = await server.closed;
      expect(reason).toBe('peer-aborted');
      expect(error).toMatchObject({ code: 'ERR_EMP_PEER_ABORTED' });
      expect(error?.remedy).toBeTruthy();
    });

    test('abort: both ends get a typed error, iterators and writes too', async () => {
      const { client, server } = await pair();
      const reading = (async () => {
        for await (const _message of server);
      })();
      const write = server.write(new Uint8Array(16 * MiB)); // the client has no reader: it stays unfinished
      await new Promise((resolve) => setTimeout(resolve, 5));
      client.abort();
      client.abort();
      await expect(reading).rejects.toMatchObject({ code: 'ERR_EMP_PEER_ABORTED' });
      await expect(write).rejects.toMatchObject({ code: 'ERR_EMP_PEER_ABORTED' });
      expect(await client.closed).toMatchObject({ reason: 'aborted', error: { code: 'ERR_EMP_ABORTED' } });
      expect(await server.closed).toMatchObject({ reason: 'peer-aborted', error: { code: 'ERR_EMP_PEER_ABORTED' } });
      await expect(client.end()).rejects.toMatchObject({ code: 'ERR_EMP_ABORTED' });
    });

    test('asyncDispose closes in peace', async () => {
      const { client, server } = await pair();
      let got = 0;
      server.onMessage = () => got++;
      expect(client.send(Uint8Array.of(1))).toBe(true);
      await client[Symbol.asyncDispose]();
      expect(got).toBe(1);
      expect((await client.closed).reason).toBe('ended');
    });

    test('a payload check on one side is in force on both', async () => {
      const { client, server } = await pair({ connect: { payloadCheck: true } });
      const got: Uint8Array[] = [];
      server.onMessage = (bytes, offset, length) => got.push(bytes.slice(offset, offset + length));
      client.onMessage = server.onMessage;
      await client.write(pattern(5000));
      await server.write(pattern(50, 3));
      await client.end();
      expect(got.map(({ length }) => length).sort((x, y) => x - y)).toEqual([50, 5000]);
      expect(b.counters().rejected).toMatchObject({ payloadCheck: 0 });
    });

    test('100 channels at once, each with its own messages', async () => {
      [a, b] = await wire.hosts();
      const sums = new Map<number, number>();
      b.listen(9, {
        onChannel: (channel) => {
          channel.onMessage = (bytes, offset, length, type) => {
            sums.set(type, (sums.get(type) ?? 0) + bytes[offset + length - 1]);
            if (!channel.send(bytes.slice(offset, offset + length), type)) throw new Error('echo refused');
          };
        },
      });
      const channels = await Promise.all(Array.from({ length: 100 }, () => a.connect(b.address, 9)));
      expect(a.counters().channels).toBe(100);
      let echoes = 0;
      channels.forEach((channel, number) => {
        channel.onMessage = (_bytes, _offset, length, type) => {
          expect([length, type]).toEqual([number + 1, number]);
          echoes++;
        };
      });
      for (let round = 1; round <= 20; round++) {
        for (const [number, channel] of channels.entries()) {
          await channel.write(new Uint8Array(number + 1).fill(round), number);
        }
      }
      await until(() => echoes === 2000);
      for (let number = 0; number < 100; number++) expect(sums.get(number)).toBe(210);
      const infos = await Promise.all(channels.map((channel) => channel.close()));
      expect(infos.every(({ reason }) => reason === 'ended')).toBe(true);
      await until(() => a.counters().channels === 0 && b.counters().channels === 0);
    });
  });
}
