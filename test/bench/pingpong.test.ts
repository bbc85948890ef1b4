import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

import { skippedLines } from '../../bench/pingpong/report.js';
import type { PingpongResult } from '../../bench/pingpong/result.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { dist, Emp, emp } from '../support/emp.js';
import { empAsNobody } from '../support/nobody.js';
import { describeRoot } from '../support/root.js';

const EMP = new URL('src/cli/emp.js', dist).pathname;
const FEW = ['--rounds', '400', '--warmup', '50'];
const CLEAN = { lost: 0, doubled: 0, reordered: 0, corrupted: 0 };
const TIMES = ['min', 'p50', 'p90', 'p99', 'p999', 'p9999', 'max', 'mean'];

async function measure(...args: string[]): Promise<PingpongResult[]> {
  const { code, stdout, stderr } = await emp('bench', 'pingpong', '--json', ...FEW, ...args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PingpongResult);
}

function checkTimes(times: object): void {
  expect(Object.keys(times)).toEqual(TIMES);
  const { min, p50, p99, max, mean } = times as PingpongResult['rtt_us'];
  expect(min).toBeGreaterThan(0);
  expect([min, p50, p99, max]).toEqual([min, p50, p99, max].sort((a, b) => a - b));
  expect(mean).toBeGreaterThan(min);
}

describe('emp bench pingpong', () => {
  it('over memory: both ends in one process, and no baseline', async () => {
    const [result] = await measure('--driver', 'memory', '--baseline');
    expect(result).toMatchObject({ ...CLEAN, test: 'pingpong', driver: 'memory', rounds: 400, baseline: null });
    expect(result).toMatchObject({ noisy: result.noise.length > 0 });
    expect(result.baseline_note).toMatch(/no bare C program/);
    checkTimes(result.rtt_us);
  });

  it('over several drivers, one after the other', async () => {
    const results = await measure('--driver', 'memory,udp,memory', '--size', '0,16');
    const each = (driver: string) => [0, 16].map((size) => ({ ...CLEAN, driver, size }));
    expect(results).toMatchObject(['memory', 'udp', 'memory'].flatMap(each));
  });

  it.each(['event', 'adaptive'])('waits by %s', async (wait) => {
    const [result] = await measure('--driver', 'memory', '--wait', wait);
    expect(result).toMatchObject({ ...CLEAN, wait });
  });

  it('takes sizes from nothing to more than a frame', async () => {
    const results = await measure('--driver', 'memory', '--size', '0,1,3,4,1000,100000');
    expect(results.map(({ size }) => size)).toEqual([0, 1, 3, 4, 1000, 100000]);
    for (const result of results) expect(result).toMatchObject(CLEAN);
  });

  it('counts garbage collections', async () => {
    const [{ gc }] = await measure('--driver', 'memory', '--check-allocations');
    expect(gc).toMatchObject({ scavenges: expect.any(Number), others: expect.any(Number) });
  });

  for (const driver of ['memory', 'udp', 'packet', 'xdp'] as const) {
    (driver === 'memory' || driver === 'udp' ? describe : describeRoot)(`over ${driver}`, () => {
      it('no frame costs an allocation', async () => {
        // Code that is not compiled yet allocates.
        const many = ['--warmup', '50000', '--rounds', '300000'];
        const [{ gc }] = await measure('--driver', driver, '--check-allocations', ...many);
        // A number on the heap for each frame would be 12 bytes, four times a round. What there is, is the compiler's, once.
        expect(gc!.scavenges).toBeLessThanOrEqual(1);
        if (gc!.bytes_per_round !== null) expect(gc!.bytes_per_round).toBeLessThan(24);
      });
    });
  }

  it('prints a header, percentiles and a histogram', async () => {
    const { code, stdout } = await emp('bench', 'pingpong', '--driver', 'memory', ...FEW);
    expect(code).toBe(0);
    for (const part of [/16 bytes over memory/, /C-states/, /p99\.99/, /lost 0, doubled 0/, /█/]) {
      expect(stdout).toMatch(part);
    }
  });

  it('says once why several drivers were passed over', () => {
    const skipped = (['xdp', 'packet'] as const).map((driver) => ({
      driver,
      code: 'ERR_EMP_PERMISSION',
      reason: 'No.',
    }));
    expect(skippedLines(skipped)).toBe('Not over xdp and packet: No.');
    expect(skippedLines([skipped[0], { ...skipped[1], reason: 'Why?' }])).toBe(
      'Not over xdp: No.\nNot over packet: Why?',
    );
  });

  it.each([
    [['--rounds', '0'], /Expected a whole number/],
    [['--size', '16,x'], /Expected whole numbers/],
    [['--interface', 'lo'], /--peer/],
    [['--peer', '127.0.0.1:1'], /--driver/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await emp('bench', 'pingpong', ...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('asks emp echo elsewhere', async () => {
    const server = new Emp(['echo', '--json', '--driver', 'udp', '--local', '127.0.0.1:0']);
    await server.said(/\n/);
    const { listening } = JSON.parse(server.stdout) as { listening: { address: string } };
    const [result] = await measure('--driver', 'udp', '--peer', listening.address, '--baseline');
    await server.interrupt();
    expect(result).toMatchObject({ ...CLEAN, driver: 'udp', baseline: null });
    expect(result.baseline_note).toMatch(/elsewhere/);
  });

  it('says that nobody answers', async () => {
    const args = ['--driver', 'udp', '--peer', '127.0.0.1:9', '--json', ...FEW];
    const { code, stdout } = await emp('bench', 'pingpong', ...args);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: expect.stringMatching(/^ERR_EMP_/) } });
  });
});

describeRoot('emp bench pingpong on a wire of its own', () => {
  it.each(['xdp', 'packet', 'udp'])('over %s, beside bare C', async (driver) => {
    const results = await measure('--driver', driver, '--baseline', '--slices', '2', '--size', '16,1200');
    for (const result of results) {
      expect(result).toMatchObject({ ...CLEAN, driver, slices: 2, rounds: 400, baseline: { path: driver, lost: 0 } });
      checkTimes(result.rtt_us);
      checkTimes(result.baseline!.rtt_us);
      const { ratio_p50, ratio_low, ratio_high } = result;
      // Of two slices: the one in the middle of both.
      expect(ratio_p50).toBeCloseTo((ratio_low! + ratio_high!) / 2, 2);
      expect(ratio_low).toBeLessThanOrEqual(ratio_high!);
      expect(result.ratio_p99).toBeCloseTo(result.rtt_us.p99 / result.baseline!.rtt_us.p99, 2);
    }
  });

  it('refuses an MTU for interfaces that it cannot make', () => {
    const { code, stderr } = empAsNobody('bench', 'pingpong', '--mtu', '2000', ...FEW);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--mtu is of interfaces that are made, and none can be/)]);
  });

  it('takes the best driver that works', async () => {
    const [{ driver, mode, skipped }] = await measure();
    expect({ driver, mode, skipped }).toEqual({ driver: 'xdp', mode: 'native-copy', skipped: [] });
  });

  it.each(['udp', 'packet', 'xdp'] as const)('asks emp echo in another namespace (%s)', async (driver) => {
    await using testbed = await Testbed.up();
    const { a, b } = testbed.links[0];
    // What emp echo prints is what --peer takes; over udp, without an own address and port.
    const [there, here] =
      driver === 'udp'
        ? [['--local', b.ipv4], []]
        : [
            ['-i', b.interface],
            ['-i', a.interface],
          ];
    const server = new Emp(['echo', '--json', '-d', driver, '-n', b.namespace, '--port', '12', ...there]);
    await server.said(/\n/);
    const { listening } = JSON.parse(server.stdout) as { listening: { address: string } };
    expect(listening.address).toBe(driver === 'udp' ? '198.18.0.2:34997' : b.mac);
    for (const peer of driver === 'udp' ? [listening.address, b.ipv4] : [listening.address]) {
      const asking = ['--driver', driver, '-n', a.namespace, ...here, '--peer', peer];
      const [result] = await measure(...asking, '--port', '12');
      expect(result).toMatchObject({ ...CLEAN, driver });
      const { code, stderr } = await emp('bench', 'pingpong', ...asking, ...FEW); // port 7
      expect([code, stderr]).toEqual([1, expect.stringMatching(/port 7 was refused/)]);
    }
    await server.interrupt();
  });

  it('compares no message of several frames', async () => {
    const [result] = await measure('--driver', 'packet', '--baseline', '--size', '5000');
    expect(result).toMatchObject({ ...CLEAN, baseline: null });
    expect(result.baseline_note).toMatch(/more than one frame/);
  });

  it('compares no frames longer than a page over xdp', async () => {
    const [result] = await measure('--driver', 'xdp', '--baseline', '--mtu', '9000', '--size', '8000');
    expect(result).toMatchObject({ ...CLEAN, baseline: null });
    expect(result.baseline_note).toMatch(/MTU above 3498/);
  });

  it('without root measures udp on loopback, and says why', () => {
    const { code, stdout, stderr } = empAsNobody('bench', 'pingpong', '--json', '--baseline', ...FEW);
    expect([code, stderr]).toEqual([0, '']);
    const result = JSON.parse(stdout) as PingpongResult;
    expect(result).toMatchObject({ ...CLEAN, driver: 'udp', wire: 'loopback', baseline: { path: 'udp' } });
    expect(result.skipped.map(({ driver, code }) => [driver, code])).toEqual([
      ['xdp', 'ERR_EMP_PERMISSION'],
      ['packet', 'ERR_EMP_PERMISSION'],
    ]);
  });

  it.each([
    ['Ctrl-C', 'ours', ['SIGINT'], []],
    ['Ctrl-C, which npm passes on as well', 'ours', ['SIGINT', 'SIGINT'], []],
    ['Ctrl-C', 'bare C', ['SIGINT'], ['--baseline', '--slices', '1000', '--rounds', '100000']],
    ['the end of the terminal', 'ours', ['SIGHUP'], []],
  ] as const)('%s leaves nothing behind (%s)', async (_what, _who, signals, args) => {
    const started = ['bench', 'pingpong', '--driver', 'packet', '--rounds', '50000000', ...args];
    const bench = spawn(process.execPath, [EMP, ...started], { stdio: 'ignore' });
    const exit = new Promise<number | null>((resolve) => bench.on('exit', resolve));
    const namespaces = [`emp${bench.pid}-a`, `emp${bench.pid}-b`];
    await until(() => namespaces.every(exists) && childrenOf(bench.pid!).length >= 2);
    await delay(500);
    const children = childrenOf(bench.pid!);
    for (const signal of signals) {
      bench.kill(signal);
      await delay(10);
    }
    expect(await exit).toBe(130);
    expect(children.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(namespaces.filter(exists)).toEqual([]);
    const counted = readdirSync('/dev/shm').map((name) => Number(/^emp-(\d+)-/.exec(name)?.[1]));
    expect(counted.filter((pid) => children.includes(pid))).toEqual([]);
  });
});

const exists = (namespace: string): boolean => existsSync(`/run/netns/${namespace}`);

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(20);
}
