import { describe, expect, test } from 'vitest';

import { resultsOf } from '../../bench/report/read.js';
import { reportPage } from '../../bench/report/page.js';
import { TARGETS, verdictsOn } from '../../bench/targets/list.js';

const verdicts = (results: object[]) => verdictsOn(resultsOf(results, 'test').runs);
/** As `target: of figure bar verdict`. */
const told = (results: object[]): string[] =>
  verdicts(results).map(
    ({ target, of, figure, bar, met }) => `${target}: ${of} ${figure} ${bar} ${met ? 'met' : 'MISSED'}`,
  );

const spin = { wait: 'spin', size: 16 };
const pingpong = (driver: string, ratio_p50: number, more: object = {}): object => ({
  ...{ ...spin, test: 'pingpong', driver, rounds: 1e6, ratio_p50, ratio_p99: 2 },
  ...{ rtt_us: { p50: 5 * ratio_p50, p99: 20 }, baseline: { rtt_us: { p50: 5, p99: 10 } } },
  ...more,
});
const point = (test: string, fields: object): object => ({ ...spin, test, driver: 'udp', ...fields });

test('results that tell nothing are not judged, and targets have names of their own', () => {
  expect(verdicts([])).toEqual([]);
  expect(verdicts([point('rate', { messages_per_s: 5 }), point('juggling', {})])).toEqual([]);
  expect(new Set(TARGETS.map(({ name }) => name)).size).toBe(TARGETS.length);
});

test('ping-pong is judged by the run with most rounds, of each driver on a wire', () => {
  const fewer = pingpong('xdp', 9, { rounds: 1000 });
  const others = [pingpong('xdp', 9, { payload_check: true }), pingpong('xdp', 9, { size: 64 }), pingpong('memory', 9)];
  expect(told([fewer, ...others, pingpong('xdp', 1.25), pingpong('udp', 1.3)])).toEqual([
    'p50 / bare C, 16 B: xdp 1.25× ≤ 1.25× met',
    'p50 / bare C, 16 B: udp 1.3× ≤ 1.25× MISSED',
    'p50 / bare C, 16 B, first bar: xdp 1.25× ≤ 1.35× met',
    'p50 / bare C, 16 B, first bar: udp 1.3× ≤ 1.35× met',
    'p99 / bare C, 16 B: xdp 2× ≤ 2.5× met',
    'p99 / bare C, 16 B: udp 2× ≤ 2.5× met',
  ]);
  expect(verdicts([pingpong('udp', 1.3)])[0]).toMatchObject({ from: '6.50 µs, bare C 5.00 µs', noisy: false });
  expect(verdicts([pingpong('udp', 1.3, { noisy: true })])[0]).toMatchObject({ noisy: true });
});

describe('each target is judged by what it is about', () => {
  const flood = (frames_per_s: number): object => ({ program: 'flood', frames_per_s });
  const bulk = (program: string): object => ({ program, gbit_per_s: 10 });
  const sizes = (rates: [number, number][]): object[] =>
    rates.map(([size, gbit_per_s]) => point('rate', { size, gbit_per_s }));
  const channels = (values: [number, number, number][]): object[] =>
    values.flatMap(([count, p50, requests_per_s]) => [
      point('connections', { channels: count, outstanding: 1, rtt_us: { p50 }, requests_per_s: 1 }),
      point('connections', { channels: count, outstanding: 64, rtt_us: { p50: 1 }, requests_per_s }),
    ]);
  const loss = (share: number, gbit_per_s: number, p50: number): object[] => [
    point('loss', { loss: share, size: 65536, gbit_per_s }),
    point('loss', { loss: share, rtt_us: { p50 } }),
  ];
  const idle = (wait: string, activity: string, fields: object): object => point('idle', { wait, activity, ...fields });

  test.each<[string, object[], string[]]>([
    [
      'scavenges, and what went wrong',
      [pingpong('udp', 1, { gc: { scavenges: 2 }, lost: 0 }), point('rate', { lost: 1, corrupted: 2 })],
      ['scavenges: udp 2 ≤ 0 MISSED', 'lost, doubled, reordered, corrupted: all 3 ≤ 0 MISSED'],
    ],
    [
      'rate',
      [point('rate', { messages_per_s: 1e7, ratio: 11, baseline: flood(9e5) })],
      ['messages/s / frames/s of bare C, 16 B: udp 11× ≥ 10× met'],
    ],
    [
      'requests, over the driver with most',
      [
        point('requests', { outstanding: 64, requests_per_s: 1e6, ratio: 4, baseline: flood(3e5) }),
        point('requests', { driver: 'xdp', outstanding: 64, requests_per_s: 2e6, ratio: 2.5, baseline: flood(8e5) }),
        point('requests', { driver: 'memory', outstanding: 64, requests_per_s: 9e6 }),
      ],
      ['requests/s / frames/s of bare C, 64 outstanding, best driver: xdp 2.5× ≥ 3× MISSED'],
    ],
    [
      'bulk: xdp beside bare C, udp beside iperf3 alone',
      [
        point('throughput', { driver: 'xdp', size: 2 ** 26, gbit_per_s: 9, ratio: 0.9, baseline: bulk('flood') }),
        point('throughput', { size: 2 ** 26, gbit_per_s: 9, ratio: 0.9, baseline: bulk('iperf3') }),
        point('throughput', { size: 2 ** 25, gbit_per_s: 9, ratio: 0.1, baseline: bulk('iperf3') }),
      ],
      ['bandwidth / bare C, 64 MiB: xdp 0.9× ≥ 0.85× met', 'bandwidth / iperf3, 64 MiB: udp 0.9× ≥ 1× MISSED'],
    ],
    [
      'half of the peak',
      sizes([
        [16, 1],
        [512, 4],
        [1024, 6],
        [65536, 9],
      ]),
      ['size with half of the peak bandwidth: udp 1\u202fKiB ≤ 750\u202fB MISSED'],
    ],
    [
      'half of the peak, unknown without long messages',
      sizes([
        [16, 1],
        [512, 4],
      ]),
      [],
    ],
    [
      'channels, the worst of them',
      channels([
        [1, 10, 100],
        [16, 12, 80],
        [1024, 11, 95],
      ]),
      ['p50, many channels / one: udp 1.2× ≤ 1.15× MISSED', 'requests/s, many channels / one: udp 0.8× ≥ 0.9× MISSED'],
    ],
    [
      'loss of 1 %',
      [...loss(0, 10, 20), ...loss(0.01, 8, 21), ...loss(0.1, 1, 90)],
      ['goodput, 1 % lost / none: udp 80\u202f% ≥ 70\u202f% met', 'p50, 1 % lost / none: udp 1.05× ≤ 1.1× met'],
    ],
    [
      'waiting, each beside the bare C that waits in the same way',
      [
        idle('event', 'closed', { ratio: 1.5, rtt_us: { p50: 30 }, baseline: { rtt_us: { p50: 20 } } }),
        idle('adaptive', 'closed', { ratio: 1.2, rtt_us: { p50: 6 }, baseline: { rtt_us: { p50: 5 } } }),
        idle('adaptive', 'sparse', { ratio: 1.1, rtt_us: { p50: 55 }, baseline: { rtt_us: { p50: 50 } } }),
        idle('event', 'none', { cpu: { client: 0.001, server: 0.03 } }),
        idle('spin', 'none', { cpu: { client: 1, server: 1 } }),
      ],
      [
        'p50 / bare C that waits in the same way, hosts that sleep: udp, event, closed 1.5× ≤ 1.25× MISSED',
        'p50 / bare C that waits in the same way, hosts that sleep: udp, adaptive, closed 1.2× ≤ 1.25× met',
        'p50 / bare C that waits in the same way, hosts that sleep: udp, adaptive, sparse 1.1× ≤ 1.25× met',
        'processor time of idle hosts: udp, event 3\u202f% ≤ 2\u202f% MISSED',
      ],
    ],
    [
      'stalls, by the longest of all slices',
      [point('rate', { wait: 'adaptive', stalls_ms: [1, 9, 1.5] }), point('rate', { wait: 'event', stalls_ms: [9] })],
      ['stall of the event loop under a flood: udp, adaptive 9 ms ≤ 2 ms MISSED'],
    ],
  ])('%s', (_what, results, expected) => {
    expect(told(results).filter((line) => !/^p\d+ \/ bare C, 16/.test(line))).toEqual(expected);
  });
});

test('the page has them as a table', () => {
  const html = reportPage(resultsOf([pingpong('udp', 1.3)], 'test'));
  expect(html).toContain('2 of 3 are met.');
  expect(html.match(/<strong class="missed">missed<\/strong>/g)).toHaveLength(1);
});
