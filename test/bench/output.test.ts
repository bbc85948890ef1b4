import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CSV_COLUMNS } from '../../bench/csv.js';
import { timesOf } from '../../bench/distribution.js';
import type { PingpongResult } from '../../bench/pingpong/result.js';
import { runOf } from '../../bench/report/run.js';
import { percentile } from '../../bench/samples.js';
import { emp } from '../support/emp.js';
import { empAsNobody } from '../support/nobody.js';
import { describeRoot } from '../support/root.js';

const FEW = ['--rounds', '400', '--warmup', '50'];
const SHORT = ['--seconds', '0.05', '--warmup', '10', '--slices', '2'];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'emp-output-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Row {
  point: number;
  driver: string;
  size: number;
  series: string;
  us: number;
}

function readRaw(file: string): Row[] {
  const [header, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(header).toBe('point,driver,size,series,us');
  return lines.map((line) => {
    const [point, driver, size, series, us] = line.split(',');
    return { point: Number(point), driver, size: Number(size), series, us: Number(us) };
  });
}

function median(rows: readonly Row[], point: number, series: string): number {
  const us = rows.filter((row) => row.point === point && row.series === series).map((row) => row.us);
  return percentile(Float64Array.from(us).sort(), 0.5);
}

/** The lines of CSV as objects. */
function readCsv(text: string): Record<string, string>[] {
  const [header, ...lines] = text.trimEnd().split('\n');
  expect(header).toBe(CSV_COLUMNS.join());
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [CSV_COLUMNS[i], cell])));
}

describe('round trips', () => {
  it('have percentiles as far as there are samples for them', () => {
    const times = (count: number) => timesOf(Float64Array.from({ length: count }, (_, i) => count - i));
    expect(times(99_999).rtt_us.p99999).toBeUndefined();
    expect(times(100_000).rtt_us).toMatchObject({ p9999: 99_990, p99999: 99_999 });
    expect(times(100_000).rtt_us.p999999).toBeUndefined();
    const { rtt_us, percentiles } = times(1_000_000);
    expect(rtt_us).toMatchObject({ p99999: 999_990, p999999: 999_999, max: 1_000_000 });
    expect(Object.fromEntries(percentiles)).toMatchObject({ 0.99999: 999_990, 0.999999: 999_999 });
  });

  it.each([
    ['pingpong', FEW],
    ['requests', SHORT],
    ['load', [...SHORT, '--rate', '10000']],
  ])('of %s come with their distribution, as the report reads it', async (test, args) => {
    const { stdout } = await emp('bench', test, '--driver', 'memory', '--json', ...args);
    const run = runOf(JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>);
    expect(run.percentiles!.at(-1)).toEqual([1, run.rtt_us!.max]);
    expect(run.histogram![0][0]).toBeCloseTo(run.rtt_us!.min!, 2);
  });

  it('are printed up to p99.9999', async () => {
    const args = ['bench', 'depth', '-d', 'memory', '--depth', '1', '--rounds', '1000000', '--slices', '1'];
    const { stdout } = await emp(...args);
    expect(stdout).toMatch(/p99 us +p99\.9 us +p99\.99 us +p99\.999 us +p99\.9999 us/);
    const pingpong = await emp('bench', 'pingpong', '-d', 'memory', '--rounds', '100000');
    expect(pingpong.stdout).toMatch(/p99\.99 +p99\.999 +max/);
  });
});

describe('--raw', () => {
  it('writes every sample of each point, in the order of the rounds', async () => {
    const file = join(folder, 'pingpong.csv');
    const { stdout } = await emp('bench', 'pingpong', '-d', 'memory', '-s', '16,64', '--json', '--raw', file, ...FEW);
    const results = stdout.trim().split('\n').map((line) => JSON.parse(line) as PingpongResult); // prettier-ignore
    const rows = readRaw(file);
    expect(rows).toHaveLength(800);
    for (const [i, { size, rtt_us }] of results.entries()) {
      const own = rows.filter(({ point }) => point === i + 1);
      expect(own).toHaveLength(400);
      expect(new Set(own.map((row) => `${row.driver} ${row.size} ${row.series}`))).toEqual(
        new Set([`memory ${size} emp`]),
      );
      expect(median(rows, i + 1, 'emp')).toBe(rtt_us.p50);
      expect(own.map(({ us }) => us)).not.toEqual(own.map(({ us }) => us).sort((a, b) => a - b));
    }
  });

  it.each([
    [['pingpong', '--raw', '/proc/nowhere/raw.csv'], /'\/proc\/nowhere\/raw.csv' cannot be written: ENOENT/],
    [['rate', '--raw', 'x'], /unknown option '--raw'/],
  ])('%j is refused before anything is measured', async (args, message) => {
    const { code, stdout, stderr } = await emp('bench', args[0], '-d', 'memory', ...args.slice(1));
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
  });
});

describe('--csv', () => {
  it('prints the same columns for all tests, and a line for each point', async () => {
    const { stdout } = await emp('bench', 'pingpong', '-d', 'memory', '--csv', '-s', '16,64', ...FEW);
    const rows = readCsv(stdout);
    expect(rows.map(({ test, driver, size }) => [test, driver, size])).toEqual([
      ['pingpong', 'memory', '16'],
      ['pingpong', 'memory', '64'],
    ]);
    expect(Number(rows[0]['rtt_us.p50'])).toBeGreaterThan(0);
    expect([rows[0].messages_per_s, rows[0]['baseline.rtt_us.p50']]).toEqual(['', '']);
    const rate = readCsv((await emp('bench', 'rate', '-d', 'memory', '--csv', ...SHORT)).stdout);
    expect(Number(rate[0].messages_per_s)).toBeGreaterThan(1000);
  });

  it('is not for who wants JSON', async () => {
    const { code, stdout } = await emp('bench', 'rate', '--csv', '--json');
    expect([code, stdout]).toEqual([2, expect.stringMatching(/cannot be used with/)]);
  });
});

describeRoot('without the right to make interfaces', () => {
  it.each(['--json', '--csv'])('a driver that is not measured is told beside the results (%s)', (format) => {
    const args = ['bench', 'requests', format, '--seconds', '0.02', '--slices', '1', '--no-baseline'];
    const { code, stdout, stderr } = empAsNobody(...args);
    expect(code).toBe(0);
    expect(stdout).toMatch(format === '--csv' ? /^requests,udp,/m : /"driver":"udp"/);
    expect(stderr).toMatch(/^emp: xdp: not measured\. .*\nemp: packet: not measured\. .*\n$/);
  });
});

describeRoot('beside bare C', () => {
  it.each([
    ['pingpong', [...FEW, '--baseline']],
    ['connections', [...SHORT, '--channels', '1', '--outstanding', '1']],
  ])('its round trips of %s come with their distribution and their samples, too', async (test, args) => {
    const file = join(folder, `${test}.csv`);
    const { stdout } = await emp('bench', test, '-d', 'udp', '--json', '--raw', file, ...args);
    const run = runOf(JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>);
    const { rtt_us, percentiles, histogram } = run.baseline!;
    expect(percentiles!.at(-1)).toEqual([1, rtt_us!.max]);
    expect(histogram!.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThanOrEqual(400);
    const rows = readRaw(file);
    const last = rows.at(-1)!.point;
    expect(median(rows, last, 'emp')).toBe(run.rtt_us!.p50);
    expect(median(rows, last, 'baseline')).toBe(rtt_us!.p50);
  });
});

it('--html makes a page besides', async () => {
  const file = join(folder, 'page.html');
  const { code, stdout } = await emp('bench', 'requests', '-d', 'memory', ...SHORT, '--json', '--html', file);
  expect([code, stdout.trim().split('\n').length]).toEqual([0, 2]);
  expect(readFileSync(file, 'utf8')).toMatch(/<dt>Processor<\/dt>[^]*<td data-label="test">requests<\/td>/);
});

it('--html is tried before anything is measured', async () => {
  const { code, stdout, stderr } = await emp('bench', 'pingpong', '-d', 'memory', '--html', 'no/such/page.html');
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/Nothing can be written to 'no\/such\/page\.html'[^]*Name another place with --html/);
});
