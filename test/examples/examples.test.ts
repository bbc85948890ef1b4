// Every example is run as a user would: processes, on both sides of a real (virtual) wire.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { Testbed } from '../../src/testbed/testbed.js';
import type { Side } from '../support/twoHosts.js';
import { pattern } from '../support/twoHosts.js';
import { dist, Emp, emp } from '../support/emp.js';
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
    return Example.#run(name, args, 'pipe');
  }

  /** With a standard input that has ended, as a service has it. */
  static startWithoutInput(name: string, ...args: string[]): Example {
    return Example.#run(name, args, 'ignore');
  }

  static #run(name: string, args: string[], input: 'pipe' | 'ignore'): Example {
    const child = spawn(process.execPath, [join(EXAMPLES, `${name}.mjs`), ...args], { stdio: [input, 'pipe', 'pipe'] });
    const example = new Example(child);
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
        const wait = size === '16' ? 'spin' : 'event';
        const how = ['--rounds', '500', '-s', size, '--wait', wait];
        const client = Example.start('ping-pong', 'client', address, ...how, ...flags('b'));
        expect(await client.exited, client.output).toBe(0);
        expect(client.output).toMatch(new RegExp(`^500 round trips of ${size} bytes .*, waiting by ${wait}\n`));
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
      await ann.says('* bob says no more; Ctrl-D ends the chat\n');
      ann.type('I was not done');
      await bob.says('ann: I was not done\n');
      ann.child.stdin!.end();
      expect([await bob.exited, await ann.exited], ann.output + bob.output).toEqual([0, 0]);
    });

    test('a chat whose listener has no input shows what the other says', async () => {
      const ann = Example.startWithoutInput('chat', 'listen', '--name', 'ann', ...flags('a'));
      const bob = Example.start('chat', 'connect', await ann.address(), '--name', 'bob', ...flags('b'));
      await bob.says('* ann says no more');
      bob.type('are you there?');
      await ann.says('bob: are you there?\n');
      bob.child.stdin!.end();
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
    const role = { 'ping-pong': ['server'], chat: ['listen'], copy: ['receive'] }[name]!;
    const wrong = [
      [],
      ['nonsense'],
      ['--nonsense'],
      [...role, '--driver', 'packet'],
      [...role, '--driver', 'memory'],
      [...role, '--wait', 'long'],
      [...role, '--queue', '1'],
      [...role, '--driver', 'xdp', '--interface', 'eth0', '--queue', 'one'],
    ];
    for (const args of wrong) {
      const [status, output] = await run(...args);
      expect([status, output.trim().split('\n').at(-1)]).toEqual([2, 'Try --help.']);
    }
  });

  test('the receiver of copies looks at --into before it listens', async () => {
    const file = join(directory, 'a file');
    await writeFile(file, '');
    for (const into of [join(directory, 'none'), file]) {
      const receiver = Example.start('copy', 'receive', '--into', into, '--local', '127.0.0.1:0');
      expect(await receiver.exited).toBe(2);
      expect(receiver.output).toBe(`--into: there is no directory ${into}.\nTry --help.\n`);
    }
  });

  test('a client takes a port that is free, on the address that leads to the server', async () => {
    for (const local of ['127.0.0.1:0', '[::1]:0']) {
      const server = Example.start('ping-pong', 'server', '--local', local);
      const client = Example.start('ping-pong', 'client', await server.address(), '-r', '10');
      expect(await client.exited, client.output).toBe(0);
    }
  });

  test('the flags of a host are those of emp echo, short names too', async () => {
    const program = new URL('src/cli/emp.js', dist).pathname;
    const flagsOf = (help: string): string[] => [...help.matchAll(/^ +((?:-\w, )?--[\w-]+)/gm)].map(([, flag]) => flag);
    const own = flagsOf(execFileSync(process.execPath, [program, 'echo', '--help'], { encoding: 'utf8' }));
    const example = Example.start('ping-pong', '--help');
    await example.exited;
    const others = ['--fault', '-r, --rounds', '-s, --size', '--json', '-p, --port'];
    expect(flagsOf(example.output).filter((flag) => !others.includes(flag))).toEqual(
      own.filter((flag) => !others.includes(flag)),
    );
  });

  test.each(['127.0.0.1', '127.0.0.1:34998', '::1', '[::1]', '[::1]:34998'])(
    '--local %s is what it is for emp',
    async (local) => {
      const example = Example.start('ping-pong', 'server', '--local', local);
      const address = await example.address();
      example.child.kill('SIGINT');
      expect(await example.exited).toBe(0);
      const echo = new Emp(['echo', '--local', local]);
      await echo.said(/Listening/);
      expect((await echo.interrupt()).stdout).toContain(`Listening on ${address}, `);
    },
  );

  test.each(['localhost', '127.0.0.1:', '127.0.0.1:65536', '[127.0.0.1]', '[::1', '[::1]34998', ''])(
    "--local '%s' is an error of usage, as for emp",
    async (local) => {
      const example = Example.start('ping-pong', 'server', '--local', local);
      expect(await example.exited).toBe(2);
      expect(example.output).toMatch(/^--local is '.*'; expected an IP address, .*\nTry --help\.\n$/);
      expect((await emp('echo', '--local', local)).code).toBe(2);
    },
  );

  test('a host that cannot be opened, and a peer that is not there: code, sentence, remedy, exit code 1', async () => {
    const closed = Example.start('chat', 'listen', '--local', '203.0.113.9');
    expect(await closed.exited).toBe(1);
    expect(closed.output).toMatch(/^ERR_EMP_ADDRESS: .*\.\n$/);
    const alone = Example.start('ping-pong', 'client', '127.0.0.1:9');
    expect(await alone.exited).toBe(1);
    expect(alone.output).toMatch(/^ERR_EMP_TIMEOUT: .*\.\n$/);
  });
});
