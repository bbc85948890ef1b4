import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { BUDGETS, MOST, PARTS, STEPS } from '../../bench/all/plan.js';
import type { AllResults } from '../../bench/all/run.js';
import { Emp, emp } from '../support/emp.js';
import { empAsNobody } from '../support/nobody.js';
import { describeRoot } from '../support/root.js';

let out: string;
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), 'emp-all-'));
});
afterEach(() => rmSync(out, { recursive: true }));

const all = (...args: string[]): string[] => ['bench', 'all', '--out', out, ...args];
const kept = (): AllResults => JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as AllResults;
const page = (): string => readFileSync(join(out, 'report.html'), 'utf8');

describe('the plan', () => {
  it('has budgets that add up to less than a quarter of an hour', () => {
    expect(Object.values(BUDGETS).reduce((sum, seconds) => sum + seconds, 0)).toBeLessThan(MOST);
    expect(MOST).toBe(900);
  });

  // What a point costs at least: it looks at the machine, starts two processes, and warms up before each slice.
  it.each(Object.entries(STEPS))('%s fits into its budget', (name, steps) => {
    const least = steps.flatMap(({ drivers, options }) => {
      const { seconds, slices, warmup, baseline, sizes, depths, channels, losses, rates } = options;
      const varied = [depths, channels, losses, rates].reduce((count, list) => count * Math.max(1, list.length), 1);
      const each = (seconds + (slices * warmup) / 1000) * (baseline ? 2 : 1) + 0.5;
      return drivers.length * sizes.length * varied * each;
    });
    expect(least.reduce((sum, one) => sum + one, 0)).toBeLessThan(BUDGETS[name as keyof typeof STEPS]);
  });
});

describe('emp bench all', () => {
  it('measures what is asked for, keeps it, and draws a page', async () => {
    const { code, stdout, stderr } = await emp(
      ...all('--driver', 'memory', '--rounds', '2000', '--only', 'pingpong,requests'),
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/^pingpong +\d+ s of 120 s, 8 results\nrequests +\d+ s of 45 s, 1 results\n$/);
    expect(stdout).toMatch(/^lost, doubled|met +lost, doubled, reordered, corrupted +all +0 /m);
    expect(stdout).toMatch(/\nElapsed: \d+ s\nResults: .*results\.json\nPage: .*report\.html\n$/);
    const { parts, results, failed, machine } = kept();
    expect(parts).toMatchObject([
      { test: 'pingpong', results: 8, ended: 'done' },
      { test: 'requests', results: 1, ended: 'done' },
    ]);
    expect(failed).toEqual([]);
    expect(machine.cores.length).toBeGreaterThan(0);
    expect(results[0]).toMatchObject({ test: 'pingpong', driver: 'memory', rounds: 2000 });
    expect((results[0] as { percentiles: unknown[] }).percentiles.length).toBeGreaterThan(10);
    expect(page()).toContain('<h2>Targets</h2>');
  });

  it('Ctrl-C keeps what was measured so far', async () => {
    const run = new Emp(all('--driver', 'memory', '--rounds', '2000', '--skip', 'peers,idle'));
    const measured = (): number => (existsSync(join(out, 'results.json')) ? countOf() : 0);
    while (measured() < 2) await delay(20);
    const { code, stdout, stderr } = await run.interrupt();
    expect(code).toBe(130);
    expect(stderr).toMatch(/emp: interrupted\n$/);
    expect(stdout).toMatch(/\nElapsed: /);
    expect(kept().results.length).toBeGreaterThanOrEqual(2);
    expect(kept().parts.at(-1)).toMatchObject({ ended: 'interrupted' });
    expect(page()).toContain('<h2>Latency</h2>');
  });

  it.each([
    [['--only', 'juggling'], /Expected tests of pingpong, rate, .*peers/],
    [['--only', 'rate', '--skip', 'load'], /cannot be used with/],
    [['--html', 'no/such/report.html'], /Name another place with --html/],
    [['--out', 'package.json/out'], /Name another place with --out/],
    [['--out', '/proc/none/out'], /Nothing can be written.*\n.*Name another place with --out/],
    [['--driver', 'ib'], /Expected drivers of xdp/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await emp(...all(...args));
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describeRoot('emp bench all without root', () => {
  it('tells the drivers that do not work, and measures the others', () => {
    chmodSync(out, 0o777);
    const lean = ['--rounds', '500', '--warmup', '10', '--only', 'pingpong'];
    const { code, stdout } = empAsNobody(...all('--driver', 'xdp,memory', ...lean));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^xdp: not measured\. /m);
    expect(kept().failed).toMatchObject([{ test: 'pingpong', driver: 'xdp' }]);
    expect(kept().results[0]).toMatchObject({ driver: 'memory' });
    expect(page()).toContain('xdp: ');
  });
});

/** A file is there before its first result. */
function countOf(): number {
  const text = readFileSync(join(out, 'results.json'), 'utf8');
  return text === '' ? 0 : (JSON.parse(text) as AllResults).results.length;
}

it('the parts are those of the plan', () => {
  expect(PARTS).toEqual(['pingpong', ...Object.keys(STEPS), 'peers']);
});
