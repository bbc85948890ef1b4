import { describe, expect, it } from 'vitest';

import type { BenchResult } from '../../bench/tests/result.js';
import { emp } from '../support/emp.js';
import { describeRoot } from '../support/root.js';

const CLEAN = { lost: 0, doubled: 0, reordered: 0, corrupted: 0 };
const SHORT = ['--seconds', '0.1', '--warmup', '10', '--slices', '2'];

async function measure(...args: string[]): Promise<BenchResult[]> {
  const { code, stdout, stderr } = await emp('bench', 'rate', '--json', ...SHORT, ...args);
  expect([code, stderr]).toEqual([0, '']);
  const [machine, ...results] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as BenchResult);
  expect(machine).toMatchObject({ test: 'machine', node: process.version });
  return results;
}

describe('emp bench rate', () => {
  it.each([['spin'], ['event'], ['adaptive']])('over memory, waiting by %s', async (wait) => {
    const results = await measure('--driver', 'memory', '--size', '0..16+8,1400', '--wait', wait);
    expect(results.map(({ size }) => size)).toEqual([0, 8, 16, 1400]);
    for (const result of results) {
      expect(result).toMatchObject({ ...CLEAN, test: 'rate', driver: 'memory', wait, baseline: null, ratio: null });
      expect(result.messages_per_s).toBeGreaterThan(1000);
      expect(result.gbit_per_s).toBeCloseTo((8 * result.size * result.messages_per_s!) / 1e9, 2);
    }
  });

  it('counts rounds instead of seconds, and checks every byte', async () => {
    const { code, stdout } = await emp('bench', 'rate', '-d', 'memory', '--rounds', '5000', '--verify', '--json');
    const result = JSON.parse(stdout.trim().split('\n')[1]) as BenchResult;
    expect(code).toBe(0);
    expect(result).toMatchObject({ ...CLEAN, verify: true, slices: 5 });
  });

  it.each([
    [['--driver', 'tcp'], /Expected drivers/],
    [['--seconds', '0'], /Expected a number/],
    [['--rounds', '5', '--seconds', '1'], /cannot be used with/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await emp('bench', 'rate', ...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describeRoot('emp bench rate on a wire of its own', () => {
  it.each(['xdp', 'packet', 'udp'])('over %s, beside bare C', async (driver) => {
    const [result] = await measure('--driver', driver);
    expect(result).toMatchObject({ ...CLEAN, driver, slices: 2, baseline: { program: 'flood', size: 64 } });
    expect(result.baseline!.frames_per_s).toBeGreaterThan(1000);
    const { ratio, ratio_low, ratio_high, cpu } = result;
    expect([ratio_low, ratio, ratio_high]).toEqual([ratio_low!, ratio!, ratio_high!].sort((a, b) => a - b));
    expect(cpu.client).toBeGreaterThan(0.3);
    expect(cpu.server).toBeGreaterThan(0.3);
  });

  it('prints a table', async () => {
    const { code, stdout } = await emp('bench', 'rate', '-d', 'packet,udp', ...SHORT);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^driver +size +messages\/s +Gbit\/s +bare C +ratio/m);
    expect(stdout).toMatch(/^packet +16 .*\(flood ring, 64 B\) +\d+\.\d\d \(/m);
    expect(stdout).toMatch(/^udp +16 .*\(flood batch, 64 B\)/m);
  });
});
