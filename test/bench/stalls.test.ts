import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { Stalls } from '../../bench/ends/stalls.js';
import type { BenchResult } from '../../bench/tests/result.js';
import { emp } from '../support/emp.js';

test('a stall of the event loop is as long as what stalled it', async () => {
  const [quiet, stalled] = [new Stalls(), new Stalls()];
  await delay(20);
  const before = quiet.end();
  const until = performance.now() + 200;
  while (performance.now() < until);
  await delay(20);
  const after = stalled.end();
  expect(after).toBeGreaterThan(190);
  expect(before).toBeLessThan(after);
});

test.each([
  ['adaptive', 2],
  ['spin', undefined],
])('a flood to a server that waits by %s tells its stalls', async (wait, count) => {
  const args = ['--seconds', '0.1', '--slices', '2', '--warmup', '20', '--no-baseline'];
  const { stdout } = await emp('bench', 'rate', '--driver', 'udp', '--wait', wait, '--json', ...args);
  const { stalls_ms } = JSON.parse(stdout.trim().split('\n')[1]) as BenchResult;
  expect(stalls_ms?.length).toBe(count);
  for (const stall of stalls_ms ?? []) expect(stall).toBeGreaterThan(0);
});
