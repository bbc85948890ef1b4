// Fuzzing (bench/fuzz): the corpus, and a minute of fresh inputs. More of them: npm run fuzz.
import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

import { mutate } from '../../bench/fuzz/mutate.js';
import { TARGETS } from '../../bench/fuzz/targets/list.js';
import { watch } from '../../bench/fuzz/watch.js';
import { Chance } from '../../src/fault/chance.js';
import { SEED } from '../support/seed.js';

const MAIN = new URL('../../dist/bench/fuzz/main.js', import.meta.url).pathname;
const PLANTED = new URL('fixture/planted.mjs', import.meta.url).pathname;
const WORKER = new URL('fixture/worker.mjs', import.meta.url);
const CORPUS = join(import.meta.dirname, 'corpus');
const MOST_BYTES = 200_000;
const run = promisify(execFile);

const inputsOf = (target: string): string[] =>
  readdirSync(join(CORPUS, target)).map((name) => join(CORPUS, target, name));

test('the corpus, and a minute of fresh inputs: nothing is found', async () => {
  const args = ['--enable-source-maps', MAIN, '--minutes', '1', '--seed', String(SEED)];
  const { stdout } = await run(process.execPath, args, { timeout: 120_000 }).catch((error: unknown) => {
    throw new Error((error as { stdout: string }).stdout);
  });
  for (const { name } of TARGETS) {
    const [, inputs] = new RegExp(`^${name}: (\\d+) inputs, nothing found$`, 'm').exec(stdout)!;
    expect(Number(inputs), name).toBeGreaterThan(inputsOf(name).length + 100);
  }
}, 130_000);

describe('the corpus', () => {
  test('is of the targets that there are, and small', () => {
    expect(readdirSync(CORPUS).sort()).toEqual(TARGETS.map(({ name }) => name).sort());
    const files = TARGETS.flatMap(({ name }) => inputsOf(name));
    expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(MOST_BYTES);
  });
});

describe('the fuzzer', () => {
  test('finds a fault behind ten conditions, because each one that is met is new code', async () => {
    const hunt = async (...args: string[]): Promise<unknown> =>
      JSON.parse((await run(process.execPath, [PLANTED, String(SEED), ...args])).stdout);
    expect(await hunt()).toEqual({ found: 'the planted fault' });
    expect(await hunt('blind')).toEqual({});
  });

  test.each([
    ['exits', 'the thread ended with code 3'],
    ['throws', 'TypeError'],
    ['never ends', 'it has not ended within 1000 ms'],
  ])('knows the input at which its thread %s', async (name, text) => {
    const target = { name, longest: 8, run: () => undefined };
    const order = { seed: 1, minutes: 1, grow: false, inputs: undefined };
    const { finding } = await watch(target, order, { module: WORKER, patience: 1000 });
    expect([...finding!.input]).toEqual([7, 8, 9]);
    expect(finding!.text).toContain(text);
  });

  test('changes inputs in the same way for the same seed, and never beyond what is asked', () => {
    const changed = (seed: number): string[] => {
      const chance = new Chance(seed);
      let input = Uint8Array.from({ length: 20 }, (_, i) => i);
      return Array.from({ length: 500 }, () => {
        input = mutate(input, Uint8Array.of(1, 2, 3), chance, 32).slice();
        expect(input.length).toBeLessThanOrEqual(32);
        return Buffer.from(input).toString('hex');
      });
    };
    expect(changed(SEED)).toEqual(changed(SEED));
    expect(new Set(changed(SEED)).size).toBeGreaterThan(400);
  });
});

test('one input alone, and wishes that are none', async () => {
  const { stdout } = await run(process.execPath, [MAIN, '--target', 'frame', '--input', inputsOf('frame')[0]]);
  expect(stdout).toBe('frame: 1 inputs, nothing found\n');
  await expect(run(process.execPath, [MAIN, '--target', 'nonsense'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--target is 'nonsense'"),
  });
});
