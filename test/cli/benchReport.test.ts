import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { emp } from '../support/emp.js';

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'emp-report-'));
  writeFileSync(at('a.json'), '{"test":"rate","driver":"udp","size":16,"messages_per_s":5}\n');
  writeFileSync(at('bad.json'), '[{"test":"rate","size":"large"}]');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('emp bench report writes the page and says so', async () => {
  const { code, stdout } = await emp(
    'bench',
    'report',
    at('a.json'),
    at('a.json'),
    '--html',
    at('r.html'),
    '--title',
    'T',
  );
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `${at('r.html')}: 2 results, ${stdout.match(/(\d+) kB/)?.[1]} kB\n`,
  });
  expect(readFileSync(at('r.html'), 'utf8')).toContain('<title>T</title>');
});

test.each([
  [['a.json'], 'r.html', /^$/, 0],
  [['bad.json'], 'r.html', /bad\.json, result 1: field 'size': expected a number, found "large"\./, 2],
  [['none.json'], 'r.html', /none\.json cannot be read/, 2],
  [['a.json'], 'no/such/r.html', /cannot be written to '.*r\.html': ENOENT/, 2],
])('emp bench report %j --html %s', async (files, html, message, exit) => {
  const { code, stderr } = await emp('bench', 'report', ...files.map(at), '--html', at(html));
  expect(stderr).toMatch(message);
  expect(code).toBe(exit);
});

test('one figure is a picture of its own, for light and dark', async () => {
  writeFileSync(
    at('sweep.json'),
    [16, 64].map((size) => `{"test":"rate","size":${size},"messages_per_s":5}`).join('\n'),
  );
  const { code, stdout } = await emp(
    'bench',
    'report',
    at('sweep.json'),
    '--svg',
    at('f.svg'),
    '--figure',
    'rate-size',
  );
  expect([code, stdout]).toEqual([0, expect.stringMatching(/f\.svg: rate-size, \d+ kB\n$/)]);
  const svg = readFileSync(at('f.svg'), 'utf8');
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox=/);
  expect(svg).toContain('prefers-color-scheme: dark');
  expect(svg).toContain('One-way messages against message size');
  expect(svg.match(/<svg/g)?.length).toBe(svg.match(/<\/svg>/g)?.length);
});

test.each([
  [[], /It is not said where the report goes\.\n {2}Add --html FILE\./],
  [['--svg', 'f.svg'], /--svg means nothing without --figure/],
  [['--svg', 'f.svg', '--figure', 'x'], /The results have no figure 'x'\.\n {2}They have none at all\./],
])('what is missing is said: %j', async (args, message) => {
  const { code, stderr } = await emp('bench', 'report', at('a.json'), ...args);
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
});
