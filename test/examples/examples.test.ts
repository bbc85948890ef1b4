// Every example is run as a user would: processes, on both sides of a real (virtual) wire.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { Testbed } from '../../src/testbed/testbed.js';
import type { Side } from '../support/twoHosts.js';
import { pattern } from '../support/twoHosts.js';
import { isRoot } from '../support/root.js';

const EXAMPLES = new URL('../../examples/', import.meta.url).pathname;

/** A running example, what it has said so far, and how it ended. */
class Example {
  output = '';
  readonly exited: Promise<number | null>;

  constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.exited = once(child, 'close').then(([code]) => code as number | null);
  }

  static start(name: string, ...args: string[]): Example {
    const example = new Example(spawn(process.execPath, [join(EXAMPLES, `${name}.mjs`), ...args]));
    running.push(example);
    return example;
  }

  type(line: string): void {
    this.child.stdin!.write(`${line}\n`);
  }

  async says(text: string | RegExp): Promise<void> {
    const said = () => (typeof text === 'string' ? this.output.includes(text) : text.test(this.output));
    while (!said()) {
      if (this.child.exitCode !== null) throw new Error(`ended without saying ${String(text)}:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async address(): Promise<string> {
    await this.says(/listening at \S+\n/);
    return /listening at (\S+)/.exec(this.output)![1];
  }
}

const running: Example[] = [];
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'emp-examples-'));
});
afterAll(() => rm(directory, { recursive: true }));
afterEach(async () => {
  for (const { child } of running) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await Promise.all(running.splice(0).map(({ exited }) => exited));
});

const places = isRoot ? (['udp on loopback', 'udp', 'packet', 'xdp'] as const) : (['udp on loopback'] as const);

for (const place of places) {
  describe(`examples over ${place}`, () => {
    let testbed: Testbed | undefined;
    beforeAll(async () => {
      testbed = place === 'udp on loopback' ? undefined : await Testbed.up();
    });
    afterAll(() => testbed?.down());

    const flags = (side: Side): string[] => {
      if (testbed === undefined) return ['--local', '127.0.0.1:0'];
      const { namespace, interface: name, ipv4 } = testbed.links[0][side];
      const where = place === 'udp' ? ['--local', ipv4] : ['--interface', name];
      return ['--driver', place, '--namespace', namespace, ...where];
    };

    test('ping-pong', async () => {
      const server = Example.start('ping-pong', 'server', ...flags('a'));
      const address = await server.address();
      for (const size of ['16', '1000']) {
        const client = Example.start('ping-pong', 'client', address, '--rounds', '500', '--size', size, ...flags('b'));
        expect(await client.exited, client.output).toBe(0);
        expect(client.output).toMatch(/^500 round trips of (16|1000) bytes/);
        expect(client.output).toMatch(/p50 [\d.]+ us/);
      }
      await server.says(/connected\n.* ended/);
      server.child.kill('SIGINT');
      expect(await server.exited, server.output).toBe(0);
    });

    test('chat', async () => {
      const ann = Example.start('chat', 'listen', '--name', 'ann', ...flags('a'));
      const bob = Example.start('chat', 'connect', await ann.address(), '--name', 'bob', ...flags('b'));
      await ann.says('* bob is here');
      await bob.says('* ann is here');
      bob.type('hello');
      await ann.says('bob: hello\n');
      ann.type('hello to you — and goodbye');
      await bob.says('ann: hello to you — and goodbye\n');
      bob.child.stdin!.end();
      await ann.says('* bob has left');
      ann.child.stdin!.end();
      expect([await bob.exited, await ann.exited], ann.output + bob.output).toEqual([0, 0]);
    });

    test('copy', async () => {
      const into = await mkdtemp(join(directory, 'into-'));
      const receiver = Example.start('copy', 'receive', '--into', into, ...flags('a'));
      const address = await receiver.address();
      for (const size of [0, 1, 300_000, 20_000_000]) {
        const name = `${size} bytes.bin`;
        const bytes = pattern(size, size);
        await writeFile(join(directory, name), bytes);
        const sender = Example.start('copy', 'send', join(directory, name), address, ...flags('b'));
        expect(await sender.exited, sender.output).toBe(0);
        expect(sender.output).toMatch(/sha256 [0-9a-f]{64}, checked/);
        expect(Buffer.compare(await readFile(join(into, name)), bytes)).toBe(0);
      }

      const again = Example.start('copy', 'send', join(directory, '20000000 bytes.bin'), address, ...flags('b'));
      expect(await again.exited, again.output).toBe(1);
      expect(again.output).toMatch(/did not keep .* exists/);
      expect((await readdir(into)).length, 'nothing half-done is left').toBe(4);

      receiver.child.kill('SIGINT');
      expect(await receiver.exited, receiver.output).toBe(0);
    });

    test('a copy whose sender dies leaves nothing behind', async () => {
      const into = await mkdtemp(join(directory, 'into-'));
      await writeFile(join(directory, 'large.bin'), new Uint8Array(200_000_000));
      const receiver = Example.start('copy', 'receive', '--into', into, ...flags('a'));
      const sender = Example.start(
        'copy',
        'send',
        join(directory, 'large.bin'),
        await receiver.address(),
        ...flags('b'),
      );
      while ((await readdir(into)).length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      sender.child.kill('SIGINT');
      await receiver.says(/from .*: The channel to /);
      while ((await readdir(into)).length > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    });
  });
}

describe('every example', () => {
  test.each(['ping-pong', 'chat', 'copy'])('%s has help, and tells in a sentence what is wrong', async (name) => {
    const run = async (...args: string[]): Promise<[number | null, string]> => {
      const example = Example.start(name, ...args);
      return [await example.exited, example.output];
    };
    const [code, help] = await run('--help');
    expect(code).toBe(0);
    expect(help).toMatch(/--driver NAME/);
    for (const args of [[], ['nonsense'], ['--nonsense'], ['listen', '--driver', 'packet']]) {
      const [status, output] = await run(...args);
      expect([status, output.trim().split('\n').at(-1)]).toEqual([2, 'Try --help.']);
    }
  });

  test('a host that cannot be opened, and a peer that is not there: code, sentence, remedy, exit code 1', async () => {
    const closed = Example.start('chat', 'listen', '--local', '203.0.113.9');
    expect(await closed.exited).toBe(1);
    expect(closed.output).toMatch(/^ERR_EMP_ADDRESS: .*\.\n$/);
    const alone = Example.start('ping-pong', 'client', '127.0.0.1:9');
    expect(await alone.exited).toBe(1);
    expect(alone.output).toMatch(/^ERR_EMP_TIMEOUT: .*\.\n$/);
  });
});
