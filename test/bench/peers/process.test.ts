import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { onPath, versionOf } from '../../../bench/peers/find.js';
import { withFolder } from '../../../bench/peers/folder.js';
import { PEERS } from '../../../bench/peers/list.js';
import { hasSocket, isListening } from '../../../bench/peers/listening.js';
import { agentScript } from '../../../bench/peers/openmpi.js';
import { placed } from '../../../bench/peers/process.js';

describe('a server is ready when its socket is there', () => {
  const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 020012C6:5209 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0000000000000000 100 0 0 10 0
   1: 020012C6:520A 010012C6:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0000000000000000 20 4 30 10 -1`;

  it('in the table of its namespace', () => {
    expect(hasSocket(TABLE, 'tcp', 0x5209)).toBe(true);
    expect(hasSocket(TABLE, 'tcp', 0x520a)).toBe(false); // connected
    expect(hasSocket(TABLE, 'udp', 0x5209)).toBe(false); // another state
    expect(hasSocket('', 'tcp', 1)).toBe(false);
  });

  it('over IPv4, IPv6, TCP and UDP', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      const tcp = createServer().listen(0, host);
      await once(tcp, 'listening');
      const { port } = tcp.address() as AddressInfo;
      expect(isListening(process.pid, 'tcp', port)).toBe(true);
      tcp.close();
      await once(tcp, 'close');
      expect(isListening(process.pid, 'tcp', port)).toBe(false);
    }
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await once(udp, 'listening');
    expect(isListening(process.pid, 'udp', udp.address().port)).toBe(true);
    udp.close();
  });
});

describe('an end is put', () => {
  const place = { address: '198.18.0.1', namespace: 'emp-a', interface: 'emp0', core: 1 };

  it('into its namespace, where its process is the first, and on its core', () => {
    expect(placed({ words: ['tool', '-x'], place, pin: true })).toEqual([
      ...['ip', 'netns', 'exec', 'emp-a', 'unshare', '--pid', '--fork', '--kill-child', '--'],
      ...['taskset', '-c', '1', 'tool', '-x'],
    ]);
  });

  it('where it is, without a namespace and a core', () => {
    const here = { ...place, namespace: undefined, core: undefined };
    expect(placed({ words: ['tool'], place: here, pin: true })).toEqual(['tool']);
    expect(placed({ words: ['tool'], place: { ...here, core: 1 }, pin: false })).toEqual(['tool']);
  });

  it("by MPI's remote shell into the other namespace", () => {
    expect(agentScript('emp-b')).toMatch(/^#!\/bin\/sh\nshift\nexec ip netns exec emp-b .*\$\*"\n$/);
    execFileSync('sh', ['-n'], { input: agentScript('emp-b') });
  });
});

describe('a program', () => {
  const path = process.env['PATH'];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'emp-test-'));
    process.env['PATH'] = folder;
  });
  afterEach(() => {
    process.env['PATH'] = path;
    rmSync(folder, { recursive: true });
  });

  it('is looked for in PATH, and can be run', () => {
    writeFileSync(join(folder, 'iperf3'), '');
    expect(onPath('iperf3')).toBeUndefined();
    chmodSync(join(folder, 'iperf3'), 0o755);
    expect(onPath('iperf3')).toBe(join(folder, 'iperf3'));
  });

  it('says its version, or not', async () => {
    expect(await versionOf([process.execPath, '--version'], /v([\d.]+)/)).toBe(process.versions.node);
    expect(await versionOf([process.execPath, '--version'], /version ([\d.]+)/)).toBe('unknown');
    expect(await versionOf(['no-such-tool'], /(.)/)).toBe('unknown');
  });

  it('is missing, with what would install it; Node is always there', async () => {
    const tools = PEERS.filter(({ install }) => install?.by === 'apt');
    expect(tools.map(({ name }) => name)).toEqual([
      ...['sockperf', 'fi_pingpong', 'ucx_perftest', 'iperf3', 'OpenMPI', 'qperf'],
    ]);
    for (const tool of tools) expect(await tool.find()).toBeUndefined();
    const always = PEERS.filter(({ install }) => install === undefined);
    expect(always.map(({ name }) => name)).toEqual(['Node dgram', 'Node net']);
    for (const node of always) expect(await node.find()).toMatchObject({ version: process.versions.node });
  });
});

describe('a folder for temporary files', () => {
  it('is removed, also after a failure, and what a killed process left by the next', async () => {
    const gone = spawn('true');
    await once(gone, 'exit');
    const left = mkdtempSync(join(tmpdir(), `emp-peers-${gone.pid}-`));
    const folders: string[] = [];
    const work = withFolder(async (folder) => {
      folders.push(folder);
      expect([left, folder].map((one) => existsSync(one))).toEqual([false, true]);
      throw new Error('failed');
    });
    await expect(work).rejects.toThrow('failed');
    expect(folders.map((one) => existsSync(one))).toEqual([false]);
  });
});
