import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

import { expect, it } from 'vitest';

import { NicCounter } from '../../../src/nic/contract.js';
import { collect, counter, drain, fill, flushAll, mustAlloc, sendOne, wakes } from '../harness.js';
import type { Context } from './context.js';

/** What is counted. */
export function counters({ driver, openPair }: Context): void {
  it('equal what was moved', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    let bytes = 0;
    for (let i = 0; i < 400; i++) {
      const length = 20 + ((i * 37) % 1000);
      sendOne(a, toB, length, i);
      bytes += length;
      expect(await collect(b, 1)).toBe(1);
    }
    expect(counter(a, 'txFrames')).toBe(400);
    expect(counter(a, 'txBytes')).toBe(bytes);
    expect(counter(b, 'rxFrames')).toBe(400);
    expect(counter(b, 'rxBytes')).toBe(bytes);
    for (const nic of [a, b]) {
      for (const name of ['rxDropped', 'rxInvalid', 'txErrors', 'txBusy', 'holdCopies'] as const) {
        expect([name, counter(nic, name)]).toEqual([name, 0]);
      }
    }
  });

  it('go on in the memory that they are told to count in', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    sendOne(a, toB, 100, 1);
    expect(await collect(b, 1)).toBe(1);
    const memory = [a, b].map((nic) => {
      const counters = new Float64Array(nic.counters.length);
      nic.countIn(counters);
      return counters;
    });
    sendOne(a, toB, 200, 2);
    expect(await collect(b, 1)).toBe(1);
    expect([memory[0][NicCounter.txFrames], memory[0][NicCounter.txBytes]]).toEqual([2, 300]);
    expect([memory[1][NicCounter.rxFrames], memory[1][NicCounter.rxBytes]]).toEqual([2, 300]);
    expect([a.counters, b.counters]).toEqual(memory);
  });

  it('tell what was lost when nobody received', async () => {
    using pair = openPair({ txFrames: 64, rxFrames: 64 });
    const { a, b, toB } = pair;
    const frame = mustAlloc(a);
    const length = a.info.mtu;
    fill(a, frame, length, 9);
    let sent = 0;
    // Until the receiver's memory, ring or socket buffer, must have run over.
    const enough = Math.max(2000, Math.ceil((64 << 20) / length / (driver.wire === 'udp' ? 1 : 32)));
    for (; sent < enough;) {
      for (let i = 0; i < 8 && a.send(frame, length, toB); i++) sent++;
      flushAll(a);
      if (sent % 256 === 0) await setImmediate();
    }
    await sleep(20);
    let got = drain(b);
    // The count may come with the next frame, or before sleep.
    sendOne(a, toB, 64, 1);
    sent++;
    got += await collect(b, 1);
    await wakes(b, 10);
    expect(got).toBeLessThan(sent);
    const dropped = counter(b, 'rxDropped');
    // With packet and udp it is the ring, or the socket's buffer, that runs over; with xdp the chunks run out first.
    if (b.info.driver === 'packet' || b.info.driver === 'udp') expect(counter(b, 'rxRingFull')).toBe(dropped);
    if (b.info.driver === 'xdp') expect(counter(b, 'rxRingFull')).toBe(0);
    if (driver.losesJoined === true) {
      expect(dropped).toBeGreaterThan(0);
      expect(got + dropped).toBeLessThanOrEqual(sent);
    } else {
      expect(got + dropped).toBe(sent);
    }
    expect(counter(b, 'rxFrames')).toBe(got);
  });
}
