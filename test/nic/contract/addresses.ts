import { expect, it } from 'vitest';

import type { DriverCase } from '../drivers.js';
import { collect, matches, sendOne } from '../harness.js';
import type { Context } from './context.js';

/** Machines, as texts and as numbers. */
export function addresses({ driver, openPair }: Context): void {
  it('of the sender can be sent to', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    sendOne(a, toB, 64, 1);
    let source = '';
    await collect(b, 1, (_frame, _length, index) => (source = b.source(index)));
    expect(source).toBe(a.info.address);
    sendOne(b, b.peer(source), 64, 2);
    expect(await collect(a, 1, (frame, n) => expect(matches(a, frame, n, 2)).toBe(true))).toBe(1);
  });

  it('have one number for each machine, however they are written', () => {
    using pair = openPair();
    const { a, b } = pair;
    const peer = a.peer(b.info.address);
    expect(a.peer(b.info.address)).toBe(peer);
    if (driver.wire === 'ethernet') expect(a.peer(b.info.address.toUpperCase())).toBe(peer);
  });

  it('that are none are refused', () => {
    using pair = openPair();
    for (const address of driver.badAddresses) {
      expect(() => pair.a.peer(address), JSON.stringify(address)).toThrow(
        expect.objectContaining({ code: 'ERR_EMP_ADDRESS' }),
      );
    }
  });

  it('are forgotten after as many forgets as peers, not before', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    expect(a.peer(b.info.address)).toBe(toB);
    a.forget(toB);
    sendOne(a, toB, 64, 3);
    expect(await collect(b, 1)).toBe(1);
    // Many come and go: the numbers stay small.
    for (let i = 0; i < 5000; i++) a.forget(a.peer(someAddress(driver, i)));
    expect(a.peer(someAddress(driver, 1))).toBeLessThan(16);
    sendOne(a, toB, 64, 4);
    expect(await collect(b, 1)).toBe(1);
  });

  it('can be many at once', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    const peers = new Set<number>([toB]);
    for (let i = 0; i < 1000; i++) peers.add(a.peer(someAddress(driver, i)));
    expect(peers.size).toBe(1001);
    sendOne(a, toB, 64, 5);
    expect(await collect(b, 1, (frame, n) => expect(matches(b, frame, n, 5)).toBe(true))).toBe(1);
  });
}

/** Addresses to which nothing is sent. */
function someAddress(driver: DriverCase, i: number): string {
  if (driver.wire === 'memory') return `memory:nobody-${i}`;
  if (driver.wire === 'udp') return `${driver.name.startsWith('udp4') ? '127.0.1.1' : '[2001:db8::1]'}:${20_000 + i}`;
  return `02:00:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 0xff).toString(16).padStart(2, '0')}`;
}
