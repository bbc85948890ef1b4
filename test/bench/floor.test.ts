import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';

import { runFloor, type Floor, type FloorOptions } from '../../bench/baseline.js';
import { floorProgram, type FloorPath } from '../../bench/program.js';
import { setupOf } from '../../bench/pingpong/setup.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';

const ROUNDS = 500;

async function run(path: FloorPath, testbed: Testbed | undefined, options: Partial<FloorOptions> = {}): Promise<Floor> {
  const { floor } = setupOf(path, testbed);
  return runFloor({ path, ...floor!, size: 16, rounds: ROUNDS, warmup: 50, wait: 'spin', ...options });
}

function check(floor: Floor, rounds = ROUNDS): void {
  expect(floor).toMatchObject({ lost: 0, stale: 0, wrong: 0 });
  expect(floor.samples.length).toBe(rounds);
  expect(Math.min(...floor.samples)).toBeGreaterThan(0.1);
  expect(Math.max(...floor.samples)).toBeLessThan(5e6);
}

describe('the bare C ping-pong', () => {
  it('runs over udp on loopback, without root', async () => {
    const floor = await run('udp', undefined);
    expect(floor.mode).toBe('udp4');
    check(floor);
  });

  it.each([
    [[], /--role is server or client/],
    [['--role', 'client', '--rounds', '1x'], /--rounds wants a whole number, not '1x'/],
    [['--role', 'client', '--peer', 'nonsense'], /ADDRESS:PORT/],
    [['--role', 'client', '--what'], /unknown flag/],
  ])('says what is wrong with %j', (flags, message) => {
    const { status, stderr } = spawnSync(floorProgram('udp'), flags, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('leaves no files behind', async () => {
    await run('udp', undefined);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`emp-bench-${process.pid}-`))).toEqual([]);
  });
});

describeRoot('the bare C ping-pong on a testbed', () => {
  const cases: [FloorPath, string | undefined, string][] = [
    ['udp', undefined, 'udp4'],
    ['packet', undefined, 'ring'],
    ['packet', 'recv', 'recv'],
    ['xdp', undefined, 'native-copy'],
    ['xdp', 'generic-copy', 'generic-copy'],
  ];
  it.each(cases)('runs over %s (%s)', async (path, mode, obtained) => {
    await using testbed = await Testbed.up();
    const options = mode === undefined ? {} : { mode };
    for (const wait of ['spin', 'block', 'adaptive'] as const) {
      const floor = await run(path, testbed, { ...options, wait });
      expect(floor.mode).toBe(obtained);
      check(floor);
    }
    for (const size of [0, 1400]) check(await run(path, testbed, { ...options, size }));
  });

  it('refuses a message of more than a frame', async () => {
    await using testbed = await Testbed.up();
    await expect(run('packet', testbed, { size: 1497 })).rejects.toMatchObject({
      code: 'ERR_EMP_TOOL_FAILED',
      message: expect.stringContaining('--size is at most 1496'),
    });
  });
});
