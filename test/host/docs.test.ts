// The servers that the pages show, as they stand there, over every driver: nothing that a client sends is lost.
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import type { Host } from '../../src/host/host.js';
import { DRIVERS, until, Wire } from '../support/twoHosts.js';

type Code = (host: unknown) => Promise<void>;
const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  parameter: string,
  body: string,
) => Code;

/** The block of code on a page that has this line; it gets a `Host` to open. */
function codeOf(page: string, line: string): Code {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code);
  return new AsyncFunction(
    'Host',
    blocks.find((code) => code.includes(line))!,
  );
}

const SERVERS: [string, Code][] = [
  ['the iterator face (channels.md)', codeOf('channels.md', 'for await (const channel of host.listen(1))')],
];

for (const driver of DRIVERS) {
  describe(`over ${driver}`, () => {
    let wire: Wire;
    let a: Host;
    let b: Host;

    beforeAll(async () => {
      wire = await Wire.up(driver);
    });
    afterAll(() => wire[Symbol.asyncDispose]());
    afterEach(() => wire.clear());

    test.each(SERVERS)('every message comes back although the client ends at once: %s', async (_name, serve) => {
      [a, b] = await wire.hosts();
      const serving = serve({ open: () => Promise.resolve(b) });
      const echoes: number[] = [];
      const channel = await a.connect(b.address, 1);
      channel.onMessage = (bytes, offset, _length, type) => echoes.push(bytes[offset], type);
      for (let i = 0; i < 100; i++) expect(channel.send(Uint8Array.of(i), i)).toBe(true);
      expect(await channel.close()).toEqual({ reason: 'ended', error: undefined });
      expect(echoes).toEqual(Array.from({ length: 200 }, (_, i) => i >> 1));
      await until(() => b.counters().channels === 0);
      await b.close();
      await serving;
    });
  });
}
