/** The behaviours of `src/nic/contract.ts`. A driver that passes is a driver. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Frame, Nic, NicOptions } from '../../src/nic/contract.js';
import { NO_FRAME } from '../../src/nic/contract.js';
import { openNic } from '../../src/nic/open.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';
import { DRIVERS } from './drivers.js';
import type { DriverCase, End } from './drivers.js';
import {
  Pair,
  collect,
  collectUncaught,
  counter,
  drain,
  fill,
  flushAll,
  landed,
  mappings,
  matches,
  mustAlloc,
  numberOf,
  openDescriptors,
  sendOne,
  wakes,
} from './harness.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What the build made: child processes and workers cannot run TypeScript. */
const BUILT = new URL('../../dist/src/nic/open.js', import.meta.url);

interface Sizes {
  txFrames?: number;
  rxFrames?: number;
  mtu?: number;
}

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

  const options = (end: End, sizes: Sizes = {}): NicOptions => ({
    ...driver.options(end, testbed?.links[0] as Testbed['links'][number]),
    ...sizes,
  });
  const openPair = (a: Sizes = {}, b: Sizes = a): Pair => new Pair(options('a', a), options('b', b));

  describe('bytes', () => {
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

    it('are not looped back to their sender', async () => {
      using pair = openPair();
      const { a, b, toB } = pair;
      for (let i = 0; i < 50; i++) sendOne(a, toB, 60, i);
      expect(await collect(b, 50)).toBe(50);
      expect(drain(a)).toBe(0);
      expect(counter(a, 'rxFrames')).toBe(0);
    });
  });

  describe('transmit frames', () => {
    it('are as many as info says, apart from each other, and large enough', () => {
      using pair = openPair({ txFrames: 128 });
      const { a } = pair;
      const frames: Frame[] = [];
      for (let frame = a.alloc(0); frame !== NO_FRAME; frame = a.alloc(0)) frames.push(frame);
      expect(frames).toHaveLength(a.info.txFrames);
      expect(a.info.txFrames).toBe(128);
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
      got += await collect(b, taken + 1 - got, (f, n) => expect(matches(b, f, n, 5)).toBe(true));
      expect(got + counter(b, 'rxDropped')).toBe(taken + 1);
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
  });

  describe('held frames', () => {
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
  });

  describe('addresses', () => {
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

    it.each(driver.badAddresses)('%j is refused', (address) => {
      using pair = openPair();
      expect(() => pair.a.peer(address)).toThrow(expect.objectContaining({ code: 'ERR_EMP_ADDRESS' }));
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
  });

  describe('watch', () => {
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
  });

  describe('counters', () => {
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
      if (driver.losesJoined === true) {
        expect(dropped).toBeGreaterThan(0);
        expect(got + dropped).toBeLessThanOrEqual(sent);
      } else {
        expect(got + dropped).toBe(sent);
      }
      expect(counter(b, 'rxFrames')).toBe(got);
    });
  });

  it('no frame costs JavaScript memory', () => {
    using pair = openPair();
    const { a, b, toA, toB } = pair;
    const frames = 50_000;
    // Before the compiler is done, counters are boxed numbers; on a busy machine that takes a while. What counts is where it ends.
    let grown = Infinity;
    let rounds = 0;
    for (; rounds < 20 && grown >= frames; rounds++) {
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      turn(a, b, toB, frames);
      turn(b, a, toA, frames);
      grown = process.memoryUsage().heapUsed - before;
    }
    // A boxed number for each frame would be 12 bytes x 100 000.
    expect(grown).toBeLessThan(frames);
    expect(counter(b, 'rxFrames')).toBe(rounds * frames);
  });

  describe('close', () => {
    const NAMES = ['a', 'b'] as const;

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

    it('frees descriptors and mappings, also with frames held, queued and watched', async () => {
      await cycle(1);
      const descriptors = openDescriptors();
      const maps = mappings();
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
      expect(openDescriptors()).toBeLessThanOrEqual(descriptors); // by close, not by the garbage collector
      await settle();
      expect(openDescriptors()).toBeLessThanOrEqual(descriptors);
      expect(mappings()).toBeLessThanOrEqual(maps + 8);
    });

    it(`${driver.cycles ?? 1000} times in a row leaves nothing behind`, { timeout: 240_000 }, async () => {
      await cycle(20);
      await settle();
      const descriptors = openDescriptors();
      const maps = mappings();
      const { rss } = process.memoryUsage();
      await cycle(driver.cycles ?? 1000);
      await settle();
      expect(openDescriptors()).toBeLessThanOrEqual(descriptors);
      // V8 maps and unmaps its own pages meanwhile; one mapping left by each cycle would be a thousand.
      expect(mappings() - maps).toBeLessThan(100);
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
  });

  describe.runIf(driver.wire === 'ethernet')('on Ethernet', () => {
    it('frames of another EtherType are left to the kernel', async () => {
      using pair = openPair();
      const place = options('a') as { interface: string; namespace: string };
      const peerPlace = options('b') as { interface: string; namespace: string };
      using other = new Pair(
        { driver: 'packet', interface: place.interface, namespace: place.namespace, etherType: 0x88b6 },
        { driver: 'packet', interface: peerPlace.interface, namespace: peerPlace.namespace, etherType: 0x88b6 },
      );
      for (let i = 0; i < 20; i++) sendOne(other.a, other.toB, 64, i);
      let next = 0;
      expect(await collect(other.b, 20, (f, n) => expect(matches(other.b, f, n, next++)).toBe(true))).toBe(20);
      expect(drain(pair.b)).toBe(0);
      sendOne(pair.a, pair.toB, 64, 500);
      expect(await collect(pair.b, 1, (f, n) => expect(matches(pair.b, f, n, 500)).toBe(true))).toBe(1);
      expect(drain(other.b)).toBe(0);
    });

    it('tells when the interface goes down, comes back and is removed; calls go on without harm', async () => {
      await using wire = await Testbed.up({ mtu: driver.testbedMtu! });
      const link = wire.links[0];
      const gone = openNic(driver.options('a', link));
      let told = 0;
      gone.onState = () => told++;
      gone.close();
      using pair = new Pair(driver.options('a', link), driver.options('b', link));
      const { a, b, toB } = pair;
      const states: string[] = [];
      a.onState = (state) => states.push(state);
      expect(a.state).toBe('up');

      await ip('-n', link.a.namespace, 'link', 'set', link.a.interface, 'down');
      await waitFor(() => states.length > 0);
      expect(states).toEqual(['down']);
      expect(a.state).toBe('down');
      expect(told).toBe(0); // a closed NIC does not tell
      for (let i = 0; i < 20; i++) sendInto(a, toB);
      expect(a.receive()).toBe(0);
      expect(counter(a, 'txErrors')).toBeGreaterThan(0);
      // A sleep while it is down is a sleep, not a busy loop.
      await wakes(a, 20);
      expect(drain(a)).toBe(0);
      expect(await wakes(a, 50)).toBe(false);

      await ip('-n', link.a.namespace, 'link', 'set', link.a.interface, 'up');
      await waitFor(() => states.length > 1);
      expect(states).toEqual(['down', 'up']);
      drain(b);
      await waitFor(async () => {
        sendInto(a, toB);
        await sleep(2);
        return drain(b) > 0;
      });

      await ip('-n', link.a.namespace, 'link', 'del', link.a.interface);
      await waitFor(() => states.includes('removed'));
      expect(states.at(-1)).toBe('removed');
      for (let i = 0; i < 20; i++) sendInto(a, toB);
      drain(a);
      await wakes(a, 20);
      expect(await wakes(a, 50)).toBe(false);
    });
  });

  describe.runIf(existsSync(BUILT) && driver.wire !== 'memory')('at the end', () => {
    const opened = (end: End): string =>
      `const { openNic } = await import(${JSON.stringify(BUILT.href)});` +
      `const nic = openNic(${JSON.stringify(options(end, { txFrames: 64, rxFrames: 64 }))});`;

    it.each([
      ['falls off its end', ''],
      ['calls process.exit', 'nic.watch(() => {}); process.exit();'],
      ['closes inside a watch', 'nic.watch(() => {}); setTimeout(() => nic.close(), 20);'],
    ])('a process that %s exits at once and cleanly', async (_what, code) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', opened('a') + code], { stdio: 'pipe' });
      let output = '';
      child.stdout.on('data', (text: Buffer) => (output += text.toString()));
      child.stderr.on('data', (text: Buffer) => (output += text.toString()));
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      const [code_, signal] = (await once(child, 'close')) as [number | null, string | null];
      clearTimeout(timer);
      expect({ code: code_, signal, output }).toEqual({ code: 0, signal: null, output: '' });
      reopen();
    });

    it('a process that is killed leaves nothing that stops the next', async () => {
      const child = spawn(
        process.execPath,
        ['--input-type=module', '-e', `${opened('a')} nic.watch(() => {}); console.log('open');`],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
      reopen();
    });

    it('a worker that is terminated frees everything', async () => {
      const source = `${opened('a')} nic.watch(() => {});
        (await import('node:worker_threads')).parentPort.postMessage('open'); setInterval(() => nic.flush(), 1);`;
      const run = async (): Promise<void> => {
        const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
        await once(worker, 'message');
        await worker.terminate();
      };
      await run();
      const descriptors = openDescriptors();
      const ours = ringMappings();
      for (let i = 0; i < 3; i++) await run();
      expect(openDescriptors()).toBeLessThanOrEqual(descriptors);
      expect(ringMappings()).toBe(ours);
      reopen();
    });

    function reopen(): void {
      openNic(options('a')).close();
    }
  });
}

/** Moves frames in bursts of 32, a few of them held: the steady state of a host. */
function turn(from: Nic, to: Nic, peer: number, frames: number): void {
  let sent = 0;
  let got = 0;
  let idle = 0;
  while (got < frames && idle < 1_000_000) {
    for (let i = 0; i < 32 && sent < frames; i++) {
      const frame = from.alloc(8);
      if (frame === NO_FRAME) break;
      from.view.setUint32(frame, sent);
      const taken = from.send(frame, 64, peer);
      from.free(frame);
      if (!taken) break;
      sent++;
    }
    from.flush();
    idle++;
    for (let count = to.receive(); count > 0; count = to.receive()) {
      const held = to.hold(0);
      if (held !== NO_FRAME) to.free(held);
      to.recycle();
      got += count;
      idle = 0;
    }
  }
}

/** Sends whether or not it can leave. */
function sendInto(nic: Nic, peer: number): void {
  const frame = nic.alloc(0);
  if (frame === NO_FRAME) return;
  nic.send(frame, 64, peer);
  nic.free(frame);
  flushAll(nic);
}

async function collectSome(nic: Nic, each: (frame: Frame, length: number, index: number) => void): Promise<void> {
  for (let i = 0; i < 20; i++) {
    if (drain(nic, each) > 0) return;
    await setImmediate();
  }
}

async function waitFor(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 3000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('waited 3 s in vain');
    await sleep(1);
  }
}

/** Mappings of sockets: rings. */
function ringMappings(): number {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('socket:')).length;
}

async function ip(...args: string[]): Promise<void> {
  const [code] = (await once(spawn('ip', args, { stdio: 'inherit' }), 'close')) as [number];
  expect(code).toBe(0);
}

/** Addresses to which nothing is sent. */
function someAddress(driver: DriverCase, i: number): string {
  if (driver.wire === 'memory') return `memory:nobody-${i}`;
  if (driver.wire === 'udp') return `${driver.name.startsWith('udp4') ? '127.0.1.1' : '[::1]'}:${20_000 + i}`;
  return `02:00:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 0xff).toString(16).padStart(2, '0')}`;
}
