import { setTimeout as sleep } from 'node:timers/promises';

import { expect, it } from 'vitest';

import type { Frame } from '../../../src/nic/contract.js';
import { collect, collectUncaught, drain, matches, sendOne, waitFor, wakes } from '../harness.js';
import type { Context } from './context.js';

/** To sleep until frames come. */
export function waiting({ openPair }: Context): void {
  it('wakes when a frame comes, once', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    for (let i = 0; i < 20; i++) {
      let calls = 0;
      b.watch(() => calls++);
      await sleep(2);
      expect(calls).toBe(0);
      sendOne(a, toB, 64, i);
      await waitFor(() => calls > 0);
      expect(await collect(b, 1)).toBe(1);
      sendOne(a, toB, 64, i);
      await sleep(2);
      expect(calls).toBe(1);
      expect(await collect(b, 1)).toBe(1);
    }
  });

  it('wakes at once if frames wait already', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    sendOne(a, toB, 64, 1);
    await sleep(10);
    expect(await wakes(b, 1000)).toBe(true);
    expect(await collect(b, 1)).toBe(1);
  });

  it('does not wake when everything was received, also with frames held', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    for (let i = 0; i < 3; i++) sendOne(a, toB, 64, i);
    const held: Frame[] = [];
    expect(await collect(b, 3, (_frame, _length, index) => held.push(b.hold(index)))).toBe(3);
    // One wake without cause is allowed (a frame may be seen before its wake-up); a second would be a busy loop.
    await wakes(b, 30);
    expect(drain(b)).toBe(0);
    expect(await wakes(b, 50)).toBe(false);
    for (const frame of held) b.free(frame);
  });

  it('is replaced by a second watch, and ended by unwatch', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    const calls: string[] = [];
    b.watch(() => calls.push('first'));
    b.watch(() => calls.push('second'));
    sendOne(a, toB, 64, 1);
    await waitFor(() => calls.length > 0);
    expect(calls).toEqual(['second']);
    expect(await collect(b, 1)).toBe(1);
    b.watch(() => calls.push('third'));
    b.unwatch();
    sendOne(a, toB, 64, 2);
    await sleep(30);
    expect(calls).toEqual(['second']);
    b.unwatch(); // twice is no harm
    expect(await collect(b, 1)).toBe(1);
  });

  it('leaves a usable NIC when the callback throws', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    const errors = await collectUncaught(async () => {
      b.watch(() => {
        throw new Error('thrown by a handler');
      });
      sendOne(a, toB, 64, 1);
      await sleep(30);
    });
    expect(errors).toEqual([expect.objectContaining({ message: 'thrown by a handler' })]);
    expect(await collect(b, 1)).toBe(1);
    sendOne(a, toB, 64, 2);
    expect(await wakes(b, 1000)).toBe(true);
    expect(await collect(b, 1, (frame, n) => expect(matches(b, frame, n, 2)).toBe(true))).toBe(1);
  });

  it('may close the NIC in its callback', async () => {
    using pair = openPair();
    const { a, b, toB } = pair;
    const woken = new Promise<void>((resolve) => {
      b.watch(() => {
        b.close();
        resolve();
      });
    });
    sendOne(a, toB, 64, 1);
    await woken;
    await sleep(5);
    expect(b.state).toBe('closed');
  });
}
