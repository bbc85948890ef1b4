import { expect, it } from 'vitest';

import type { Frame } from '../../../src/nic/contract.js';
import { collect, counter, drain, fill, flushAll, matches, mustAlloc, sendOne, waitFor, wakes } from '../harness.js';
import type { Context } from './context.js';

/** What is sent is what arrives. */
export function bytes({ openPair }: Context): void {
  it('arrive unchanged, at every length from 1 to mtu', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    const { mtu } = a.info;
    expect(b.info.mtu).toBe(mtu);
    // All short ones and all near the limit; between them a stride that is prime to every alignment.
    for (let length = 1; length <= mtu; length += length < 300 || length > mtu - 70 ? 1 : 13) {
      sendOne(a, toB, length, length);
      const seen: number[] = [];
      await collect(b, 1, (frame, got) => {
        seen.push(got);
        expect(matches(b, frame, got, length)).toBe(true);
      });
      expect(seen).toEqual([length]);
    }
  });

  it('arrive at a frame that lies within the memory, whole', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    sendOne(a, toB, a.info.mtu, 1);
    await collect(b, 1, (frame, length) => {
      expect(frame).toBeGreaterThanOrEqual(0);
      expect(frame + length).toBeLessThanOrEqual(b.bytes.length);
    });
  });

  it('go both ways at once', async () => {
    using pair = openPair();
    const { a, b, toA, toB } = pair;
    for (let i = 0; i < 500; i++) {
      sendOne(a, toB, 64, i);
      sendOne(b, toA, 64, 1000 + i);
      expect(await collect(a, 1, (frame, n) => expect(matches(a, frame, n, 1000 + i)).toBe(true))).toBe(1);
      expect(await collect(b, 1, (frame, n) => expect(matches(b, frame, n, i)).toBe(true))).toBe(1);
    }
  });

  it('of many more frames than the rings hold arrive in order, each once', async () => {
    using pair = openPair({ txFrames: 64, rxFrames: 64 });
    const { a, b, toB } = pair;
    const total = 2000;
    let next = 0;
    for (let sent = 0; sent < total;) {
      const burst = Math.min(16, total - sent);
      for (let i = 0; i < burst; i++, sent++) {
        const frame = mustAlloc(a);
        fill(a, frame, 100, sent);
        expect(a.send(frame, 100, toB)).toBe(true);
        a.free(frame);
      }
      flushAll(a);
      await collect(b, burst, (frame, length) => {
        expect(matches(b, frame, length, next)).toBe(true);
        next++;
      });
    }
    expect(next).toBe(total);
    expect(counter(b, 'rxDropped')).toBe(0);
  });

  it('answered at once leave before their burst is recycled, through many turns of small rings', async () => {
    using pair = openPair({ txFrames: 64, rxFrames: 64 });
    const { a, b, toA, toB } = pair;
    for (let i = 0; i < 1000; i++) {
      sendOne(a, toB, 64, i);
      const held: Frame[] = [];
      await waitFor(() => b.receive() === 1);
      expect(matches(b, b.rx.frame[0], b.rx.length[0], i)).toBe(true);
      sendOne(b, toA, 64, 5000 + i); // flushes, in the middle of the burst
      expect(b.source(0)).toBe(a.info.address);
      if (i % 3 === 0) held.push(b.hold(0));
      expect(matches(b, held[0] ?? b.rx.frame[0], 64, i)).toBe(true);
      b.recycle();
      expect(b.flush()).toBe(true);
      expect(await collect(a, 1, (frame, n) => expect(matches(a, frame, n, 5000 + i)).toBe(true))).toBe(1);
      for (const frame of held) b.free(frame);
    }
    expect(counter(b, 'rxFrames')).toBe(1000);
    expect(counter(b, 'kicks')).toBe(1000);
    expect(counter(b, 'rxDropped')).toBe(0);
  });

  it('come in bursts of 64 at most, and a watch knows of those that wait', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    expect([b.rx.frame.length, b.rx.length.length]).toEqual([64, 64]);
    const frame = mustAlloc(a);
    // From the first question and answer to a stream of equal frames, which may come joined.
    for (const burst of [1, 10, 130, 250]) {
      fill(a, frame, 60, burst);
      for (let i = 0; i < burst; i++) expect(a.send(frame, 60, toB)).toBe(true);
      flushAll(a);
      let got = 0;
      while (got < burst) {
        expect(await wakes(b, 1000)).toBe(true);
        const count = b.receive();
        expect(count).toBeLessThanOrEqual(64);
        for (let i = 0; i < count; i++) {
          expect(matches(b, b.rx.frame[i], b.rx.length[i], burst)).toBe(true);
          expect(b.source(i)).toBe(a.info.address);
        }
        b.recycle();
        got += count;
      }
      expect(got).toBe(burst);
    }
    expect(await wakes(b, 20)).toBe(false);
    expect(counter(b, 'rxFrames')).toBe(391);
  });

  it('are not looped back to their sender', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    for (let i = 0; i < 50; i++) sendOne(a, toB, 60, i);
    expect(await collect(b, 50)).toBe(50);
    expect(drain(a)).toBe(0);
    expect(counter(a, 'rxFrames')).toBe(0);
  });
}
