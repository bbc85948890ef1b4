// Stories of seeds (bench/swarm): those that once failed, a fixed set, and fresh ones. More of them: npm run swarm.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

import { KNOWN } from '../../bench/swarm/seeds.js';
import { tell } from '../../bench/swarm/story.js';
import { SEED } from '../support/seed.js';

const MAIN = new URL('../../dist/bench/swarm/main.js', import.meta.url).pathname;
const run = promisify(execFile);

/** These seeds are told each time: what they tell changes with the protocol alone. */
const FIXED = { first: 1, count: 500 };
/** The fixed ones and the fresh ones together, seconds. */
const TIME = 180;
/** A story takes a few seconds at most. */
const SPARE = 60;

/** How many stories were told; should one go wrong, the error says its seed, and the command that tells it again. */
async function stories(args: readonly string[], seconds: number): Promise<number> {
  try {
    const { stdout } = await run(process.execPath, [MAIN, ...args], { timeout: seconds * 1000 });
    return Number(/^(\d+) seeds .*: 0 failed$/m.exec(stdout)![1]);
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error)) throw error;
    const { stdout, stderr, killed } = error as unknown as { stdout: string; stderr: string; killed: boolean };
    const why = killed ? `stories were not over after ${seconds} s` : 'a story went wrong';
    const advice = 'A seed that fails goes into bench/swarm/seeds.ts, and is told each time from then on.';
    throw new Error(`${why}: main.js ${args.join(' ')}\n${stdout}${stderr}${advice}`, { cause: error });
  }
}

test(
  'all seeds that once failed, a fixed set, and fresh ones, on all cores',
  async () => {
    const start = performance.now();
    const fixed = await stories(['--seeds', String(FIXED.count), '--first', String(FIXED.first)], TIME + SPARE);
    expect(fixed).toBe(KNOWN.length + FIXED.count);
    const left = Math.max(TIME - Math.ceil((performance.now() - start) / 1000), SPARE / 2);
    const fresh = await stories(['--minutes', (left / 60).toFixed(3), '--first', String(SEED)], left + SPARE);
    expect(fresh).toBeGreaterThan(100);
  },
  2 * (TIME + SPARE) * 1000,
);

test('a story is the same whenever it is told, and another seed tells another one', async () => {
  const first = await tell(SEED);
  expect(await tell(SEED)).toEqual(first);
  expect((await tell(SEED + 1)).digest).not.toBe(first.digest);
});

test('one seed alone, and seeds that are none', async () => {
  const { stdout } = await run(process.execPath, [MAIN, '--seed', '3']);
  expect(stdout).toBe('seed 3: nothing went wrong, twice\n');
  await expect(run(process.execPath, [MAIN, '--seeds', 'many'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--seeds is 'many'"),
  });
});
