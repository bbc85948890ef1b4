// Repairs where there is no room for them: in the queues of the way, or in the receiver's memory. What is resent is counted: a resend too many is one
// that pushes out another, and in the end all are lost again and again.
import { describe, expect, test } from 'vitest';

import { World } from '../../src/sim/index.js';
import type { LinkOptions, SimHostOptions } from '../../src/sim/index.js';
import { SEED } from '../support/seed.js';

const PORT = 1;

interface Flood extends LinkOptions {
  readonly congestion: 'delay' | 'fixed';
  readonly mtu: number;
  /** Frames to receive into. */
  readonly rxFrames: number;
  readonly channels: number;
  readonly seed?: number;
}

/** 2000 frames over some channels at once: how long that takes, ms, and what was resent for each frame. */
async function flood({ congestion, mtu, rxFrames, channels, seed = 1, ...link }: Flood) {
  const world = new World({ seed });
  const [a, b] = [world.machine('a'), world.machine('b')];
  world.link(a, b, link);
  const channel = { congestion, window: 256, minRto: 1 } as const;
  const messages = 2000 / channels;
  return world.run(async () => {
    let left = messages * channels;
    const nic = { mtu, rxFrames } satisfies SimHostOptions['nic'];
    b.open({ nic, channel }).listen(PORT, {
      onChannel: (one) => {
        one.onMessage = () => left--;
      },
    });
    const host = a.open({ nic: { mtu }, channel });
    const all = [];
    for (let i = 0; i < channels; i++) all.push(await host.connect('b/0', PORT));
    const begin = world.now;
    // No other message fits into the frame of one.
    const bytes = new Uint8Array(mtu - 50);
    for (const one of all) {
      void (async () => {
        for (let i = 0; i < messages; i++) await one.write(bytes);
      })();
    }
    while (left > 0 && world.now < begin + 5_000_000) await world.sleep(0.1);
    const total = host.counters().total;
    const { framesSent, fastResends, timeoutResends, tailProbes, timeouts } = total;
    const resends = (fastResends + timeoutResends + tailProbes) / framesSent;
    return { left, time: (world.now - begin) / 1000, resends, timeouts };
  });
}

describe('a window that is larger than the queue of the way, and than the memory at its end', () => {
  // On a fresh wire nothing tells a sender of a fixed window that seven eighths of it are lost each time. That is what it was told to do; but no more.
  test.each([
    { rxFrames: 64, rate: 1e8, delay: 20, channels: 1, longest: 80 },
    { rxFrames: 64, rate: 1e9, delay: 20, channels: 1, longest: 16 },
    { rxFrames: 64, rate: 1e8, delay: 200, channels: 4, longest: 120 },
    { rxFrames: 16, rate: 1e9, delay: 20, channels: 1, longest: 70 },
    { rxFrames: 16, rate: 1e9, delay: 200, channels: 4, longest: 100 },
  ])(
    'the frame that it waits for comes through: $rxFrames frames of memory, $rate bit/s, $delay µs, $channels channels',
    async ({ delay, longest, ...rest }) => {
      const seen = await flood({ congestion: 'fixed', mtu: 256, queue: 32, faults: { delay }, ...rest });
      expect(seen.left).toBe(0);
      expect(seen.resends).toBeLessThan(2.2);
      expect(seen.time).toBeLessThan(longest);
      expect(seen.timeouts).toBeLessThan(4);
    },
  );

  test('losses besides do not keep it from coming', async () => {
    const faults = { delay: 100, drop: 0.01 };
    for (const seed of [SEED, SEED + 1]) {
      const seen = await flood({
        congestion: 'fixed',
        mtu: 256,
        rxFrames: 16,
        rate: 1e9,
        queue: 32,
        channels: 4,
        faults,
        seed,
      });
      expect(seen.left, `seed ${seed}`).toBe(0);
      expect(seen.resends, `seed ${seed}`).toBeLessThan(3);
    }
  });

  test('a window that heeds delays resends less than it sends', async () => {
    for (const channels of [1, 4, 16]) {
      const seen = await flood({
        congestion: 'delay',
        mtu: 256,
        rxFrames: 64,
        rate: 1e9,
        queue: 32,
        channels,
        faults: { delay: 20 },
      });
      expect(seen.left).toBe(0);
      expect(seen.resends).toBeLessThan(1);
      expect(seen.time).toBeLessThan(30);
    }
  });
});

test('sixteen channels that lose their first frames do not wait for timeouts that double: the handshake said how long the way is', async () => {
  const faults = { delay: 20, drop: 0.005 };
  const seen = await flood({
    congestion: 'fixed',
    mtu: 256,
    rxFrames: 64,
    rate: 1e9,
    queue: 32,
    channels: 16,
    faults,
    seed: SEED,
  });
  expect(seen.left).toBe(0);
  expect(seen.time).toBeLessThan(150);
});
