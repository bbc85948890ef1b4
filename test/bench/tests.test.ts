import { describe, expect, it } from 'vitest';

import type { BenchResult, Figures } from '../../bench/tests/result.js';
import { emp } from '../support/emp.js';
import { describeRoot } from '../support/root.js';

const CLEAN = { lost: 0, doubled: 0, reordered: 0, corrupted: 0 };
const SHORT = ['--seconds', '0.06', '--warmup', '10', '--slices', '2'];
const FLOOR: Record<string, string[]> = { xdp: [], packet: ['--floor-mode', 'ring'], udp: ['--floor-mode', 'gso'] };

async function measure(test: string, ...args: string[]): Promise<BenchResult[]> {
  const { code, stdout, stderr } = await emp('bench', test, '--json', ...SHORT, ...args);
  expect([code, stderr]).toEqual([0, '']);
  const lines = stdout.trim().split('\n');
  return lines.slice(1).map((line) => JSON.parse(line) as BenchResult);
}

function checkTimes({ rtt_us }: Figures): void {
  const { min, p50, p99, max } = rtt_us!;
  expect(min).toBeGreaterThan(0);
  expect([min, p50, p99, max]).toEqual([min, p50, p99, max].sort((a, b) => a - b));
}

describe('over memory', () => {
  it('throughput sends long buffers', async () => {
    const results = await measure('throughput', '-d', 'memory', '--size', '1000,1M,5M');
    expect(results.map(({ size }) => size)).toEqual([1000, 1048576, 5242880]);
    for (const result of results) {
      expect(result).toMatchObject({ ...CLEAN, test: 'throughput' });
      expect(result.gbit_per_s).toBeGreaterThan(0.01);
    }
  });

  it.each([['--verify'], ['--rounds']])('requests are answered, many at once (%s)', async (flag) => {
    const more = flag === '--rounds' ? ['--rounds', '3000'] : [flag];
    const args = more[0] === '--rounds' ? SHORT.slice(2) : SHORT;
    const { stdout } = await emp(
      'bench',
      'requests',
      '--json',
      '-d',
      'memory',
      '--size',
      '4,16,3000',
      ...args,
      ...more,
    );
    const results = stdout.trim().split('\n').slice(1);
    expect(results).toHaveLength(3);
    for (const line of results) {
      const result = JSON.parse(line) as BenchResult;
      expect(result).toMatchObject({ ...CLEAN, test: 'requests', outstanding: 64, timed: 16 });
      expect(result.requests_per_s).toBeGreaterThan(1000);
      checkTimes(result);
    }
  });

  it('depth: round trips grow with the requests under way', async () => {
    const results = await measure('depth', '-d', 'memory', '--depth', '1,256');
    expect(results.map(({ depth, timed }) => [depth, timed])).toEqual([
      [1, 1],
      [256, 16],
    ]);
    expect(results[1].rtt_us!.p50).toBeGreaterThan(results[0].rtt_us!.p50);
  });

  it('connections: a channel by chance', async () => {
    const results = await measure('connections', '-d', 'memory', '--channels', '1,50', '--outstanding', '8');
    expect(results.map(({ channels, outstanding }) => [channels, outstanding])).toEqual([
      [1, 1],
      [1, 8],
      [50, 1],
      [50, 8],
    ]);
    for (const result of results) {
      expect(result).toMatchObject(CLEAN);
      checkTimes(result);
    }
  });

  it('load: what was offered is answered, if it can be', async () => {
    const results = await measure('load', '-d', 'memory', '--rate', '20000,25%');
    expect(results[0]).toMatchObject({ ...CLEAN, offered_per_s: 20_000 });
    expect(results[1].offered_per_s).toBeGreaterThan(1000);
    for (const result of results) checkTimes(result);
  });

  it('load: more than can be answered waits, and that is counted', async () => {
    const [result] = await measure('load', '-d', 'memory', '--rate', '50000000');
    expect(result.unsent).toBeGreaterThan(0);
    expect(result.requests_per_s).toBeLessThan(result.offered_per_s! / 2);
    // Half of them were due more than an eighth of a slice before they could be answered.
    expect(result.rtt_us!.p50).toBeGreaterThan(30_000 / 8);
  });

  it('loss: nothing is lost for good', async () => {
    const results = await measure('loss', '-d', 'memory', '--loss', '0,5', '--seed', '5');
    expect(results.map(({ loss, gbit_per_s, rtt_us }) => [loss, gbit_per_s! > 0, rtt_us !== undefined])).toEqual([
      [0, true, false],
      [0, false, true],
      [0.05, true, false],
      [0.05, false, true],
    ]);
    for (const result of results) expect(result).toMatchObject(CLEAN);
    expect(results[0].goodput).toBe(1);
    expect(results[2].goodput).toBeGreaterThan(0);
  });

  it.each([
    [['load', '--rate', '0'], /requests\/s, or percents/],
    [['loss', '--loss', '95'], /percents from 0 to 90/],
    [['depth', '--depth', '0'], /whole numbers from 1/],
    [['requests', '--size', '3'], /whole numbers from 4/],
    [['rate', '--outstanding', '4'], /unknown option/],
    [['loss', '--no-baseline'], /unknown option/],
    [['loss', '--floor-mode', 'ring'], /unknown option/],
    [['idle', '--wait', 'event'], /unknown option/],
    [['idle', '--driver', 'memory'], /share one event loop.*\n +Measure idle over xdp, packet or udp/],
    [['depth', '--raw', 'out', '--html', './out'], /--raw and --html both name '.\/out'/],
    [['rate', '--floor-mode', 'recv'], /Allowed choices are ring, send, batch, single, gso/],
    [['rate', '--floor-mode', 'gso'], /--floor-mode gso is for --driver udp alone/],
    [['rate', '--floor-mode', 'ring', '--driver', 'xdp'], /--floor-mode ring is for --driver packet alone/],
    [['rate', '--floor-mode', 'gso', '--driver', 'packet,udp'], /--floor-mode gso is for --driver udp alone/],
    [['rate', '--floor-mode', 'gso', '--driver', 'udp', '--no-baseline'], /cannot be used with/],
    [['rate', '--cores', '0,1', '--no-pin'], /cannot be used with/],
    [['rate', '--cores', '0,9999', '--driver', 'memory'], /there is no core 9999.*\n +Take two of 0/],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await emp('bench', ...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describeRoot('on a wire of its own', () => {
  it.each(['xdp', 'packet', 'udp'])('throughput over %s, beside bare C', async (driver) => {
    const [result] = await measure('throughput', '-d', driver, '--size', '1M', ...FLOOR[driver]);
    expect(result).toMatchObject({
      ...CLEAN,
      driver,
      baseline: { program: 'flood', size: driver === 'udp' ? 1472 : 1514 },
    });
    expect(result.baseline!.gbit_per_s).toBeGreaterThan(0.1);
    expect(result.ratio).toBeGreaterThan(0);
  });

  it('idle: a host that sleeps costs nothing', async () => {
    const results = await measure('idle', '-d', 'udp', '--seconds', '0.2', '--slices', '1');
    expect(results.map(({ wait, activity }) => `${wait} ${activity}`)).toEqual([
      ...['spin none', 'spin sparse', 'spin closed'],
      ...['adaptive none', 'adaptive sparse', 'adaptive closed', 'adaptive busy'],
      ...['event none', 'event sparse', 'event closed', 'event busy'],
    ]);
    const cpu = (wait: string): number =>
      results.find((one) => one.wait === wait && one.activity === 'none')!.cpu.server!;
    expect(cpu('event')).toBeLessThan(cpu('spin') / 2);
    for (const result of results.filter(({ activity }) => activity !== 'none')) checkTimes(result);
  });

  it('connections over packet, beside bare C that answers, and that only sends', async () => {
    const results = await measure('connections', '-d', 'packet', '--channels', '3');
    expect(results.map(({ baseline }) => baseline!.program)).toEqual(['pingpong', 'flood']);
    for (const { ratio, ratio_low, ratio_high } of results) {
      expect(ratio_low).toBeGreaterThan(0);
      expect([ratio_low, ratio, ratio_high]).toEqual([ratio_low!, ratio!, ratio_high!].sort((a, b) => a - b));
    }
    checkTimes(results[0].baseline!);
  });
});
