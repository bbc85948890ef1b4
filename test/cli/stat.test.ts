import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { register } from '../../src/cli/stat.js';
import { Host } from '../../src/host/host.js';
import type { HostSnapshot } from '../../src/host/stat/read.js';
import { dist, Emp, emp } from '../support/emp.js';
import { OtherHost } from '../support/otherHost.js';
import { parseMetrics } from '../support/prometheus.js';
import { describeRoot } from '../support/root.js';
import { until } from '../support/twoHosts.js';

/** A host that never returns to its event loop, and has echoed 30 messages of 64 bytes. */
let other: OtherHost;
let client: Host;

beforeAll(async () => {
  other = await OtherHost.start('spin');
  client = await Host.open({ nic: { driver: 'udp', port: 0 } });
  const channel = await client.connect(other.address, 1, { keepAlive: 60_000, peerTimeout: 80_000 });
  let echoes = 0;
  channel.onMessage = () => echoes++;
  for (let i = 0; i < 30; i++) await channel.write(new Uint8Array(64));
  await until(() => echoes === 30);
});

afterAll(async () => {
  await client.close({ force: true });
  await other.kill();
});

const refusal = async (...args: string[]) => {
  const { code, stdout } = await emp('stat', ...args, '--json');
  return { exit: code, ...(JSON.parse(stdout) as { error: { code: string; message: string } }).error };
};

const parse = (text: string) =>
  JSON.parse(text) as { hosts: (HostSnapshot & { command: string; perSecond?: HostSnapshot['counters'] })[] };

describe('emp stat', () => {
  it('lists the hosts of this machine', async () => {
    const { code, stdout } = await emp('stat');
    expect(code).toBe(0);
    const [header, ...rows] = stdout.trimEnd().split('\n');
    expect(header).toMatch(/^PID +HOST +DRIVER +INTERFACE +ADDRESS +CHANNELS +FRAMES IN +FRAMES OUT +OPEN +COMMAND$/);
    const mine = rows.find((row) => row.startsWith(`${other.pid} `));
    expect(mine).toMatch(new RegExp(`1 +udp +lo +${other.address} +1 +.*00:00:\\d\\d +.*statHost.mjs spin$`));
    const { hosts } = parse((await emp('stat', '--json')).stdout);
    expect(hosts.find(({ pid }) => pid === other.pid)).toMatchObject({ host: 1, nic: { address: other.address } });
  });

  it('tells everything of a process, once, as JSON', async () => {
    const { code, stdout } = await emp('stat', String(other.pid), '--once', '--json');
    expect(code).toBe(0);
    const [host, ...more] = parse(stdout).hosts;
    expect(more).toEqual([]);
    const messages = { messagesSent: 30, messagesReceived: 30, bytesSent: 30 * 64, bytesReceived: 30 * 64 };
    expect(host).toMatchObject({ pid: other.pid, wait: 'spin', counters: { total: messages } });
    expect(host.channels).toMatchObject([{ address: client.address, port: 1, counters: messages }]);
    expect(host.counters.nic['rxFrames']).toBe(host.counters.host['framesReceived']);
    expect(host.command).toContain('statHost.mjs');
  });

  it('and as text, which leaves out what is 0', async () => {
    const { stdout } = await emp('stat', String(other.pid), '--once');
    expect(stdout).toMatch(
      /^Process \d+, host 1: .*statHost.mjs spin\nudp \(udp4.*\) on lo, 127.0.0.1:\d+, waits by spin/,
    );
    expect(stdout).toMatch(/^channels +messagesSent +30\n +messagesReceived +30\n +bytesSent +1 920$/m);
    expect(stdout).not.toMatch(/duplicates|per second/);
    expect(stdout).toMatch(/^us +p50 +p90 +p99 +p99.9 +longest ever$/m);
    expect(stdout).toMatch(new RegExp(`^[0-9a-f]+ +${client.address} +1 +30 +- +30 +- `, 'm'));
  });

  it('looks again and again, and tells rates', async () => {
    const live = new Emp(['stat', String(other.pid), '--interval', '0.1', '--json']);
    while (live.stdout.split('\n').length < 4) await new Promise((resolve) => setTimeout(resolve, 10));
    const { code } = await live.interrupt();
    expect(code).toBe(0);
    const [first, second] = live.stdout.split('\n').slice(0, 2).map(parse);
    expect(first.hosts[0].perSecond).toBeUndefined();
    expect(second.hosts[0].perSecond).toMatchObject({ total: { messagesSent: 0 } });
    expect(second.hosts[0].channels[0]).toMatchObject({ perSecond: { bytesSent: 0 } });
    expect(second.hosts[0].perSecond?.loop).not.toHaveProperty('longestTurn');
  });

  it('ends with the process', async () => {
    const short = await OtherHost.start();
    const live = new Emp(['stat', String(short.pid), '--interval', '0.1']);
    await live.said(/per second/);
    await short.kill();
    const { code, stderr } = await live.ended();
    expect([code, stderr]).toEqual([0, 'The host was closed.\n']);
  });

  it('stays in its place on a terminal, within its width', () => {
    const script = new URL('src/cli/emp.js', dist).pathname;
    const command = `stty cols 60 rows 20; timeout -s INT 1.5 ${process.execPath} ${script} stat ${other.pid} --interval 0.5`;
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' });
    const pictures = stdout.split('\u001b[1;1H\u001b[0J').slice(1);
    expect(pictures.length).toBeGreaterThanOrEqual(2);
    for (const picture of pictures) {
      const lines = picture.replaceAll('\r', '').trimEnd().split('\n');
      expect(lines.length).toBeLessThan(20);
      expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(60);
      expect(lines[0]).toContain(`Process ${other.pid}, host 1`);
    }
  });

  it('refuses what it cannot do', async () => {
    expect(await refusal('4194999')).toMatchObject({
      exit: 2,
      code: 'ERR_EMP_ARGUMENT',
      message: /4194999 has no host/,
    });
    expect(await refusal('--once')).toMatchObject({ exit: 2, message: /--once means nothing without a process/ });
    expect(await refusal('--interval', '2')).toMatchObject({ exit: 2, message: /--interval means nothing/ });
    expect(await refusal('--per-channel')).toMatchObject({ exit: 2, message: /nothing without --prometheus/ });
    for (const more of [
      ['--interval', '1'],
      ['--prometheus', '9464'],
    ]) {
      expect(await refusal(String(other.pid), '--once', ...more)).toMatchObject({
        exit: 2,
        message: /cannot be used with/,
      });
    }
    for (const wrong of ['70000', 'x', '127.0.0.1', ':9464']) {
      expect(await refusal('--prometheus', wrong)).toMatchObject({ exit: 2, message: /Expected/ });
    }
    expect(await refusal('1', '2')).toMatchObject({ exit: 2, message: /too many arguments/ });
  });
});

describe('emp stat --prometheus', () => {
  const get = async (url: string) => {
    const response = await fetch(url);
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };

  it('serves the counters of all hosts, on this machine alone', async () => {
    const server = new Emp(['stat', '--prometheus', '0', '--per-channel', '--json']);
    await server.said(/\n/);
    const { listening } = JSON.parse(server.stdout) as { listening: { address: string; port: number; url: string } };
    expect(listening.address).toBe('127.0.0.1');
    const { status, type, text } = await get(listening.url);
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const metrics = parseMetrics(text);
    const labels = { pid: String(other.pid), host: '1', driver: 'udp', interface: 'lo', address: other.address };
    expect(metrics.value('emp_messages_received_total', labels)).toBe(30);
    expect(metrics.value('emp_messages_received_total', { pid: String(process.pid) })).toBe(30);
    expect(metrics.value('emp_channel_bytes_sent_total', { ...labels, peer: client.address, port: '1' })).toBe(30 * 64);
    expect(metrics.type('emp_turn_seconds')).toBe('histogram');
    expect(metrics.value('emp_turns_total', labels)).toBeGreaterThan(0);
    expect((await get(listening.url.replace('/metrics', '/'))).status).toBe(404);
    const { code } = await server.interrupt();
    expect(code).toBe(0);
  });

  it('or of one process', async () => {
    const server = new Emp(['stat', String(other.pid), '--prometheus', '127.0.0.1:0']);
    await server.said(/Serving .*\n/);
    const [url] = /http\S+/.exec(server.stdout)!;
    const metrics = parseMetrics((await get(url)).text);
    expect(metrics.samples('emp_channels').map(({ labels }) => labels['pid'])).toEqual([String(other.pid)]);
    expect(metrics.names().some((name) => name.startsWith('emp_channel_'))).toBe(false);
    await server.interrupt();
  });

  it('says when the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    expect(await refusal('--prometheus', String(port))).toMatchObject({ exit: 1, code: 'ERR_EMP_ADDRESS_IN_USE' });
    taken.close();
  });
});

describeRoot('emp stat of another user', () => {
  it('says who may look', async () => {
    const program = new Command().exitOverride();
    register(program);
    process.seteuid!(65534);
    try {
      const looking = program.parseAsync(['node', 'emp', 'stat', String(other.pid)]);
      await expect(looking).rejects.toMatchObject({ code: 'ERR_EMP_PERMISSION', message: /belong to another user/ });
    } finally {
      process.seteuid!(0);
    }
  });
});
