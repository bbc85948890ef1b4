/** Opened and closed 1000 times in a loop without growth: once for each driver, in processes of their own, all at once. */
import { existsSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { NicOptions } from '../../src/nic/contract.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';
import { BUILT, runFixture } from './harness.js';

const TIMES = 1000;
const FEW = { txFrames: 64, rxFrames: 64 };

type Growth = Record<'descriptors' | 'mappings' | 'resident' | 'heap' | 'external', number>;

/** @param warm cycles before the first look: until the allocator of the C library has as much as it keeps */
async function leavesNothing(options: NicOptions, warm = 400): Promise<void> {
  const growth = await runFixture<Growth>('cycles.mjs', { module: BUILT.href, options, times: TIMES, warm }, [
    '--expose-gc',
  ]);
  expect(growth.descriptors).toBeLessThanOrEqual(0);
  // V8 maps and unmaps its own pages meanwhile; one mapping left by each cycle would be a thousand.
  expect(growth.mappings).toBeLessThan(100);
  expect(growth.resident).toBeLessThan(32 << 20);
  expect(growth.heap).toBeLessThan(1 << 20);
  expect(growth.external).toBeLessThan(1 << 20);
}

const built = existsSync(BUILT);

describe.runIf(built).concurrent(`opened and closed ${TIMES} times, nothing grows`, { timeout: 240_000 }, () => {
  it('memory', () => leavesNothing({ driver: 'memory', name: 'cycles', ...FEW }));
  it('udp', () => leavesNothing({ driver: 'udp', port: 0, ...FEW }));
});

// Rings, and XDP programs on an interface, make the kernel wait for RCU grace periods: some 50 ms for each cycle, asleep.
describeRoot(`opened and closed ${TIMES} times over Ethernet, nothing grows`, () => {
  let testbed: Testbed;
  beforeAll(async () => {
    testbed = await Testbed.up({ links: 2 });
  });
  afterAll(() => testbed.down());

  it.runIf(built).concurrent.each(['packet', 'xdp'] as const)('%s', { timeout: 240_000 }, async (driver) => {
    const { namespace, interface: name } = testbed.links[driver === 'xdp' ? 0 : 1].a;
    // Slow cycles, and no memory of the C library.
    await leavesNothing({ driver, namespace, interface: name, ...FEW }, 50);
  });
});
