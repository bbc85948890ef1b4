import { setImmediate } from 'node:timers/promises';

import { expect, it } from 'vitest';

import type { Frame, Nic } from '../../../src/nic/contract.js';
import { NO_FRAME } from '../../../src/nic/contract.js';
import { collect, counter, drain, fill, flushAll, matches, mustAlloc, numberOf, sendOne } from '../harness.js';
import type { Context } from './context.js';

/** Received frames that are kept. */
export function heldFrames({ openPair }: Context): void {
  it('keep their bytes across many bursts and turns of the ring', async () => {
    using pair = openPair({ txFrames: 64, rxFrames: 64 });
    const { a, b, toB } = pair;
    const held = new Map<number, Frame>();
    let next = 0;
    for (let sent = 0; sent < 3000;) {
      for (let i = 0; i < 8; i++, sent++) sendOne(a, toB, 120, sent);
      await collect(b, 8, (frame, length, index) => {
        const number = numberOf(b, frame);
        expect(number).toBe(next++);
        expect(matches(b, frame, length, number)).toBe(true);
        // 30 frames held at any time; the oldest goes.
        if (number % 10 !== 3) return;
        const kept = b.hold(index);
        expect(kept).not.toBe(NO_FRAME);
        held.set(number, kept);
      });
      if (held.size > 30) {
        const [oldest, frame] = held.entries().next().value!;
        expect(matches(b, frame, 120, oldest)).toBe(true);
        b.free(frame);
        held.delete(oldest);
      }
    }
    expect(next).toBe(3000);
    for (const [number, frame] of held) {
      expect(matches(b, frame, 120, number)).toBe(true);
      b.free(frame);
    }
    expect(counter(b, 'rxDropped')).toBe(0);
  });

  it('run out without harm: reception goes on, and freed ones can be held again', async () => {
    using pair = openPair({ txFrames: 64, rxFrames: 64 });
    const { a, b, toB } = pair;
    for (let round = 0; round < 3; round++) {
      const held: Frame[] = [];
      // Holds all it can, as long as something comes.
      for (let i = 0; i < 300; i++) {
        sendOne(a, toB, 90, i);
        await collectSome(b, (frame, _length, index) => {
          if (numberOf(b, frame) !== i) return;
          const kept = b.hold(index);
          if (kept !== NO_FRAME) held.push(kept);
        });
        if (held.length >= b.info.rxFrames) break;
      }
      expect(held.length).toBeGreaterThanOrEqual(32);
      for (const frame of held) b.free(frame);
      drain(b);
      sendOne(a, toB, 90, 77_000 + round);
      const seen: number[] = [];
      await collect(b, 1, (frame) => seen.push(numberOf(b, frame)));
      expect(seen).toContain(77_000 + round);
    }
  });

  it('can be held all of one burst', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    const frames: Frame[] = [];
    for (let i = 0; i < 40; i++) {
      const frame = mustAlloc(a);
      frames.push(frame);
      fill(a, frame, 500, i);
      expect(a.send(frame, 500, toB)).toBe(true);
    }
    flushAll(a);
    const held: Frame[] = [];
    await collect(b, 40, (_frame, _length, index) => held.push(b.hold(index)));
    expect(new Set(held).size).toBe(40);
    held.forEach((frame, i) => expect(matches(b, frame, 500, i)).toBe(true));
    for (const frame of held) b.free(frame);
  });

  it('can be kept in parts, each a copy of its own', async () => {
    using pair = openPair({ txFrames: 64, rxFrames: 64 });
    const { a, b, toB } = pair;
    const sent = mustAlloc(a);
    fill(a, sent, 400, 5);
    const bytes = a.bytes.slice(sent, sent + 400);
    expect(a.send(sent, 400, toB)).toBe(true);
    flushAll(a);
    const parts: { start: number; kept: Frame }[] = [];
    await collect(b, 1, (frame) => {
      for (let start = 0; start < 400; start += 100) parts.push({ start, kept: b.keep(frame + start, 100) });
    });
    // Over everything that was only lent.
    for (let i = 0; i < 300; i++) sendOne(a, toB, 400, i);
    drain(b);
    for (const { start, kept } of parts) {
      expect(kept).not.toBe(NO_FRAME);
      expect(b.bytes.slice(kept, kept + 100)).toEqual(bytes.slice(start, start + 100));
      b.free(kept);
    }
  });

  it('as long as the longest can be kept as a copy, until memory runs out; and again when it was freed', async () => {
    using pair = openPair({ txFrames: 64, rxFrames: 64 });
    const { a, b, toB } = pair;
    const length = a.info.mtu;
    const frame = mustAlloc(a);
    fill(a, frame, length, 3);
    for (let round = 0; round < 2; round++) {
      expect(a.send(frame, length, toB)).toBe(true);
      flushAll(a);
      const copies: Frame[] = [];
      await collect(b, 1, (at) => {
        for (let copy = b.keep(at, length); copy !== NO_FRAME; copy = b.keep(at, length)) copies.push(copy);
      });
      expect(copies.length).toBeGreaterThan(8);
      expect(new Set(copies).size).toBe(copies.length);
      for (const copy of copies) {
        expect(matches(b, copy, length, 3)).toBe(true);
        b.free(copy);
      }
    }
  });
}

async function collectSome(nic: Nic, each: (frame: Frame, length: number, index: number) => void): Promise<void> {
  for (let i = 0; i < 20; i++) {
    if (drain(nic, each) > 0) return;
    await setImmediate();
  }
}
