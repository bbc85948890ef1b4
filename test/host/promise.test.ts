// "Each message is delivered exactly once, in order, or the sender gets a typed error": word by word, over real drivers.
// The long run, a million round trips over each, is `npm run soak`.
import { describe, expect, test } from 'vitest';

import type { Channel } from '../../src/host/channel.js';
import { EmpError } from '../../src/errors.js';
import { Host } from '../../src/host/host.js';
import type { Nic } from '../../src/nic/contract.js';
import { openNic } from '../../src/nic/open.js';
import { SEED } from '../support/seed.js';
import { connected, REAL_DRIVERS, until, Wire } from '../support/twoHosts.js';

const MESSAGES = 100_000;

/** Chance from the seed of the run: xorshift, 0 <= x < 1. */
function chance(seed: number): () => number {
  let x = seed | 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** Message `number` says its number, and has a length that follows from it: mostly small, some of several frames. */
function lengthOf(number: number): number {
  return number % 1000 === 999 ? 4 + ((number * 7) % 9000) : 4 + (number % 61);
}

/** Sends messages as fast as there is room, then ends; settles when the peer has everything, or with the error. */
async function sendAll(channel: Channel, count: number): Promise<void> {
  const bytes = new Uint8Array(9100);
  const view = new DataView(bytes.buffer);
  for (let number = 0; number < count; number++) {
    const length = lengthOf(number);
    view.setUint32(0, number, true);
    bytes[length - 1] = length === 4 ? bytes[3] : number & 0xff;
    const message = bytes.subarray(0, length);
    // A long message is read while it is sent: `write` tells when the buffer may change.
    if (length > 1000 || !channel.send(message, number & 0xffff)) await channel.write(message, number & 0xffff);
  }
  await channel.end();
}

/** Checks what arrives: number after number, whole, with its type. */
class Receipt {
  count = 0;
  wrong: string | undefined = undefined;

  constructor(channel: Channel) {
    channel.onMessage = (bytes, offset, length, type) => {
      const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
      const whole = length === lengthOf(number) && (length === 4 || bytes[offset + length - 1] === (number & 0xff));
      if (number !== this.count || !whole || type !== (number & 0xffff)) this.wrong ??= `${number} as ${this.count}`;
      this.count++;
    };
  }
}

/** A NIC that loses and doubles what it sends, by the seed. */
function faulty(nic: Nic, random: () => number): Nic {
  const send = nic.send.bind(nic);
  nic.send = (frame, length, peer) => {
    const fate = random();
    if (fate < 0.03) return true; // lost
    if (fate < 0.06) send(frame, length, peer); // doubled
    return send(frame, length, peer);
  };
  return nic;
}

for (const driver of REAL_DRIVERS) {
  describe(`over ${driver}`, () => {
    const wire = Wire.forTests(driver);

    test(`each message, exactly once, in order: ${MESSAGES} each way at once`, async () => {
      const [a, b] = await wire.hosts();
      const { client, server } = await connected(a, b, 1, {
        connect: { allowHalfOpen: true },
        listen: { allowHalfOpen: true },
      });
      const receipts = [new Receipt(client), new Receipt(server)];
      await Promise.all([sendAll(client, MESSAGES), sendAll(server, MESSAGES)]);
      for (const { count, wrong } of receipts) expect([count, wrong]).toEqual([MESSAGES, undefined]);
      for (const channel of [client, server]) {
        expect(await channel.closed).toEqual({ reason: 'ended', error: undefined });
        expect(channel.counters()).toMatchObject({ messagesSent: MESSAGES, messagesReceived: MESSAGES });
      }
    });

    test('also when frames are lost and doubled, in both directions', async () => {
      const random = chance(SEED);
      const channel = { minRto: 1, initialRto: 5 };
      await using a = await Host.open({ nic: faulty(openNic(wire.nic('a')), random), channel });
      await using b = await Host.open({ nic: faulty(openNic(wire.nic('b')), random), channel });
      const { client, server } = await connected(a, b);
      const receipt = new Receipt(server);
      // Some 5000 frames: small messages share them.
      const count = 2 * MESSAGES;
      await sendAll(client, count);
      expect([receipt.count, receipt.wrong]).toEqual([count, undefined]);
      const { fastResends, timeoutResends } = client.counters();
      expect(fastResends + timeoutResends, 'the faults were there').toBeGreaterThan(50);
      expect(server.counters().duplicates).toBeGreaterThan(50);
    });

    test('delivered: when end() has settled, the handler has returned from every message', async () => {
      const [a, b] = await wire.hosts();
      for (let round = 0; round < 20; round++) {
        const { client, server, listener } = await connected(a, b, 10);
        listener.close();
        let returned = 0;
        const messages = 1 + ((round * 37) % 700);
        server.onMessage = () => {
          const until = performance.now() + (round % 5 === 0 ? 0.05 : 0);
          while (performance.now() < until);
          returned++;
        };
        for (let i = 0; i < messages; i++) if (!client.send(Uint8Array.of(1))) await client.write(Uint8Array.of(1));
        await client.end();
        expect(returned).toBe(messages);
      }
    });

    test.each([
      'the peer aborts',
      'the host of the peer is closed',
      'the handler of the peer throws',
      'this side aborts',
    ])('or the sender gets a typed error: %s', async (how) => {
      const random = chance(SEED + how.length);
      for (let round = 0; round < 8; round++) {
        const [a, b] = await wire.hosts();
        const { client, server } = await connected(a, b);
        const receipt = new Receipt(server);
        const cut = Math.floor(random() * 3000);
        const read = server.onMessage!;
        server.onMessage = (bytes, offset, length, type) => {
          read(bytes, offset, length, type);
          if (receipt.count !== cut + 1) return;
          if (how === 'the peer aborts') server.abort();
          else if (how === 'the host of the peer is closed') void b.close({ force: true });
          else if (how === 'the handler of the peer throws') throw new Error('enough');
          else client.abort();
        };
        const sending = sendAll(client, 10_000).then(
          () => 'everything arrived',
          (error: unknown) => error,
        );
        const { reason, error } = await client.closed;
        expect(reason).not.toBe('ended');
        expect(error).toBeInstanceOf(EmpError);
        expect(error?.remedy).toBeTruthy();
        const outcome = await sending;
        expect(outcome).toBeInstanceOf(EmpError);
        await until(() => server.writable === false);
        // What had arrived by then is a beginning, without a hole: nothing more comes after the error.
        expect(receipt.wrong).toBeUndefined();
        expect(receipt.count).toBeGreaterThan(cut);
        const then = receipt.count;
        await new Promise((resolve) => setTimeout(resolve, 3));
        expect(receipt.count).toBe(then);
        await wire.clear();
      }
    });
  });
}
