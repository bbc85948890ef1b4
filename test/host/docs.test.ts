// The servers that the pages show, as they stand there, over every driver: nothing that a client sends is lost.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';

import { Host } from '../../src/host/host.js';
import { DRIVERS, until, Wire } from '../support/twoHosts.js';

type Code = (host: unknown) => Promise<void>;
const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  parameter: string,
  body: string,
) => Code;

/** The block of code on a page that has this line. */
function textOf(page: string, line: string): string {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code);
  return blocks.find((code) => code.includes(line))!;
}

/** The same as a function, which gets a `Host` to open. */
function codeOf(page: string, line: string): Code {
  return new AsyncFunction('Host', textOf(page, line));
}

const SERVERS: [string, Code][] = [
  ['the iterator face (channels.md)', codeOf('channels.md', 'for await (const channel of host.listen(1))')],
];

for (const driver of DRIVERS) {
  describe(`over ${driver}`, () => {
    const wire = Wire.forTests(driver);
    let a: Host;
    let b: Host;

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

/** Opens a host on any port, and says where. */
const OPEN_ANYWHERE = `
import { Host as Real } from 'ethernet-message-passing';
const Host = {
  async open(options) {
    const host = await Real.open({ ...options, nic: { driver: 'udp', port: 0 } });
    console.log(host.address);
    return host;
  },
};`;

test('the thread with a loop of its own (host.md) echoes, and ends with its channel', async () => {
  const code = OPEN_ANYWHERE + textOf('host.md', '// server.mjs');
  const server = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: new URL('../../', import.meta.url).pathname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(server, 'exit');
  const [address] = (await once(createInterface(server.stdout), 'line')) as [string];
  await using host = await Host.open({ nic: { driver: 'udp', port: 0 } });
  const channel = await host.connect(address, 1);
  const echoes: number[] = [];
  channel.onMessage = (bytes, offset, _length, type) => echoes.push(bytes[offset], type);
  for (let i = 0; i < 100; i++) await channel.write(Uint8Array.of(i), i);
  expect(await channel.close()).toEqual({ reason: 'ended', error: undefined });
  expect(echoes).toEqual(Array.from({ length: 200 }, (_, i) => i >> 1));
  expect(await exited).toEqual([0, null]);
});
