import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

import { expect, it } from 'vitest';

import { openNic } from '../../../src/nic/open.js';
import { collect, collectGarbage, flushAll, mappings, mustAlloc, openDescriptors, ringMappings } from '../harness.js';
import type { Context } from './context.js';

const NAMES = ['a', 'b'] as const;
/** Once for each row; `cycles.test.ts` does it 1000 times for each driver. */
const CYCLES = 40;

/** What a NIC leaves behind: nothing. */
export function close({ options, openPair }: Context): void {
  it('detaches the memory and makes every call harmless', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    const frame = mustAlloc(a);
    a.send(frame, 64, toB);
    a.watch(() => expect.unreachable('closed NICs do not wake'));
    const { bytes, view } = a;
    a.close();
    a.close();
    expect(a.state).toBe('closed');
    expect(bytes.length).toBe(0);
    expect(() => view.getUint8(0)).toThrow();
    const calls: (() => unknown)[] = [
      () => a.alloc(0),
      () => a.send(frame, 64, toB),
      () => a.flush(),
      () => a.inFlight(frame),
      () => a.receive(),
      () => a.hold(0),
      () => a.keep(frame, 64),
      () => a.recycle(),
      () => a.free(frame),
      () => a.peer(b.info.address),
      () => a.forget(toB),
      () => a.watch(() => expect.unreachable('closed NICs do not wake')),
      () => a.unwatch(),
    ];
    for (const call of calls) {
      try {
        call();
      } catch (error) {
        expect(error, String(call)).toMatchObject({ code: 'ERR_EMP_CLOSED' });
      }
    }
    await sleep(5);
  });

  it('frees descriptors and rings, also with frames held, queued and watched', async () => {
    await cycle(1);
    const descriptors = openDescriptors();
    const rings = ringMappings();
    for (let i = 0; i < 3; i++) {
      using pair = openPair();
      const { a, b, toB } = pair;
      const frame = mustAlloc(a);
      a.send(frame, 64, toB);
      flushAll(a);
      await collect(b, 1, (_frame, _length, index) => b.hold(index));
      a.send(frame, 64, toB);
      for (const name of NAMES) pair[name].watch(() => {});
    }
    // By close, not by the garbage collector.
    expect(openDescriptors()).toBeLessThanOrEqual(descriptors);
    expect(ringMappings()).toBe(rings);
    await settle();
    expect(openDescriptors()).toBeLessThanOrEqual(descriptors);
    expect(ringMappings()).toBe(rings);
  });

  it(`${CYCLES} times in a row leaves nothing behind`, async () => {
    await cycle(20);
    await settle();
    const descriptors = openDescriptors();
    const maps = mappings();
    const { rss } = process.memoryUsage();
    await cycle(CYCLES);
    await settle();
    expect(openDescriptors()).toBeLessThanOrEqual(descriptors);
    // V8 maps and unmaps its own pages meanwhile.
    expect(mappings() - maps).toBeLessThan(CYCLES);
    expect(process.memoryUsage().rss - rss).toBeLessThan(48 << 20);
  });

  async function cycle(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      const nic = openNic(options('a', { txFrames: 64, rxFrames: 64 }));
      const frame = mustAlloc(nic);
      nic.bytes.fill(1, frame, frame + 100);
      nic.watch(() => {});
      nic.close();
      if (i % 10 === 9) await setImmediate();
      if (i % 100 === 99) collectGarbage();
    }
  }

  async function settle(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      collectGarbage();
      await sleep(5);
    }
  }
}
