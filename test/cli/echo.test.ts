import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Host } from '../../src/index.js';
import type { NicOptions } from '../../src/index.js';
import { Testbed, type TestbedEnd } from '../../src/testbed/testbed.js';
import { Emp, emp } from '../support/emp.js';
import { hasTshark, readFields } from '../support/tshark.js';
import { describeRoot, isRoot } from '../support/root.js';

const dissector = `lua_script:${new URL('../../tools/wireshark/emp.lua', import.meta.url).pathname}`;

interface Listening {
  address: string;
  port: number;
  driver: string;
  pid: number;
}

async function echo(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<[Emp, Listening]> {
  const server = new Emp(['echo', '--json', ...args], env);
  await server.said(/\n/);
  return [server, (JSON.parse(server.stdout) as { listening: Listening }).listening];
}

/** Sends messages of all kinds of lengths at once, so that both ends meet back-pressure, and checks what comes back. */
async function exchange(nic: NicOptions, { address, port }: Listening, lengths: readonly number[]): Promise<void> {
  await using host = await Host.open({ nic });
  const channel = await host.connect(address, port, { allowHalfOpen: true });
  const sending = (async () => {
    for (const [index, length] of lengths.entries()) await channel.write(new Uint8Array(length).fill(index), index);
    await channel.end();
  })();
  let index = 0;
  for await (const { data, type } of channel) {
    expect([type, data.length, data.every((byte) => byte === (index & 0xff))]).toEqual([index, lengths[index], true]);
    index += 1;
  }
  await sending;
  expect(index).toBe(lengths.length);
  expect((await channel.close()).error).toBeUndefined();
}

const LENGTHS = [0, 1, 16, 1400, 1500, 100_000, 3_000_000, ...Array.from({ length: 2000 }, (_, i) => i)];

describe('emp echo over udp on loopback', () => {
  it('with faults: everything comes back, and what befell frames is told', async () => {
    const [server, listening] = await echo([
      '--local',
      '127.0.0.1:0',
      '--fault',
      'drop=5%,duplicate=5%,reorder=5%,seed=7',
    ]);
    await exchange({ driver: 'udp', port: 0 }, listening, LENGTHS);
    const { code, stdout } = await server.interrupt();
    expect(code).toBe(0);
    const { ended } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
      ended: { faults: Record<string, number> };
    };
    expect(ended.faults.frames).toBeGreaterThan(1000);
    for (const fault of ['dropped', 'duplicated', 'reordered']) expect(ended.faults[fault], fault).toBeGreaterThan(0);
  });

  it('faults that it cannot read are refused', async () => {
    const { code, stderr } = await emp('echo', '--fault', 'loss=1');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/There is no fault 'loss'/)]);
  });

  it('sends everything back, in order, and ends with Ctrl-C', async () => {
    const [server, listening] = await echo(['--driver', 'udp', '--local', '127.0.0.1:0']);
    expect(listening).toMatchObject({ driver: 'udp', port: 7, pid: server.child.pid });
    await exchange({ driver: 'udp', port: 0 }, listening, LENGTHS);
    const { code, stdout, stderr } = await server.interrupt();
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout.split('\n')[1])).toEqual({ ended: { channels: 1, messages: LENGTHS.length } });
  });

  it('says what is wrong with its NIC', async () => {
    const { code, stdout } = await emp('echo', '--driver', 'packet', '--interface', 'emp-nowhere', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: isRoot ? 'ERR_EMP_NO_INTERFACE' : 'ERR_EMP_PERMISSION', remedy: expect.any(String) },
    });
    expect(code).toBe(isRoot ? 1 : 3);
  });
});

describeRoot('emp echo on a testbed', () => {
  let testbed: Testbed;
  beforeAll(async () => {
    testbed = await Testbed.up();
  });
  afterAll(() => testbed.down());

  it.each(['packet', 'xdp'] as const)('over %s', async (driver) => {
    const { a, b } = testbed.links[0];
    const [server, listening] = await echo(['--driver', driver, '-n', b.namespace, '-i', b.interface, '--port', '99']);
    expect(listening).toMatchObject({ address: b.mac, port: 99 });
    await exchange({ driver, namespace: a.namespace, interface: a.interface }, listening, LENGTHS);
    expect((await server.interrupt()).code).toBe(0);
  });
});

describeRoot('emp echo, when its interface', () => {
  const NICS = [
    ['xdp', ({ interface: name }: TestbedEnd) => ['-i', name]],
    ['packet', ({ interface: name }: TestbedEnd) => ['-i', name]],
    ['udp', ({ ipv4 }: TestbedEnd) => ['--local', ipv4]],
  ] as const;
  const serve = async (b: TestbedEnd, driver: string, nic: (end: TestbedEnd) => string[]): Promise<Emp> => {
    const server = new Emp(['echo', '--driver', driver, '-n', b.namespace, ...nic(b)]);
    await server.said(/Listening/);
    return server;
  };
  const link = (b: TestbedEnd, ...words: string[]) =>
    execFileSync('ip', ['-n', b.namespace, 'link', words[0], b.interface, ...words.slice(1)]);

  it.each(NICS)('goes down, says so, and goes on when it is up again (%s)', async (driver, nic) => {
    await using testbed = await Testbed.up();
    const { b } = testbed.links[0];
    const server = await serve(b, driver, nic);
    link(b, 'set', 'down');
    while (!/emp0 is down: nothing arrives/.test(server.stderr)) await delay(5);
    link(b, 'set', 'up');
    while (!/emp0 is up again/.test(server.stderr)) await delay(5);
    expect((await server.interrupt()).code).toBe(0);
  });

  it.each(NICS)('is removed, ends with a typed error (%s)', async (driver, nic) => {
    await using testbed = await Testbed.up();
    const { b } = testbed.links[0];
    const server = await serve(b, driver, nic);
    link(b, 'delete');
    const { code, stderr } = await server.ended();
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^emp: emp0 was removed\.\n {2}Start emp echo again/m)]);
  });

  it('does either, tells it as JSON with --json', async () => {
    await using testbed = await Testbed.up();
    const { b } = testbed.links[0];
    const [server] = await echo(['--driver', 'packet', '-n', b.namespace, '-i', b.interface]);
    link(b, 'delete');
    const { code, stdout, stderr } = await server.ended();
    const [, down, error] = stdout.split('\n').map((line) => JSON.parse(line || 'null') as unknown);
    expect([code, stderr, down]).toEqual([1, '', { nic: { state: 'down' } }]);
    expect(error).toMatchObject({ error: { code: 'ERR_EMP_NIC_FAILED', remedy: expect.any(String) } });
  });
});

describeRoot('where emp echo can be reached', () => {
  it.each([
    ['0.0.0.0', /^Listening on 0\.0\.0\.0:34997, .* Reached at 127\.0\.0\.1:34997, 198\.18\.0\.2:34997\.$/m],
    ['[::]:99', /^Listening on \[::\]:99, .* Reached at \[::1\]:99, \[fd00:198:18::2\]:99\.$/m],
    ['127.0.0.1', /^Listening on 127\.0\.0\.1:34997, .* For this machine alone; others need --local\.$/m],
    ['198.18.0.2', /^Listening on 198\.18\.0\.2:34997, channel port 7 \(udp, \S+\)\.$/m],
  ])('on %s', async (local, said) => {
    await using testbed = await Testbed.up();
    const server = new Emp(['echo', '-n', testbed.links[0].b.namespace, '--local', local]);
    await server.said(/Listening/);
    expect((await server.interrupt()).stdout).toMatch(said);
  });
});

describe('emp capture', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'emp-capture-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const listed = async (): Promise<{ pid: number }[]> =>
    (JSON.parse((await emp('capture', '--json')).stdout) as { hosts: { pid: number }[] }).hosts;

  it('lists the hosts that want it, and no others', async () => {
    const [open, openAt] = await echo(['--local', '127.0.0.1:0'], { EMP_TAP: '1' });
    const [closed, closedAt] = await echo(['--local', '127.0.0.1:0']);
    const hosts = await listed();
    expect(hosts.find(({ pid }) => pid === openAt.pid)).toMatchObject({
      host: 1,
      description: expect.stringContaining(openAt.address) as string,
      command: expect.stringContaining('echo') as string,
    });
    expect(hosts.map(({ pid }) => pid)).not.toContain(closedAt.pid);
    const nowhere = await emp('capture', '--pid', String(openAt.pid), '-w', join(folder, 'no/such/folder'));
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringMatching(/cannot be written: ENOENT/)]);
    const refused = await emp('capture', '--pid', String(closedAt.pid), '-w', join(folder, 'none.pcapng'));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/no host to capture\.\n {2}Start it with EMP_TAP=1/);
    await Promise.all([open.interrupt(), closed.interrupt()]);
    expect((await listed()).map(({ pid }) => pid)).not.toContain(openAt.pid);
  });

  /** Captures what passes through the server, from the handshake to the end, and looks at it with tshark. */
  async function captured(server: readonly string[], client: NicOptions, name: string): Promise<void> {
    const [echoing, listening] = await echo(server, { EMP_TAP: '1' });
    const file = join(folder, `${name}.pcapng`);
    const capture = new Emp(['capture', '--pid', String(listening.pid), '-w', file, '--json']);
    await attached(file);
    await exchange(client, listening, [1, 2, 3, 5000]);
    await echoing.interrupt(); // the end of the host is the end of the capture
    const { code, stdout } = await capture.ended();
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as { file: string; frames: number; dropped: number; bytes: number };
    expect(result).toMatchObject({ file, dropped: 0, bytes: readFileSync(file).length });
    if (!hasTshark) return;
    const port = listening.address.split(':')[1];
    const fields = ['emp.type', 'emp.header_check.status', 'frame.packet_flags_direction'];
    const asEmp = client.driver === 'udp' ? ['-d', `udp.port==${port},emp`] : [];
    const rows = readFields(readFileSync(file), fields, '-X', dissector, ...asEmp);
    expect(rows).toHaveLength(result.frames);
    expect(rows[0]).toEqual(['1', 'good', '0x00000001']); // CONNECT comes in,
    expect(rows[1]).toEqual(['2', 'good', '0x00000002']); // ACCEPT goes out
    expect(new Set(rows.map(([, status]) => status))).toEqual(new Set(['good']));
  }

  it('writes the frames of a channel, from its handshake to its end', () =>
    captured(['--local', '127.0.0.1:0'], { driver: 'udp', port: 0 }, 'udp'));

  // tcpdump sees nothing of AF_XDP.
  describeRoot('over Ethernet', () => {
    it.each(['packet', 'xdp'] as const)('writes them too: %s', async (driver) => {
      await using testbed = await Testbed.up();
      const { a, b } = testbed.links[0];
      const client = { driver, namespace: a.namespace, interface: a.interface };
      await captured(['--driver', driver, '-n', b.namespace, '-i', b.interface], client, driver);
    });
  });

  it('stops at the count, and at Ctrl-C, with a whole file', async () => {
    const [server, listening] = await echo(['--local', '127.0.0.1:0'], { EMP_TAP: '1' });
    const pid = String(listening.pid);
    const [counted, interrupted] = ['counted.pcapng', 'interrupted.pcapng'].map((name) => join(folder, name));
    const first = new Emp(['capture', '--pid', pid, '-w', counted, '--count', '5', '--json']);
    const second = new Emp(['capture', '--pid', pid, '-w', interrupted, '--json']);
    await Promise.all([attached(counted), attached(interrupted)]);
    await exchange({ driver: 'udp', port: 0 }, listening, LENGTHS.slice(0, 6));
    expect(JSON.parse((await first.ended()).stdout)).toMatchObject({ frames: 5 });
    const { code, stdout } = await second.interrupt();
    expect(code).toBe(0);
    if (hasTshark) {
      expect(readFields(readFileSync(counted), ['frame.number'])).toHaveLength(5);
      const { frames } = JSON.parse(stdout) as { frames: number };
      expect(readFields(readFileSync(interrupted), ['frame.number'])).toHaveLength(frames);
    }
    await server.interrupt();
  });
});

/** A capture that is attached has written how the file begins. */
async function attached(file: string): Promise<void> {
  while (!existsSync(file) || statSync(file).size === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}
