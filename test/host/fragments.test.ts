// Long messages piece by piece, in place: `onFragment`.
import { describe, expect, test } from 'vitest';

import { connected, DRIVERS, pattern, Wire } from '../support/twoHosts.js';

for (const driver of DRIVERS) {
  describe(`pieces over ${driver}`, () => {
    const wire = Wire.forTests(driver);

    test('come in order, from the first byte to the last, and make the message; short ones come whole', async () => {
      const { client, server } = await connected(...(await wire.hosts()), 1);
      const lengths = [10, 5000, 0, 1_000_000, client.maxFrameMessage, client.maxFrameMessage + 1];
      const whole: [number, Uint8Array][] = [];
      let parts = new Uint8Array(0);
      server.onMessage = (bytes, offset, length, type) => whole.push([type, bytes.slice(offset, offset + length)]);
      server.onFragment = (bytes, offset, length, position, total, type) => {
        if (position === 0) parts = new Uint8Array(total);
        expect([parts.length, length > 0, position + length <= total]).toEqual([total, true, true]);
        parts.set(bytes.subarray(offset, offset + length), position);
        if (position + length === total) whole.push([type, parts]);
      };
      for (const [type, length] of lengths.entries()) await client.write(pattern(length, type), type);
      await client.end();
      expect(whole.map(([type, { length }]) => [type, length])).toEqual(lengths.map((length, type) => [type, length]));
      for (const [type, bytes] of whole) expect(Buffer.compare(bytes, pattern(lengths[type], type))).toBe(0);
      expect(server.counters()).toMatchObject({
        messagesReceived: lengths.length,
        bytesReceived: lengths.reduce((sum, length) => sum + length, 0),
      });
    });
  });
}
