import { expect, test } from 'vitest';

import { decades, powers } from '../../../bench/report/axes.js';
import { curve } from '../../../bench/report/figures/percentiles.js';
import { goodputFigure } from '../../../bench/report/figures/loss.js';
import { reportPage } from '../../../bench/report/page.js';
import { resultsOf } from '../../../bench/report/read.js';
import { seriesOf } from '../../../bench/report/series.js';
import { sampleResults } from './sample.js';

const runsOf = (results: object[]) => resultsOf(results, 'test').runs;
const page = (results: object[]): string => reportPage(resultsOf(results, 'test'));
const headings = (html: string): string[] => [...html.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, text]) => text);
const figures = (html: string): string[] => [...html.matchAll(/<figure id="(.*?)">/g)].map(([, id]) => id);

test('a full report has every section, in less than a megabyte', () => {
  const html = page(sampleResults());
  expect(headings(html)).toEqual([
    'Machine',
    'Summary',
    'Targets',
    'Latency',
    'Latency under load',
    'Rate and bandwidth',
    'Many channels',
    'Lost frames',
    'Idle and busy',
    'Beside others',
    'Other results',
  ]);
  expect(html.length).toBeLessThan(1e6);
  expect(new Set(figures(html)).size).toBe(figures(html).length);
});

test('what was not measured is absent', () => {
  const html = page([{ test: 'pingpong', driver: 'udp', size: 16, rtt_us: { min: 8, p50: 9, p99: 12 } }]);
  expect(headings(html)).toEqual(['Machine', 'Summary', 'Latency']);
  expect(figures(html)).toEqual(['percentiles-16']);
  expect(headings(page([]))).toEqual(['Machine']);
});

test('the page loads nothing, and runs nothing', () => {
  const html = page(sampleResults()).replaceAll('http://www.w3.org/2000/svg', '');
  expect(html).not.toMatch(
    /https?:|@import|url\(|<link(?! rel="icon" href="data:,")|<script(?! type="application\/json")/,
  );
});

test('the results are in it, and nothing in them is markup', () => {
  const results = [{ test: 'juggling', remark: '</script><b>&"' }];
  const html = page(results);
  expect(html).not.toContain('<b>');
  const json = /<script type="application\/json" id="results">(.*?)<\/script>/s.exec(html)![1];
  expect(JSON.parse(json)).toEqual(results);
});

test('an unknown test is listed with its fields, a noisy run with its reasons', () => {
  const html = page([
    { test: 'juggling', balls: 5 },
    { test: 'rate', driver: 'udp', size: 16, messages_per_s: 1e6, noisy: true, noise: ['a build ran'] },
  ]);
  expect(html).toContain('<code>balls: 5</code>');
  expect(html).toMatch(/noisy<\/strong> a build ran/);
  expect(html).toContain('1 marked as noisy');
});

test('the summary shows ours, the baseline and the ratio', () => {
  const baseline = { program: 'flood', frames_per_s: 2e6 };
  const ratios = { ratio: 5, ratio_low: 4.5, ratio_high: 5.5 };
  const html = page([{ test: 'rate', driver: 'xdp', size: 16, messages_per_s: 1e7, baseline, ...ratios }]);
  const cells = [...html.matchAll(/<td.*?>(.*?)<\/td>/g)].map(([, text]) => text.replaceAll('\u202f', ' '));
  expect(cells.slice(1, 5)).toEqual([
    'emp over xdp, 16 B',
    '10 M messages/s',
    '2 M frames/s (bare C, xdp)',
    '5.00× (4.50 to 5.50)',
  ]);
});

test('percentiles come from all that is known, else from the summary', () => {
  expect(curve({ rtt_us: { min: 1, p50: 2, p99: 4, max: 9 } })).toEqual([
    [0, 1],
    [0.5, 2],
    [0.99, 4],
  ]);
  expect(curve({ rtt_us: { p50: 2 }, percentiles: [[0.25, 1], [1, 9]] })).toEqual([[0.25, 1]]); // prettier-ignore
});

test('goodput is compared with the lossless run of the same driver, if the result does not say', () => {
  const loss = (driver: string, share: number, gbit: number) => ({
    test: 'loss',
    driver,
    loss: share,
    gbit_per_s: gbit,
  });
  const figure = goodputFigure(
    runsOf([loss('xdp', 0, 10), loss('xdp', 0.01, 8), loss('udp', 0, 4), { ...loss('udp', 0.01, 3), goodput: 0.7 }]),
  );
  expect(figure?.table.rows.map(([name, loss, goodput]) => [name, loss, goodput])).toEqual([
    ['emp over xdp', '0', '100'],
    ['emp over xdp', '1', '80'],
    ['emp over udp', '0', '100'],
    ['emp over udp', '1', '70'],
  ]);
});

test('series are told apart by what differs, and each looks different', () => {
  const runs = runsOf(
    ['xdp', 'udp'].flatMap((driver) =>
      ['spin', 'event'].flatMap((wait) => [1, 2].map((depth) => ({ test: 'depth', driver, wait, depth, size: 16 }))),
    ),
  );
  const series = seriesOf(runs, 'depth');
  expect(series.map(({ name }) => name)).toEqual([
    'emp over xdp',
    'emp over xdp, event wait',
    'emp over udp',
    'emp over udp, event wait',
  ]);
  expect(new Set(series.map(({ look }) => JSON.stringify(look))).size).toBe(4);
  expect(seriesOf(runs).map(({ runs: of }) => of.length)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
});

test('logarithmic axes enclose the values, and are not crowded', () => {
  expect(decades([3, 40])).toEqual({ domain: [2, 50], ticks: [2, 5, 10, 20, 50] });
  expect(decades([0.3, 0.3]).domain).toEqual([0.2, 0.5]);
  expect(decades([1.5, 9e6]).ticks).toEqual([1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7]);
  expect(powers([16, 64, 16, 1024])).toEqual({ domain: [16, 1024], ticks: [16, 64, 1024] });
  expect(powers(Array.from({ length: 24 }, (_, i) => 2 ** i)).ticks.length).toBeLessThan(9);
});
