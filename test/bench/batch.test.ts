import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { words } from '../../src/cli/bench/words.js';
import { emp } from '../support/emp.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'emp-batch-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function batch(...lines: string[]): string {
  const file = join(folder, 'tests.txt');
  writeFileSync(file, lines.join('\n'));
  return file;
}

const PINGPONG = 'pingpong -d memory --rounds 300 --warmup 10';
const DEPTH = 'depth -d memory --depth 1,2 --seconds 0.05 --warmup 10 --slices 1';

describe('the words of a line', () => {
  it.each([
    ['', []],
    ['  # rate', []],
    ['rate --size 16\t-d  udp # why', ['rate', '--size', '16', '-d', 'udp']],
    [`pingpong --raw "a b.csv" --x='c d'e#f`, ['pingpong', '--raw', 'a b.csv', '--x=c de#f']],
    [`a '' "it's"`, ['a', '', "it's"]],
    ['rate\r', ['rate']],
  ])('%j', (line, expected) => {
    expect(words(line)).toEqual(expected);
  });

  it.each([`rate "x`, `rate 'x`, `rate a"`])('%j is not closed', (line) => {
    expect(() => words(line)).toThrow(/quotation mark is not closed/);
  });
});

describe('emp bench --batch', () => {
  it('measures what the lines name, in their order, as JSON', async () => {
    const file = batch('# two tests', '', `${PINGPONG} # the first`, DEPTH);
    const { code, stdout, stderr } = await emp('bench', '--batch', file, '--json');
    expect([code, stderr]).toEqual([0, '']);
    const results = stdout.trim().split('\n').map((line) => JSON.parse(line) as { test: string; depth?: number }); // prettier-ignore
    expect(results.map(({ test, depth }) => [test, depth])).toEqual([
      ['machine', undefined],
      ['pingpong', undefined],
      ['depth', 1],
      ['depth', 2],
    ]);
  });

  it('prints one header of CSV, or text', async () => {
    const file = batch(DEPTH, PINGPONG);
    const { stdout } = await emp('bench', '--batch', file, '--csv');
    expect(stdout.trim().split('\n').map((line) => line.split(',')[0])).toEqual(['test', 'depth', 'depth', 'pingpong']); // prettier-ignore
    const text = await emp('bench', '--batch', file);
    expect(text.stdout).toMatch(/^driver +size +depth[^]*^ping-pong +16 bytes/m);
  });

  it('writes samples of each line to a file of its own, or of the only one', async () => {
    const [a, b] = ['a a.csv', 'b.csv'].map((name) => join(folder, name));
    await emp('bench', '--batch', batch(`${PINGPONG} --raw "${a}"`, DEPTH));
    await emp('bench', '--raw', b, '--batch', batch(PINGPONG)).then(({ code }) => expect(code).toBe(2));
    await emp('bench', '--batch', batch(PINGPONG), '--raw', b);
    for (const file of [a, b]) expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(301);
  });

  it.each([
    [[PINGPONG, 'rat -d udp'], /line 2: There is no test 'rat'\. \(Did you mean rate\?\)/],
    [['', 'rate --size x'], /line 2: option '-s, --size <bytes>' argument 'x' is invalid/],
    [['pingpong --interface lo'], /line 1: --interface means nothing without --peer/],
    [['rate --help'], /line 1: It asks for help/],
    [[PINGPONG, 'rate --json'], /line 2: --json is of the whole batch/],
    [["rate 'x"], /line 1: A quotation mark is not closed/],
    [['# none', ''], /names no test/],
    [['pingpong --raw x', '', 'depth --raw x'], /line 3: '.*', line 1 has the same --raw 'x'/],
  ])('%j is an error before anything is measured', async (lines, message) => {
    const { code, stdout, stderr } = await emp('bench', '--batch', batch(...lines));
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
  });

  it.each([
    [['--batch', '/nonexistent/tests.txt'], /'\/nonexistent\/tests.txt' cannot be read: ENOENT/],
    [['--batch', 'FILE', '--raw', 'x'], /--raw takes the samples of one test, and '.*' has 2/],
    [['--batch', 'FILE', 'rate'], /--batch and a test, rate, cannot both/],
    [['--batch', 'FILE', '--batch', 'FILE'], /--batch is given twice/],
  ])('%j is refused', async (args, message) => {
    const file = batch(PINGPONG, DEPTH);
    const { code, stderr } = await emp('bench', ...args.map((word) => (word === 'FILE' ? file : word)));
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(existsSync('x')).toBe(false);
  });

  it('says which line failed', async () => {
    const file = batch(PINGPONG, 'rate --driver packet --interface emp-nowhere --peer 02:00:00:00:00:01');
    const { code, stdout } = await emp('bench', '--batch', file, '--json');
    expect(code).not.toBe(0);
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({
      error: { message: expect.stringMatching(/tests\.txt', line 2: /) },
    });
  });
});
