import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { BenchResult } from '../../bench/tests/result.js';
import { Testbed, type TestbedEnd } from '../../src/testbed/testbed.js';
import { Emp, emp } from '../support/emp.js';
import { describeRoot } from '../support/root.js';

const CLEAN = { lost: 0, doubled: 0, reordered: 0, corrupted: 0, baseline: null };
const SHORT = ['--seconds', '0.06', '--warmup', '10', '--slices', '2'];
/** Every test but `idle`, so that each thing the server does is asked for. */
const TESTS = [
  ['rate', ...SHORT],
  ['rate', '--verify', '--wait', 'event', ...SHORT],
  ['throughput', '--size', '1M', ...SHORT],
  ['requests', '--size', '16,3000', ...SHORT],
  ['load', '--rate', '5000', ...SHORT],
  ['connections', '--channels', '1,40', '--outstanding', '8', ...SHORT],
  ['depth', '--depth', '1,32', ...SHORT],
  ['loss', '--loss', '0,5', ...SHORT],
  ['pingpong', '--rounds', '300', '--warmup', '50'],
];
const POINTS = 1 + 1 + 1 + 2 + 1 + 4 + 2 + 4 + 1;
const IDLE = ['idle', '--seconds', '0.1', '--warmup', '10', '--slices', '1'];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'emp-remote-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function serve(...args: string[]): Promise<[Emp, string]> {
  const server = new Emp(['echo', '--json', ...args]);
  await server.said(/\n/);
  return [server, (JSON.parse(server.stdout) as { listening: { address: string } }).listening.address];
}

/** Asks the server at `peer`, by one batch. */
async function measure(tests: readonly string[][], peer: string, ...nic: string[]): Promise<BenchResult[]> {
  const lines = tests.map((line) => [...line, '--peer', peer, ...nic].join(' '));
  const file = join(folder, 'all.txt');
  writeFileSync(file, lines.join('\n'));
  const { code, stdout, stderr } = await emp('bench', '--batch', file, '--json');
  expect([code, stderr]).toEqual([0, '']);
  const [, ...results] = stdout.trim().split('\n').map((line) => JSON.parse(line) as BenchResult); // prettier-ignore
  return results;
}

function check(results: readonly BenchResult[], peer: string): void {
  expect(results).toHaveLength(POINTS);
  for (const result of results) {
    expect(result).toMatchObject({ ...CLEAN, wire: `to ${peer}` });
    if ((result.test as string) === 'pingpong') continue;
    expect(result.cpu.server).toBeGreaterThanOrEqual(0);
    const { messages_per_s = 1, requests_per_s = 1, gbit_per_s = 1, rtt_us } = result;
    if (result.test === 'rate') expect(result.stalls_ms?.length).toBe(result.wait === 'event' ? 2 : undefined);
    expect(Math.min(messages_per_s, requests_per_s, gbit_per_s, rtt_us?.min ?? 1)).toBeGreaterThan(0);
  }
}

/** The server waits as the client does. */
function checkIdle(results: readonly BenchResult[]): void {
  expect(results.map(({ wait }) => wait)).toEqual([
    ...Array<string>(3).fill('spin'),
    ...Array<string>(4).fill('adaptive'),
    ...Array<string>(4).fill('event'),
  ]);
  const of = (wait: string): BenchResult => results.find((one) => one.wait === wait && one.activity === 'none')!;
  expect(of('event').cpu.server).toBeLessThan(of('spin').cpu.server! / 2);
}

describe('emp echo takes part in every test', { timeout: 120_000 }, () => {
  it('of a client on this machine, without an option', async () => {
    const [server, peer] = await serve('--local', '127.0.0.1:0');
    check(await measure(TESTS, peer, '-d', 'udp'), peer);
    const { code, stdout, stderr } = await server.interrupt();
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout.split('\n')[1])).toMatchObject({ ended: { channels: 2 } }); // of the ping-pong
  });

  it('of one client at a time, and says who is measured', async () => {
    const server = new Emp(['echo', '--local', '127.0.0.1:0']);
    await server.said(/Listening/);
    const [, peer] = /on (\S+),/.exec(server.stdout)!;
    const first = new Emp(['bench', 'rate', '-d', 'udp', '--peer', peer, '--seconds', '20', '--slices', '1']);
    while (!/Measurement with 127\.0\.0\.1:\d+, waiting by spin\.\n/.test(server.stderr)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const second = await emp('bench', 'rate', '-d', 'udp', '--peer', peer, ...SHORT);
    expect([second.code, second.stderr]).toEqual([
      1,
      expect.stringMatching(/does not take part: it measures with 127\.0\.0\.1:\d+ at the moment/),
    ]);
    expect((await first.interrupt()).code).toBe(130);
    // It is free again as soon as it has noticed. The client warms up as one measurement and measures as another: whichever was interrupted.
    const said = (what: RegExp): number => [...server.stderr.matchAll(what)].length;
    while (said(/waiting by spin\.\n/g) > said(/\d ended\.\n/g)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect((await emp('bench', 'rate', '-d', 'udp', '--peer', peer, ...SHORT)).code).toBe(0);
    expect((await server.interrupt()).code).toBe(0);
  });

  it.each([
    [['--peer', '127.0.0.1:9'], /--peer means nothing without --driver/],
    [['--interface', 'lo', '-d', 'packet'], /--interface means nothing without --peer/],
    [['--peer', '127.0.0.1:9', '-d', 'udp,packet'], /--peer is reached over one driver, and --driver names 2/],
    [['--peer', '02:00:00:00:00:01', '-d', 'udp'], /--peer: /],
    [['--peer', 'x', '-d', 'memory'], /The driver memory has no option --peer/],
    [['--peer', '127.0.0.1:9', '-d', 'udp', '--queue', '1'], /The driver udp has no option --queue/],
    [['--peer', '127.0.0.1:9', '-d', 'udp', '--mtu', '2000'], /cannot be used with/],
  ])('but not if it is asked for with %j', async (args, message) => {
    const { code, stderr } = await emp('bench', 'rate', ...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('says that nobody is there', async () => {
    const { code, stderr } = await emp('bench', 'requests', '-d', 'udp', '--peer', '127.0.0.1:9');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/127\.0\.0\.1:9/)]);
  });
});

describeRoot('emp echo in another namespace takes part in every test', () => {
  const nicOf = (driver: string, { namespace, interface: name, ipv4 }: TestbedEnd): string[] => [
    ...['-d', driver, '-n', namespace],
    ...(driver === 'udp' ? ['--local', ipv4] : ['-i', name]),
  ];

  it.each(['udp', 'packet', 'xdp'])('over %s', { timeout: 120_000 }, async (driver) => {
    await using testbed = await Testbed.up();
    const { a, b } = testbed.links[0];
    const [server, peer] = await serve(...nicOf(driver, b));
    const results = await measure(TESTS, peer, ...nicOf(driver, a));
    check(results, peer);
    if (driver !== 'xdp') checkIdle(await measure([IDLE], peer, ...nicOf(driver, a)));
    for (const result of results) expect(result.driver).toBe(driver);
    expect((await server.interrupt()).code).toBe(0);
  });
});
