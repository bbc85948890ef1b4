/** Huge pages: used when there are any, done without when not. The number of them is the machine's, and is put back. */
import { readFileSync, writeFileSync } from 'node:fs';

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';

import type { XdpOptions } from '../../../src/nic/contract.js';
import { openNic } from '../../../src/nic/open.js';
import { Testbed } from '../../../src/testbed/testbed.js';
import { describeRoot } from '../../support/root.js';
import { collect, EVENTUALLY, matches, Pair, sendOne } from '../harness.js';

const POOL = '/proc/sys/vm/nr_hugepages';
const ATTEMPTS = 20;

const inUse = (): number => Number(readFileSync(POOL, 'utf8'));
const free = (): number => Number(/HugePages_Free: +(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))![1]);

describeRoot('the memory of the xdp driver', () => {
  let testbed: Testbed;
  let before: string;
  /** A NIC of so few frames takes one page. */
  const options = (end: 'a' | 'b', hugePages: NonNullable<XdpOptions['hugePages']>): XdpOptions => {
    const { namespace, interface: name } = testbed.links[0][end];
    return { driver: 'xdp', namespace, interface: name, txFrames: 64, rxFrames: 64, hugePages };
  };

  beforeAll(async () => {
    testbed = await Testbed.up();
  });
  afterAll(() => testbed.down());

  beforeEach(() => {
    before = readFileSync(POOL, 'utf8');
    writeFileSync(POOL, '0'); // those that somebody uses stay
  });
  afterEach(() => writeFileSync(POOL, before));

  it('is of ordinary pages when there are no huge ones, unless they are required', async () => {
    expect(free()).toBe(0);
    expect(() => openNic(options('a', 'require'))).toThrow(
      expect.objectContaining({ code: 'ERR_EMP_NO_MEMORY', remedy: expect.stringContaining('vm.nr_hugepages=1') }),
    );
    using pair = new Pair(options('a', 'auto'), options('b', 'never'));
    expect([pair.a.info.hugePages, pair.b.info.hugePages]).toEqual([false, false]);
    await talk(pair);
  });

  it.each(['auto', 'require'] as const)('is of huge pages when there are any: %s', async (wish) => {
    makeOne();
    using pair = new Pair(options('a', wish), options('b', 'never'));
    expect([pair.a.info.hugePages, pair.b.info.hugePages]).toEqual([true, false]);
    expect(free()).toBe(0);
    await talk(pair);
    pair.a.close();
    await expect.poll(free, EVENTUALLY).toBe(1); // the kernel gives memory back when no CPU can be using it
  });
});

/** One free huge page. The kernel moves what is in the way, and gives up what it only keeps to be quick, until 2 MiB lie together. */
function makeOne(): void {
  const wanted = inUse() + 1;
  for (let i = 0; i < ATTEMPTS && free() === 0; i++) {
    if (i > 0) {
      writeFileSync('/proc/sys/vm/drop_caches', '3');
      writeFileSync('/proc/sys/vm/compact_memory', '1');
    }
    writeFileSync(POOL, String(wanted));
  }
  expect(free()).toBe(1);
}

/** Enough frames for every one of them to have been used. */
async function talk({ a, b, toA, toB }: Pair): Promise<void> {
  for (let i = 0; i < 200; i++) {
    sendOne(a, toB, 1000, i);
    expect(await collect(b, 1, (frame, length) => expect(matches(b, frame, length, i)).toBe(true))).toBe(1);
    sendOne(b, toA, 1000, i);
    expect(await collect(a, 1, (frame, length) => expect(matches(a, frame, length, i)).toBe(true))).toBe(1);
  }
}
