/** The delay-based window, alone and on a simulated queue. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { FixedWindow } from '../../src/arq/congestion.js';
import { Swift } from '../../src/arq/swift.js';

const TARGET = 250;

function swift(largest = 256, now = new Float64Array(1)) {
  const rtt = new Float64Array(1);
  const control = new Swift(largest, TARGET, { now, rtt });
  /** A round trip in which the whole window was acknowledged. */
  const round = (delay: number, limited = true, passed = delay) => {
    now[0] += passed;
    rtt[0] = delay;
    control.acknowledged(control.window, limited);
  };
  return { control, now, rtt, round };
}

/**
 * `flows` share a queue of `room` frames that serves one in `service` µs; the way is `base` µs long. The first flow is there `late` round
 * trips before the others. What the queue held at most in the last tenth, and the windows at the end.
 */
function share(flows: number, { service = 2, base = 20, room = 512, rounds = 20_000, late = 0 } = {}) {
  const now = new Float64Array(1);
  const all = Array.from({ length: flows }, () => swift(256, now));
  let longest = 0;
  for (let i = 0; i < rounds; i++) {
    const active = i < late ? all.slice(0, 1) : all;
    const queued = active.reduce((sum, { control }) => sum + control.window, 0);
    if (i > rounds * 0.9) longest = Math.max(longest, Math.min(queued, room));
    const delay = base + Math.min(queued, room) * service;
    now[0] += delay;
    for (const { control, round } of active) {
      round(delay, true, 0);
      if (queued > room) control.lost(Math.ceil((queued - room) / active.length));
    }
  }
  return { longest, windows: all.map(({ control }) => control.window) };
}

describe('the window', () => {
  test('doubles each round trip until there is a queue, up to the largest', () => {
    const { control, round } = swift(256);
    const seen = [control.window];
    for (let i = 0; i < 5; i++) {
      round(10);
      seen.push(control.window);
    }
    expect(seen).toEqual([32, 64, 128, 256, 256, 256]);
  });

  test('neither grows nor shrinks while it is not used: the delay is not of its making', () => {
    const { control, round } = swift();
    for (let i = 0; i < 600; i++) round(i % 100 === 99 ? 1000 : 10, false);
    expect(control.window).toBe(32);
  });

  test('shrinks in proportion to the excess, at most once a round trip', () => {
    const { control, now, rtt, round } = swift();
    round(10);
    const before = control.window;
    now[0] += 1000;
    rtt[0] = 520;
    control.acknowledged(1, true);
    // 0.8 * (520 - 260) / 520 = 0.4
    expect(control.window).toBe(Math.floor(before * 0.6));
    now[0] += 100;
    control.acknowledged(1, true);
    expect(control.window).toBe(Math.floor(before * 0.6));
    now[0] += 500;
    control.acknowledged(1, true);
    expect(control.window).toBeLessThan(Math.floor(before * 0.6));
  });

  test('loses half at most, and then grows by one frame a round trip', () => {
    const { control, round } = swift();
    round(10);
    round(1_000_000);
    expect(control.window).toBe(32);
    for (let i = 0; i < 10; i++) round(10);
    expect(control.window).toBeGreaterThanOrEqual(41);
    expect(control.window).toBeLessThanOrEqual(42);
  });

  test('losses without delay are the wire’s, up to one in 32: nothing; more: an eighth; with delay a half', () => {
    const { control, now, rtt, round } = swift();
    for (let i = 0; i < 3; i++) round(10);
    expect(control.window).toBe(256);
    for (let i = 0; i < 100; i++) {
      round(20);
      control.lost(8);
    }
    expect(control.window).toBe(256);
    now[0] += 20;
    control.lost(8);
    expect(control.window).toBe(224);
    now[0] += 20;
    rtt[0] = 900;
    now[0] += 900;
    control.lost(1);
    expect(control.window).toBe(112);
  });

  test('the third timeout in a row leaves one frame, which finds its way back quickly', () => {
    const { control, now, round } = swift();
    round(10);
    for (let i = 1; i <= 3; i++) {
      now[0] += 5000;
      control.timedOut(i);
    }
    expect(control.window).toBe(1);
    for (let i = 0; i < 6; i++) round(10);
    expect(control.window).toBe(64);
  });

  test('a way that has become longer is learned within two periods', () => {
    const { control, round } = swift();
    for (let i = 0; i < 10; i++) round(10);
    for (let t = 0; t < 70_050_000; t += 2000) round(2000);
    expect(control.window).toBe(256);
  });

  test('stays within 1 and the largest, whatever happens', () => {
    const step = fc.record({
      what: fc.constantFrom('acknowledged', 'lost', 'timedOut'),
      rtt: fc.double({ min: 0.1, max: 1e7, noNaN: true }),
      limited: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.constantFrom(2, 16, 4096), fc.array(step, { maxLength: 200 }), (largest, steps) => {
        const { control, now, rtt } = swift(largest);
        for (const { what, rtt: sample, limited } of steps) {
          now[0] += sample;
          rtt[0] = sample;
          if (what === 'acknowledged') control.acknowledged(control.window, limited);
          else if (what === 'lost') control.lost(1);
          else control.timedOut(1);
          expect(Number.isInteger(control.window)).toBe(true);
          expect(control.window).toBeGreaterThanOrEqual(1);
          expect(control.window).toBeLessThanOrEqual(largest);
        }
      }),
    );
  });
});

describe('on a shared queue', () => {
  test('one channel keeps it busy and its delay near the target', () => {
    const { windows, longest } = share(1);
    // 20 µs of way at 2 µs a frame need 10 frames; the target allows 125 more, a little more while the window is small.
    expect(windows[0]).toBeGreaterThan(100);
    expect(longest).toBeLessThan(160);
  });

  test('eight channels that begin together keep it short, and have like shares', () => {
    const { windows, longest } = share(8);
    expect(longest).toBeLessThan(300);
    expect(Math.max(...windows) / Math.min(...windows)).toBeLessThan(1.5);
  });

  test('so have seven that come to a queue that is there, and take it for the way at first', () => {
    const { windows, longest } = share(8, { late: 2000 });
    expect(longest).toBeLessThan(300);
    expect(Math.max(...windows) / Math.min(...windows)).toBeLessThan(1.5);
  });
});

test('fixed: the paper’s window, whatever happens', () => {
  const control = new FixedWindow(64);
  control.acknowledged();
  control.lost();
  control.timedOut();
  expect(control.window).toBe(64);
});
