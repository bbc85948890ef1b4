import { expect, it } from 'vitest';

import type { Frame } from '../../../src/nic/contract.js';
import { NO_FRAME } from '../../../src/nic/contract.js';
import { collect, counter, drain, fill, flushAll, landed, matches, mustAlloc, sendOne } from '../harness.js';
import type { Context } from './context.js';

/** The pool that frames are sent from, and the transmit ring. */
export function transmitFrames({ openPair }: Context): void {
  it('are as many as info says, apart from each other, and large enough', () => {
    using pair = openPair({ txFrames: 128 });
    const { a } = pair;
    const frames: Frame[] = [];
    for (let frame = a.alloc(0); frame !== NO_FRAME; frame = a.alloc(0)) frames.push(frame);
    expect(frames).toHaveLength(a.info.txFrames);
    expect(a.info.txFrames).toBe(128);
    expect(frames.filter((frame) => frame % 4 !== 0)).toEqual([]);
    frames.sort((x, y) => x - y);
    for (let i = 1; i < frames.length; i++) expect(frames[i] - frames[i - 1]).toBeGreaterThanOrEqual(a.info.mtu);
    expect(frames[0]).toBeGreaterThanOrEqual(0);
    expect(frames.at(-1)! + a.info.mtu).toBeLessThanOrEqual(a.bytes.length);
  });

  it('keep a reserve for those who ask for none', () => {
    using pair = openPair({ txFrames: 64 });
    const { a } = pair;
    let taken = 0;
    while (a.alloc(10) !== NO_FRAME) taken++;
    expect(taken).toBe(54);
    for (let i = 0; i < 10; i++) expect(a.alloc(0)).not.toBe(NO_FRAME);
    expect(a.alloc(0)).toBe(NO_FRAME);
  });

  it('run out, and come back', async () => {
    using pair = openPair({ txFrames: 64 });
    const { a, b, toB } = pair;
    for (let round = 0; round < 5; round++) {
      const frames: Frame[] = [];
      for (let frame = a.alloc(0); frame !== NO_FRAME; frame = a.alloc(0)) frames.push(frame);
      expect(frames).toHaveLength(64);
      for (const frame of frames) a.free(frame);
      sendOne(a, toB, 80, round);
      expect(await collect(b, 1, (frame, n) => expect(matches(b, frame, n, round)).toBe(true))).toBe(1);
    }
  });

  it('keep their bytes after send, and can be sent again', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    const frame = mustAlloc(a);
    fill(a, frame, 333, 7);
    for (let again = 0; again < 5; again++) {
      expect(a.send(frame, 333, toB)).toBe(true);
      flushAll(a);
      await landed(a, frame);
      expect(matches(a, frame, 333, 7)).toBe(true);
    }
    expect(a.send(frame, 333, toB) && a.send(frame, 333, toB)).toBe(true); // twice in one burst
    flushAll(a);
    expect(await collect(b, 7, (f, n) => expect(matches(b, f, n, 7)).toBe(true))).toBe(7);
    a.free(frame);
  });

  it('may be changed and sent again once they are not in flight', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    const frame = mustAlloc(a);
    for (let i = 0; i < 300; i++) {
      fill(a, frame, 70, i);
      expect(a.send(frame, 70, toB)).toBe(true);
      flushAll(a);
      await landed(a, frame);
    }
    let next = 0;
    await collect(b, 300, (f, n) => expect(matches(b, f, n, next++)).toBe(true));
    expect(next).toBe(300);
  });

  it('freed before they left do not come back too early', async () => {
    using pair = openPair({ txFrames: 16 });
    const { a, b, toB } = pair;
    const frame = mustAlloc(a);
    fill(a, frame, 200, 42);
    expect(a.send(frame, 200, toB)).toBe(true);
    a.free(frame);
    // Whoever gets a frame now may write to it.
    const others: Frame[] = [];
    for (let other = a.alloc(0); other !== NO_FRAME; other = a.alloc(0)) {
      others.push(other);
      fill(a, other, 200, 99);
    }
    flushAll(a);
    expect(await collect(b, 1, (f, n) => expect(matches(b, f, n, 42)).toBe(true))).toBe(1);
    for (const other of others) a.free(other);
    for (let i = 0; i < 1000 && a.alloc(0) === NO_FRAME; i++) a.flush();
    let back = 1;
    while (a.alloc(0) !== NO_FRAME) back++;
    expect(back).toBe(16);
  });

  it('are refused when the transmit ring is full, and taken after flush', async () => {
    using pair = openPair({ txFrames: 64 }, { rxFrames: 4096 });
    const { a, b, toB } = pair;
    const frame = mustAlloc(a);
    fill(a, frame, 60, 5);
    let taken = 0;
    while (taken < 100_000 && a.send(frame, 60, toB)) taken++;
    expect(taken).toBeGreaterThanOrEqual(16);
    expect(taken).toBeLessThan(100_000);
    expect(counter(a, 'txBusy')).toBe(1);
    expect(counter(a, 'txFrames')).toBe(taken);
    let got = 0;
    while (!a.flush()) got += drain(b);
    await landed(a, frame);
    expect(a.send(frame, 60, toB)).toBe(true);
    flushAll(a);
    got += await collect(b, taken + 1 - got - counter(b, 'rxDropped'), (f, n) =>
      expect(matches(b, f, n, 5)).toBe(true),
    );
    expect(got + counter(b, 'rxDropped')).toBe(taken + 1);
  });

  it('longer than the mtu are refused before they could write over others', async () => {
    using pair = openPair({ txFrames: 64 });
    const { a, b, toB } = pair;
    const { mtu } = a.info;
    const before = Buffer.from(a.bytes);
    const frame = mustAlloc(a);
    for (const length of [mtu + 1, 2 * mtu, 65_567, 2 ** 31, Infinity]) {
      expect(() => a.send(frame, length, toB), `${length}`).toThrow(
        expect.objectContaining({ code: 'ERR_EMP_MESSAGE_TOO_LONG' }),
      );
    }
    expect(before.equals(a.bytes)).toBe(true);
    expect(a.inFlight(frame)).toBe(false);
    expect(a.flush()).toBe(true);
    expect([counter(a, 'txFrames'), counter(a, 'txBytes'), counter(a, 'kicks')]).toEqual([0, 0, 0]);
    a.free(frame);
    sendOne(a, toB, mtu, 1); // and no harm was done
    expect(await collect(b, 1, (f, n) => expect(matches(b, f, n, 1)).toBe(true))).toBe(1);
    expect(counter(b, 'rxFrames')).toBe(1);
  });

  it('cost one kick for a burst', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    const frame = mustAlloc(a);
    fill(a, frame, 60, 1);
    for (let i = 0; i < 16; i++) a.send(frame, 60, toB);
    expect(counter(a, 'kicks')).toBe(0);
    flushAll(a);
    expect(counter(a, 'kicks')).toBe(1);
    expect(a.flush()).toBe(true); // nothing to do
    expect(counter(a, 'kicks')).toBe(1);
    expect(await collect(b, 16)).toBe(16);
  });
}
