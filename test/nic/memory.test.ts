/** What is special to the memory driver; `contract.test.ts` has what all drivers do. */
import { afterEach, describe, expect, it } from 'vitest';

import type { MemoryOptions } from '../../src/nic/contract.js';
import { NicCounter } from '../../src/nic/contract.js';
import { openMemory } from '../../src/nic/memory.js';
import type { MemoryNic } from '../../src/nic/memory.js';
import { collect, collectGarbage, drain, matches, sendOne, waitFor } from './harness.js';

const opened: MemoryNic[] = [];
afterEach(() => {
  for (const nic of opened.splice(0)) nic.close();
});

const FEW = { txFrames: 64, rxFrames: 64 };
function open(name: string, options: Partial<MemoryOptions> = FEW): MemoryNic {
  const nic = openMemory({ driver: 'memory', name, ...options });
  opened.push(nic);
  return nic;
}

describe('arguments', () => {
  it.each([
    [{ mtu: -5 }, /mtu is -5/],
    [{ mtu: 1.5 }, /mtu is 1.5/],
    [{ mtu: 9e9 }, /mtu is 9000000000/],
    [{ mtu: 95 }, /from 96 to 65535/],
    [{ txFrames: 'many' }, /txFrames is 'many'/],
    [{ txFrames: 100 }, /power of two/],
    [{ rxFrames: 1 }, /rxFrames is 1/],
    [{ mtu: 65535, txFrames: 65536 }, /2 GiB/],
    [{ colour: 'red' }, /no option 'colour'.*name, txFrames/],
    [{ name: 7 }, /needs a name/],
    [{ name: '' }, /needs a name/],
  ])('%j is refused', (options, message) => {
    const bad = options as Partial<MemoryOptions>;
    expect(() => open('bad', bad)).toThrow(expect.objectContaining({ code: 'ERR_EMP_ARGUMENT' }));
    expect(() => open('bad', bad)).toThrow(message);
    open('bad').close(); // the name was not taken
  });

  it.each([96, 1000, 65535])('mtu %i is taken', async (mtu) => {
    const a = open('a', { ...FEW, mtu });
    const b = open('b', { ...FEW, mtu });
    sendOne(a, a.peer('memory:b'), mtu, 1);
    expect(
      await collect(b, 1, (frame, length) => {
        expect(length).toBe(mtu);
        expect(matches(b, frame, length, 1)).toBe(true);
      }),
    ).toBe(1);
  });

  it.each([7, undefined, null, {}, Symbol('s')])('an address that is %o is refused', (address) => {
    expect(() => open('a').peer(address as string)).toThrow(expect.objectContaining({ code: 'ERR_EMP_ADDRESS' }));
  });
});

it('a name in use is refused, and free again after close', () => {
  const a = open('a');
  expect(() => open('a')).toThrow(expect.objectContaining({ code: 'ERR_EMP_ADDRESS_IN_USE' }));
  a.close();
  open('a');
});

it('frames to nobody are lost and counted', () => {
  const a = open('a');
  sendOne(a, a.peer('memory:nobody'), 64, 1);
  expect(a.counters[NicCounter.txErrors]).toBe(1);
});

it('a closed sender is not kept alive by what it sent; who it was is known all the same', async () => {
  const b = open('b');
  const gone: WeakRef<MemoryNic>[] = [];
  const sendAndClose = (name: string): void => {
    const nic = openMemory({ driver: 'memory', name, ...FEW });
    sendOne(nic, nic.peer('memory:b'), 64, 1);
    nic.close();
    gone.push(new WeakRef(nic));
  };
  sendAndClose('first');
  expect(b.receive()).toBe(1);
  expect(b.source(0)).toBe('memory:first');
  b.recycle();
  sendAndClose('second'); // this one is still in the ring
  await waitFor(() => {
    collectGarbage();
    return gone.every((nic) => nic.deref() === undefined);
  });
  const sources: string[] = [];
  drain(b, (_frame, _length, index) => sources.push(b.source(index)));
  expect(sources).toEqual(['memory:second']);
});

it('the positions of the receive ring wrap', () => {
  const a = open('a');
  const b = open('b');
  const toB = a.peer('memory:b');
  let next = 0;
  // The ring begins 512 frames before its positions become negative. Some wait in it all the time.
  for (let i = 0; i < 3000; i++) {
    sendOne(a, toB, 64, i);
    if (i % 7 === 6) drain(b, (frame, length) => expect(matches(b, frame, length, next++)).toBe(true));
  }
  drain(b, (frame, length) => expect(matches(b, frame, length, next++)).toBe(true));
  expect(next).toBe(3000);
  expect(b.counters[NicCounter.rxDropped]).toBe(0);
});
