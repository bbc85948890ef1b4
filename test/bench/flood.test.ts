import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

import { runFlood, type Flood, type FloodOptions } from '../../bench/flood.js';
import { setupOf } from '../../bench/pingpong/setup.js';
import { floorProgram, type FloorPath } from '../../bench/program.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';

async function run(path: FloorPath, testbed: Testbed | undefined, options: Partial<FloodOptions> = {}): Promise<Flood> {
  const { floor } = setupOf(path, testbed);
  return runFlood({ path, ...floor!, size: 64, warmup: 20, measured: 100, ...options });
}

function check(flood: Flood): void {
  expect(flood.seconds).toBeGreaterThan(0.09);
  expect(flood.frames).toBeGreaterThan(1000);
  expect((flood.frames_per_s * flood.seconds) / flood.frames).toBeCloseTo(1, 4);
}

describe('the bare C flood', () => {
  it.each(['single', 'batch', 'gso'])('runs over udp on loopback (%s)', async (mode) => {
    const flood = await run('udp', undefined, { mode });
    expect(flood.mode).toBe(mode);
    check(flood);
    expect(flood.gbit_per_s).toBeCloseTo((flood.frames_per_s * 64 * 8) / 1e9, 2);
  });

  it.each([
    [['--role', 'server', '--local', '127.0.0.1:0', '--size', '3'], /--size is from 4 to 65507/],
    [['--role', 'server', '--local', '127.0.0.1:0', '--mode', 'x'], /--mode is single, batch or gso/],
    [['--role', 'client', '--ms', '0'], /--ms is at least 1/],
  ])('says what is wrong with %j', (flags, message) => {
    const { status, stderr } = spawnSync(floorProgram('udp', 'flood'), flags, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describeRoot('the bare C flood on a testbed', () => {
  it.each([
    ['xdp', 'native-copy'],
    ['xdp', 'generic-copy'],
    ['packet', 'ring'],
    ['packet', 'send'],
    ['udp', 'gso'],
  ] as const)('runs over %s (%s)', async (path, mode) => {
    await using testbed = await Testbed.up();
    for (const size of [64, 1400]) {
      const flood = await run(path, testbed, { mode, size });
      expect(flood.mode).toBe(mode);
      check(flood);
    }
  });
});
