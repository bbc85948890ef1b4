import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { readRecord } from '../../src/testbed/record.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { dist } from '../support/emp.js';
import { describeRoot } from '../support/root.js';

const exists = (namespace: string): boolean => existsSync(`/run/netns/${namespace}`);
const ip = (...args: string[]): unknown => JSON.parse(execFileSync('ip', ['-json', ...args], { encoding: 'utf8' }));

interface IpLink {
  ifname: string;
  mtu: number;
  address: string;
  flags: string[];
  num_tx_queues: number;
  num_rx_queues: number;
  stats64: { rx: { packets: number }; tx: { packets: number } };
}
const linkOf = (namespace: string, name: string): IpLink =>
  (ip('-s', '-d', '-n', namespace, 'link', 'show', name) as IpLink[])[0];

describe('arguments', () => {
  it.each([
    [{ name: 'lab' }, /'lab' is not a name/],
    [{ name: 'emp/../x' }, /is not a name/],
    [{ links: 0 }, /links is 0/],
    [{ mtu: 100 }, /mtu is 100/],
    [{ queues: 1.5 }, /queues is 1.5/],
  ])('%j is refused', async (options, message) => {
    await expect(Testbed.up(options)).rejects.toMatchObject({
      code: 'ERR_EMP_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });
});

describeRoot('a testbed', () => {
  it('is two namespaces joined by as many links as asked', async () => {
    await using testbed = await Testbed.up({ links: 2, mtu: 3000, queues: 2 });
    for (const [index, { a, b }] of testbed.links.entries()) {
      for (const end of [a, b]) {
        const link = linkOf(end.namespace, end.interface);
        expect(link).toMatchObject({ mtu: 3000, address: end.mac, num_tx_queues: 2, num_rx_queues: 2 });
        expect(link.flags).toEqual(expect.arrayContaining(['UP', 'LOWER_UP']));
      }
      expect(a.ipv4).toBe(`198.18.${index}.1`);
      expect(b.ipv4).toBe(`198.18.${index}.2`);
    }
    expect(testbed.links).toHaveLength(2);
    expect(Testbed.find(testbed.name)?.links).toEqual(testbed.links);
  });

  it.each(['ipv4', 'ipv6'] as const)('carries UDP over %s, and nothing that nobody sent', async (family) => {
    await using testbed = await Testbed.up();
    const { a, b } = testbed.links[0];
    const type = family === 'ipv4' ? 'udp4' : 'udp6';
    const server = `
      const s = require('dgram').createSocket('${type}');
      s.bind(9, '${b[family]}', () => console.log('ready'));
      s.on('message', (m) => { console.log(String(m)); s.close(); });`;
    const client = `
      const s = require('dgram').createSocket('${type}');
      s.send('over the wire', 9, '${b[family]}', () => s.close());`;
    const child = spawn('ip', ['netns', 'exec', b.namespace, process.execPath, '-e', server]);
    let said = '';
    child.stdout.on('data', (text) => (said += String(text)));
    await once(child.stdout, 'data');
    execFileSync('ip', ['netns', 'exec', a.namespace, process.execPath, '-e', client]);
    await once(child, 'close');
    expect(said).toBe('ready\nover the wire\n');
    const { stats64 } = linkOf(b.namespace, b.interface);
    expect([stats64.rx.packets, stats64.tx.packets]).toEqual([1, 0]);
  });

  it('leaves nothing after down, and down may be called twice', async () => {
    const testbed = await Testbed.up();
    await testbed.down();
    await testbed.down();
    expect(testbed.namespaces.filter(exists)).toEqual([]);
    expect(Testbed.list().map(({ name }) => name)).not.toContain(testbed.name);
  });

  it('has a name of its own by default, and refuses a name that is taken', async () => {
    await using first = await Testbed.up();
    await using second = await Testbed.up();
    expect(second.name).not.toBe(first.name);
    await expect(Testbed.up({ name: first.name })).rejects.toMatchObject({ code: 'ERR_EMP_TESTBED' });
    expect(first.namespaces.every(exists)).toBe(true);
  });

  it('removes what it made when it cannot be completed', async () => {
    const name = `emp-half-${process.pid}`;
    execFileSync('ip', ['netns', 'add', `${name}-b`]);
    try {
      await expect(Testbed.up({ name })).rejects.toMatchObject({ code: 'ERR_EMP_TOOL_FAILED' });
      expect(exists(`${name}-a`)).toBe(false);
    } finally {
      if (exists(`${name}-b`)) execFileSync('ip', ['netns', 'delete', `${name}-b`]);
    }
  });

  it('is written down whole: who sweeps meanwhile does not take it for that of a dead process', async () => {
    const name = `emp-record-${process.pid}`;
    const script = `
      const { writeRecord, removeRecord, thisProcess } = await import('${new URL('src/testbed/record.js', dist).href}');
      const record = { name: '${name}', links: 1, mtu: 1500, queues: 1, owner: thisProcess() };
      console.log('ready');
      for (const end = Date.now() + 500; Date.now() < end; removeRecord(record.name)) {
        if (!writeRecord(record) || writeRecord(record)) throw new Error('claimed twice');
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    let seen = 0;
    while (child.exitCode === null) {
      for (let i = 0; i < 1000; i++) {
        const record = readRecord(name);
        if (record === undefined) continue;
        expect(record.owner?.pid).toBe(child.pid);
        seen++;
      }
      await turn();
    }
    expect(child.exitCode).toBe(0);
    expect(seen).toBeGreaterThan(100);
    expect(readdirSync('/run/emp/testbed').filter((file) => file.includes(`${child.pid}`))).toEqual([]);
  });

  it('says which package is missing', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nonexistent';
    try {
      await expect(Testbed.up()).rejects.toMatchObject({
        code: 'ERR_EMP_TOOL_MISSING',
        remedy: expect.stringContaining('apt install iproute2'),
      });
    } finally {
      process.env['PATH'] = path;
    }
    Testbed.sweep();
  });
});

describeRoot('when its process ends', () => {
  const start = async (then: string): Promise<{ child: ReturnType<typeof spawn>; name: string }> => {
    const script = `
      const { Testbed } = await import('${new URL('src/testbed/testbed.js', dist).href}');
      const testbed = await Testbed.up();
      console.log(testbed.name);
      ${then}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [name] = await once(child.stdout, 'data');
    return { child, name: String(name).trim() };
  };
  const ended = async (child: ReturnType<typeof spawn>): Promise<unknown> =>
    child.exitCode ?? child.signalCode ?? (await once(child, 'exit')).find((value) => value !== null);

  it.each([
    ['process.exit(7)', 7],
    ["throw new Error('uncaught')", 1],
    ["process.kill(process.pid, 'SIGINT'); setInterval(() => 0, 1000)", 'SIGINT'],
    ["process.kill(process.pid, 'SIGTERM'); setInterval(() => 0, 1000)", 'SIGTERM'],
  ])('by %s, nothing is left', async (then, code) => {
    const { child, name } = await start(then);
    expect(await ended(child)).toBe(code);
    expect([`${name}-a`, `${name}-b`].filter(exists)).toEqual([]);
    expect(existsSync(`/run/emp/testbed/${name}.json`)).toBe(false);
  });

  it('by kill -9, the next one removes what is left', async () => {
    const { child, name } = await start('setInterval(() => 0, 1000)');
    child.kill('SIGKILL');
    await ended(child);
    expect(exists(`${name}-a`)).toBe(true);
    expect(JSON.parse(readFileSync(`/run/emp/testbed/${name}.json`, 'utf8'))).toMatchObject({
      owner: { pid: child.pid },
    });
    await using _next = await Testbed.up();
    expect([`${name}-a`, `${name}-b`].filter(exists)).toEqual([]);
    expect(Testbed.list().map((status) => status.name)).not.toContain(name);
  });
});
