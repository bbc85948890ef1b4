// The command as a whole, with what is there wherever Node is, and with tools that only pretend to be what they are called.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { onPath } from '../../../bench/peers/find.js';
import type { PeerRow, PeersResult } from '../../../bench/peers/result.js';
import { Testbed } from '../../../src/testbed/testbed.js';
import { Emp, emp } from '../../support/emp.js';
import { empAsNobody } from '../../support/nobody.js';
import { describeRoot } from '../../support/root.js';

const PEERS = ['bench', 'peers', '--rounds', '300', '--warmup', '50', '--slices', '2', '--size', '16'];
const UDP = ['--driver', 'udp'];
const NODE = [...PEERS, '--peer', 'node-dgram,node-net', '--json'];

const figuresOf = ({ peer, transport, rtt_us, gbit_per_s, values, error }: PeerRow): string =>
  `${peer} ${transport}: ${error ?? `${Object.keys(rtt_us ?? { gbit_per_s })[0]} x ${values.length}`}`;

function checkPingpong(rows: readonly PeerRow[], who: readonly string[]): void {
  expect(rows.map(figuresOf).sort()).toEqual(who.map((one) => `${one}: min x 2`).sort());
  const medians = rows.map(({ rtt_us }) => rtt_us!.p50!);
  expect(medians).toEqual(medians.toSorted((a, b) => a - b));
  const best = rows.find(({ peer }) => peer === 'emp')!;
  for (const { rtt_us, ratio_best } of rows) expect(ratio_best).toBeCloseTo(rtt_us!.p50! / best.rtt_us!.p50!, 2);
}

const OF_NODE = ['Node dgram udp, busy loop', 'Node dgram udp', 'Node net tcp, busy loop', 'Node net tcp'];
const OVER_UDP = ['emp udp', 'emp udp, event'];

describe('emp bench peers', () => {
  it.each([
    [['--peer', 'netperf'], /Peers are sockperf, fi_pingpong/],
    [['--slices', '0'], /whole number from 1/],
    [['--csv', '--json'], /cannot be used with/],
    [['--test', 'flood'], /pingpong, throughput/],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await emp('bench', 'peers', ...args);
    expect([code, stdout + stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describeRoot('emp bench peers on a wire of its own', () => {
  it('measures emp over each driver and what Node has, and ranks them', async () => {
    const { code, stdout, stderr } = await emp(...NODE, '--test', 'pingpong');
    expect([code, stderr]).toEqual([0, '']);
    const result = JSON.parse(stdout) as PeersResult;
    expect(result).toMatchObject({ test: 'peers', slices: 2, rounds: 300, missing: [] });
    expect(result.wire).toMatch(/^a veth pair between emp\d+-a and emp\d+-b$/);
    checkPingpong(result.rows, ['emp xdp', 'emp packet', ...OVER_UDP, ...OF_NODE]);
  });

  it('measures bandwidth', async () => {
    const args = [...NODE, ...UDP, '--test', 'throughput', '--buffer', '100000'];
    const { rows } = JSON.parse((await emp(...args)).stdout) as PeersResult;
    const net = rows.find(({ peer }) => peer === 'Node net');
    expect(net).toMatchObject({ test: 'throughput', size: 100000, error: null, measure: 'gbit_per_s' });
    expect(net!.gbit_per_s).toBeGreaterThan(0.1);
    const ours = rows.find(({ peer }) => peer === 'emp');
    expect(ours).toMatchObject({ transport: 'udp', error: null, ratio_best: 1, ratio_udp: 1 });
    expect(net!.ratio_udp).toBeCloseTo(net!.gbit_per_s! / ours!.gbit_per_s!, 1);
  });

  it('prints a table, or CSV', async () => {
    const args = [...PEERS, ...UDP, '--test', 'pingpong', '--peer', 'node-dgram'];
    expect((await emp(...args)).stdout).toMatch(/^Node dgram [\d.]+ +udp +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ /m);
    const lines = (await emp(...args, '--csv')).stdout.trim().split('\n');
    expect(lines).toHaveLength(1 + 2 + 2);
    expect(lines.filter((line) => line.startsWith('pingpong,16,Node dgram,'))).toHaveLength(2);
  });

  it('without root all meet on loopback', () => {
    const { code, stdout, stderr } = empAsNobody(...NODE, '--test', 'pingpong');
    expect([code, stderr]).toEqual([0, '']);
    const result = JSON.parse(stdout) as PeersResult;
    expect(result.wire).toBe('loopback');
    checkPingpong(result.rows.slice(0, -2), [...OVER_UDP, ...OF_NODE]);
    expect(result.rows.slice(-2).map(figuresOf)).toEqual([
      expect.stringMatching(/^emp xdp: A testbed needs .* root/),
      expect.stringMatching(/^emp packet: A testbed needs .* root/),
    ]);
  });

  it('Ctrl-C leaves nothing behind', async () => {
    const bench = new Emp(['bench', 'peers', '--peer', 'node-dgram', '--test', 'pingpong', '--rounds', '100000000']);
    const { pid } = bench.child;
    while (!existsSync(`/run/netns/emp${pid}-b`) || descendantsOf(pid!).length < 2) await delay(20);
    const processes = descendantsOf(pid!);
    expect((await bench.interrupt()).code).toBe(130);
    expect(processes.filter((one) => existsSync(`/proc/${one}`))).toEqual([]);
    expect(existsSync(`/run/netns/emp${pid}-b`)).toBe(false);
    expect(foldersOf(pid!)).toEqual([]);
  });
});

describeRoot('tools that are called like peers', () => {
  let tools: string;
  beforeEach(() => {
    tools = mkdtempSync(join(tmpdir(), 'emp-test-'));
  });
  afterEach(() => rmSync(tools, { recursive: true }));

  const VERSION = '[ "$1" = --version ] && echo version unknown && exit';
  const tool = (name: string, ...lines: string[]): void =>
    writeFileSync(join(tools, name), ['#!/bin/sh', VERSION, ...lines, ''].join('\n'), { mode: 0o755 });

  const NODE_PATH = ''; // no packages but those of this project
  const onlyWith = async (...args: string[]): Promise<PeerRow[]> => {
    const PATH = `${tools}${delimiter}${process.env['PATH']}`;
    const bench = new Emp([...PEERS, ...UDP, '--slices', '1', '--json', ...args], { PATH, NODE_PATH });
    const { code, stdout, stderr } = await bench.ended();
    expect([code, stderr]).toEqual([0, '']);
    return (JSON.parse(stdout) as PeersResult).rows.filter(({ peer }) => peer !== 'emp');
  };

  it('fail in a row of their own, which says why', async () => {
    tool('sockperf', 'echo "sockperf: no such option" >&2', 'exit 1');
    const rows = await onlyWith('--peer', 'sockperf', '--size', '1,16', '--test', 'pingpong');
    expect(rows.map(({ size, transport, error }) => [size, transport, error])).toEqual([
      [1, 'udp', 'its messages have 14 to 65507 bytes'],
      [1, 'tcp', 'its messages have 14 to 1048575 bytes'],
      [16, 'udp', 'the server ended (exit code 1: sockperf: no such option)'],
      [16, 'tcp', 'the server ended (exit code 1: sockperf: no such option)'],
    ]);
  });

  it('fail when they print something else than was expected', async () => {
    const listen = `exec ${process.execPath} -e "require('net').createServer().listen($2)"`;
    tool('qperf', `if [ $# = 2 ]; then ${listen}; fi`, 'echo "bw = plenty"', 'echo "no colours" >&2');
    const rows = await onlyWith('--peer', 'qperf', '--test', 'throughput', '--buffer', '1000');
    const error = 'no bandwidth in bits/sec in what it printed: bw = plenty (exit code 0: no colours)';
    expect(rows).toMatchObject([{ peer: 'qperf', error }]);
  });

  it('are ended when they hang, with what they started', async () => {
    const started = join(tools, 'started');
    tool('qperf', 'setsid sleep 4242 &', `echo yes > ${started}`, 'sleep 4242');
    const rows = await onlyWith('--peer', 'qperf', '--test', 'throughput', '--buffer', '1000', '--limit', '1');
    expect(rows).toMatchObject([{ peer: 'qperf', version: 'unknown', error: 'no result within 1 s', values: [] }]);
    expect(readFileSync(started, 'utf8')).toBe('yes\n');
    expect(commandsOf().filter((command) => command === 'sleep 4242')).toEqual([]);
  });

  it('are offered when they are not there', async () => {
    for (const name of ['ip', 'taskset', 'setpriv', 'unshare']) symlinkSync(onPath(name)!, join(tools, name));
    const args = [...PEERS, ...UDP, '--slices', '1', '--test', 'throughput', '--buffer', '1000000'];
    const { stdout } = await new Emp(args, { PATH: tools, NODE_PATH }).ended();
    expect(stdout).toMatch(/^Not installed:\n(?: {2}\S+ +(?:apt|npm) install .*\n)+/m);
    expect(stdout).toMatch(/^ {2}OpenMPI +apt install openmpi-bin libopenmpi-dev gcc$/m);
    expect(stdout).toMatch(/^ {2}zeromq +npm install zeromq$/m);
  });

  it('end when emp is killed, with what they started; the next one removes the rest', async () => {
    tool('qperf', `setsid sleep 4243 &`, 'sleep 4244');
    const PATH = `${tools}${delimiter}${process.env['PATH']}`;
    const bench = new Emp(['bench', 'peers', ...UDP, '--peer', 'qperf', '--test', 'throughput'], { PATH });
    const { pid } = bench.child;
    const running = (): string[] => commandsOf().filter((command) => /^sleep 424[34]$/.test(command));
    while (running().length < 2) await delay(20);
    bench.child.kill('SIGKILL');
    await bench.ended();
    while (running().length > 0) await delay(20);
    expect(foldersOf(pid!)).toHaveLength(1);
    expect(Testbed.sweep()).toContain(`emp${pid}`);
    await emp(...PEERS, ...UDP, '--test', 'pingpong', '--peer', 'iperf3');
    expect(foldersOf(pid!)).toEqual([]);
  });
});

const foldersOf = (pid: number): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`emp-peers-${pid}-`));

function commandsOf(): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim());
}

function descendantsOf(pid: number): number[] {
  const tasks = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
  const children = tasks.flatMap((task) => read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean));
  return children.map(Number).flatMap((child) => [child, ...descendantsOf(child)]);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // gone
  }
}
