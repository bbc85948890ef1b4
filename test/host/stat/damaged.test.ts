/** Files that are not what they seem, and machines that have no room for them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

import { ownPaths } from '../../../src/host/stat/files.js';
import { readHosts } from '../../../src/host/stat/read.js';
import { describeRoot } from '../../support/root.js';
import { Wire } from '../../support/twoHosts.js';
import { filesOf } from '../../support/otherHost.js';

const wire = Wire.forTests('memory');
const made: string[] = [];
afterEach(() => made.splice(0).forEach((path) => rmSync(path, { force: true })));

/** A name that a host of this process could have. */
function freePath(): string {
  const taken = filesOf(process.pid);
  for (const path of ownPaths()) {
    if (taken.includes(path)) continue;
    made.push(path);
    return path;
  }
  throw new Error('all names are taken');
}

const addresses = (): string[] =>
  readHosts().hosts.flatMap(({ pid, nic }) => (pid === process.pid ? [nic.address] : []));

/** A whole file, with another description, and numbers at the beginning. */
async function withDescription(change: (text: string) => string, head: number[] = []): Promise<Buffer> {
  const host = await wire.host('a');
  const bytes = readFileSync(filesOf(process.pid).at(-1)!);
  await host.close();
  const length = bytes.readInt32LE(12);
  const text = Buffer.from(change(bytes.toString('utf8', 64, 64 + length)));
  bytes.fill(0, 64, 4096);
  text.copy(bytes, 64);
  bytes.writeInt32LE(text.length, 12);
  head.forEach((word, i) => bytes.writeInt32LE(word, 4 * i));
  return bytes;
}

const MAGIC = 0x53504d45;
const DAMAGES: [string, () => Promise<Buffer> | Buffer][] = [
  ['empty', () => Buffer.alloc(0)],
  ['short', () => Buffer.alloc(20)],
  ['of zeros, as one that is just being made', () => Buffer.alloc(8192)],
  ['of something else', () => Buffer.alloc(8192, 'x')],
  ['of another layout', () => withDescription((text) => text, [MAGIC, 2])],
  ['without JSON', () => withDescription(() => '{"opened":')],
  ['of other JSON', () => withDescription(() => '[null]')],
  ['with a description that is longer than its room', () => withDescription((t) => t, [MAGIC, 1, 0, 1 << 30])],
  ['with blocks beyond its end', () => withDescription((text) => text.replaceAll(/"at":\d+/g, '"at":1048576'))],
  ['with blocks nowhere', () => withDescription((text) => text.replaceAll(/"at":\d+/g, '"at":-8'))],
  ['with endless blocks', () => withDescription((text) => text.replaceAll(/"length":\d+/g, '"length":1e15'))],
  ['with records without length', () => withDescription((text) => text.replaceAll(/"stride":\d+/g, '"stride":0'))],
  ['with names that are none', () => withDescription((text) => text.replaceAll(/"names":\[[^\]]*\]/g, '"names":7'))],
];

describe('a reader', () => {
  for (const [what, make] of DAMAGES) {
    test(`passes over a file ${what}, and sees the others`, async () => {
      const bytes = await make();
      const host = await wire.host('b');
      writeFileSync(freePath(), bytes);
      expect(addresses()).toEqual([host.address]);
    });
  }

  test('neither follows a link nor waits for a pipe', async () => {
    const host = await wire.host('b');
    symlinkSync(filesOf(process.pid)[0], freePath());
    execFileSync('mkfifo', [freePath()]);
    expect(addresses()).toEqual([host.address]);
  });

  test('is content when channels seem to come and go for ever, as of a process killed meanwhile', async () => {
    const bytes = await withDescription((text) => text, [MAGIC, 1, 3]);
    writeFileSync(freePath(), bytes);
    expect(addresses().length).toBe(1);
  });

  test('understands a host of another version: other counters, and some that it lacks', async () => {
    const bytes = await withDescription((text) =>
      text.replaceAll('"turns"', '"rounds"').replace(/"rejected":\{[^}]*\},/, ''),
    );
    writeFileSync(freePath(), bytes);
    const [{ counters }] = readHosts().hosts.filter(({ pid }) => pid === process.pid);
    expect(counters.loop).toHaveProperty('rounds', 0);
    expect(counters.rejected).toEqual({});
  });

  test('lets nothing through to a terminal that could move its cursor', async () => {
    const bytes = await withDescription((text) => text.replace('memory:a', 'memory:\\u001b[2J\\u009b\\n'));
    writeFileSync(freePath(), bytes);
    expect(addresses()[0]).toMatch(/^memory:\?\[2J\?\?/);
  });
});

describe('a host', () => {
  test('does not write into a file that somebody else has put there', async () => {
    const target = join(mkdtempSync(join(tmpdir(), 'emp-stat-')), 'target');
    writeFileSync(target, 'precious');
    symlinkSync(target, freePath());
    const host = await wire.host('a');
    expect(addresses()).toEqual([host.address]);
    expect(readFileSync(target, 'utf8')).toBe('precious');
    rmSync(join(target, '..'), { recursive: true });
  });
});

describeRoot('without room in /dev/shm', () => {
  const SCRIPT = `
    import { Host } from 'ethernet-message-passing';
    import { readdirSync } from 'node:fs';
    const b = await Host.open({ nic: { driver: 'memory', name: 'b' } });
    const a = await Host.open({ nic: { driver: 'memory', name: 'a' } });
    b.listen(1, { onChannel: (channel) => (channel.onMessage = () => undefined) });
    const channels = [];
    while (channels.length < 200) channels.push(await a.connect(b.address, 1));
    await Promise.all(channels.map((channel) => channel.write(Uint8Array.of(1))));
    const files = readdirSync('/dev/shm').length;
    const sent = [a.counters().total.messagesSent];
    await Promise.all(channels.map((channel) => channel.close()));
    sent.push(a.counters().total.messagesSent, channels.reduce((sum, one) => sum + one.counters().messagesSent, 0));
    await Promise.all([a.close(), b.close()]);
    console.log(JSON.stringify({ files, sent, left: readdirSync('/dev/shm').length }));`;

  /** What the script says in a mount namespace with another /dev/shm. */
  function run(mount: string): unknown {
    const command = `mount -t tmpfs -o ${mount} none /dev/shm && exec "$0" --input-type=module -e "$1"`;
    const args = ['--mount', 'sh', '-c', command, process.execPath, SCRIPT];
    const { stdout, stderr } = spawnSync('unshare', args, { cwd: import.meta.dirname, encoding: 'utf8' });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  }

  const sent = [200, 200, 200];
  for (const [what, mount, files] of [
    ['which cannot be written', 'ro', 0],
    ['which is full', 'size=4k', 0],
    ['which has room for two hosts, but not for all their channels', 'size=48k', 2],
    ['which has enough', 'size=4m', 2],
  ] as const) {
    test(what, () => {
      expect(run(mount)).toEqual({ files, sent, left: 0 });
    });
  }
});
