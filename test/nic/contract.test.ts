/** The behaviours of `src/nic/contract.ts`. A driver that passes is a driver. */
import { existsSync } from 'node:fs';

import { afterAll, beforeAll, describe } from 'vitest';

import { openNic } from '../../src/nic/open.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';
import { addresses } from './contract/addresses.js';
import { bytes } from './contract/bytes.js';
import type { Context } from './contract/context.js';
import { counters } from './contract/counters.js';
import { onEthernet } from './contract/ethernet.js';
import { heldFrames } from './contract/held.js';
import { close } from './contract/life.js';
import { javaScriptMemory } from './contract/memory.js';
import { processes } from './contract/processes.js';
import { transmitFrames } from './contract/transmit.js';
import { waiting } from './contract/waiting.js';
import { DRIVERS } from './drivers.js';
import type { DriverCase } from './drivers.js';
import { BUILT, Pair } from './harness.js';

for (const driver of DRIVERS) {
  const declare = driver.testbedMtu === undefined ? describe : describeRoot;
  declare(`driver ${driver.name}`, () => contract(driver));
}

function contract(driver: DriverCase): void {
  let testbed: Testbed | undefined;

  beforeAll(async () => {
    if (driver.testbedMtu !== undefined) testbed = await Testbed.up({ mtu: driver.testbedMtu });
  });
  afterAll(async () => testbed?.down());

  const options: Context['options'] = (end, sizes = {}) => ({
    ...driver.options(end, testbed?.links[0] as Testbed['links'][number]),
    ...sizes,
  });
  const openPair: Context['openPair'] = (a = {}, b = a) =>
    new Pair(options('a', a), options('b', b), (one) => driver.open?.(one) ?? openNic(one));
  const context: Context = { driver, options, openPair };

  describe('bytes', () => bytes(context));
  describe('transmit frames', () => transmitFrames(context));
  describe('held frames', () => heldFrames(context));
  describe('addresses', () => addresses(context));
  describe('watch', () => waiting(context));
  describe('counters', () => counters(context));
  describe('close', () => close(context));
  if (driver.wire === 'ethernet') describe('on Ethernet', () => onEthernet(context));
  // Two ends of the memory driver are in one process.
  if (driver.wire !== 'memory') describe.runIf(existsSync(BUILT))('at the end', () => processes(context));
  // Only what its options open can be opened in another process.
  if (driver.open === undefined)
    describe.runIf(existsSync(BUILT))('JavaScript memory', () => javaScriptMemory(context));
}
