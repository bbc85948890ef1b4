/** Back-pressure: a slow reader bounds its sender and its own memory, and nobody stalls. */
import { describe, expect, test } from 'vitest';

import { ChannelCounter } from '../../src/channel/counters.js';
import { FrameType } from '../../src/wire/header.js';
import { CALM } from '../support/sim/network.js';
import { parse } from '../support/sim/puppet.js';
import { FRAMEFUL, MS, SECOND, World, messages, twoHosts } from '../support/sim/world.js';

/** A sender of `n` frames, and a reader that rests from the start. */
function resting(n: number, window: number, options = {}) {
  const { world, a, b } = twoHosts(n + window);
  const session = world.session(a, b, { lengths: messages(n, FRAMEFUL) }, {}, { window, ...options });
  const { client, server } = session;
  server.opened = () => {
    server.isOpened = true;
    server.core!.pause();
  };
  return { world, a, b, client, server, resume: () => b.enter(() => server.core!.resume()) };
}

describe('a reader that rests', () => {
  for (const window of [2, 16, 256]) {
    test(`holds at most its window (${window}), and its sender at most twice that`, () => {
      const { world, a, b, client, server, resume } = resting(2000, window);
      for (let i = 0; i < 200; i++) {
        world.network.run(world.network.now + 20 * MS);
        expect(b.nic.rxUsed).toBeLessThanOrEqual(window);
        expect(a.nic.txUsed).toBeLessThanOrEqual(2 * window);
      }
      expect([server.received, b.nic.rxUsed, client.sent]).toEqual([0, window, 3 * window > 2000 ? 2000 : 3 * window]);
      expect(client.core!.link.counters[ChannelCounter.timeoutResends]).toBe(0);
      resume();
      expect(world.finish()).toEqual([]);
      expect(server.received).toBe(2000);
      expect(client.writables).toBeGreaterThan(0);
    });
  }

  test('and reads on: the sender hears it within a round trip', () => {
    const { world, client, server, resume } = resting(300, 16);
    world.network.run(world.network.now + 5 * SECOND);
    const start = world.network.now;
    resume();
    world.network.run(start + 5 * MS);
    expect(server.received).toBe(300);
    expect(world.finish()).toEqual([]);
    expect(client.reason).toBe('ended');
  });

  test('and the word of new room is lost: the sender asks, though nothing of it is under way', () => {
    const { world, server, resume } = resting(100, 16, { keepAlive: 60_000, peerTimeout: 80_000, maxRto: 200 });
    world.network.run(world.network.now + 2 * SECOND);
    world.network.filter = (bytes, from) => from === 'a' || parse(bytes).type !== FrameType.ack;
    resume();
    world.network.run(world.network.now + MS);
    world.network.filter = undefined;
    expect(server.received).toBe(16);
    // The largest timeout, not the keep-alive.
    world.network.run(world.network.now + 250 * MS);
    expect(server.received).toBe(100);
    expect(world.finish()).toEqual([]);
  });

  test('for longer than peerTimeout: it answers, so it is there', () => {
    const { world, client, server, resume } = resting(100, 4, { keepAlive: 100, peerTimeout: 500 });
    world.network.run(world.network.now + 30 * SECOND);
    expect([client.reason, server.reason]).toEqual([undefined, undefined]);
    resume();
    expect(world.finish()).toEqual([]);
    expect([client.reason, server.received]).toEqual(['ended', 100]);
  });
});

test('the asking for room does not make the timeout longer', () => {
  const { world, client, resume } = resting(100, 4, { maxRto: 5000 });
  world.network.run(world.network.now + 60 * SECOND);
  expect(client.core!.sender.rtt.rto).toBeLessThan(20 * MS);
  resume();
  expect(world.finish()).toEqual([]);
});

test('several channels in a pool that is too small for one: all get on', () => {
  const world = new World(77);
  const a = world.host('a', { txFrames: 70, ring: 8 });
  const b = world.host('b', { rxFrames: 24 });
  for (let i = 0; i < 6; i++)
    world.session(a, b, { lengths: messages(20, 3000) }, { lengths: messages(20, 10) }, { window: 64 });
  expect(world.finish()).toEqual([]);
  expect(world.sessions.every(({ client, server }) => client.reason === 'ended' && server.received === 20)).toBe(true);
});

describe('a transmit ring that is full for a while', () => {
  test('when the only message is sent: it goes out as soon as there is room', () => {
    const { world, a, b } = twoHosts(78);
    const { client, server } = world.session(a, b, { lengths: [5], start: 10 * MS }, {}, { keepAlive: 60_000 });
    world.network.run(world.network.now + 5 * MS);
    a.nic.temper = { ...a.nic.temper, busy: 1 };
    world.network.run(world.network.now + 10 * MS);
    expect([client.sent, server.received]).toEqual([1, 0]);
    a.nic.temper = { ...a.nic.temper, busy: 0 };
    world.network.run(world.network.now + 3 * MS);
    expect(server.received).toBe(1);
    expect(world.finish()).toEqual([]);
    expect(client.core!.link.counters[ChannelCounter.timeouts]).toBe(0);
  });

  test('when an acknowledgement is due: it is sent then, before anybody resends', () => {
    const { world, a, b } = twoHosts(79);
    const never = { lengths: [1], start: 3600 * SECOND };
    const options = { initialRto: 200, minRto: 200 };
    const { client, server } = world.session(a, b, { lengths: [5], start: 10 * MS, keepOpen: true }, never, options);
    world.network.run(world.network.now + 5 * MS);
    b.nic.temper = { ...b.nic.temper, busy: 1 };
    world.network.run(world.network.now + 20 * MS);
    expect([server.received, client.core!.sender.window.idle]).toEqual([1, false]);
    b.nic.temper = { ...b.nic.temper, busy: 0 };
    world.network.run(world.network.now + 3 * MS);
    expect(client.core!.sender.window.idle).toBe(true);
    expect(client.core!.link.counters[ChannelCounter.timeouts]).toBe(0);
  });
});

test('an acknowledgement that opens the window releases sends in the same turn (E3)', () => {
  const { world, a, b } = twoHosts(80);
  const DELAY = 50;
  world.network.weather = { ...CALM, delayMin: DELAY, delayMax: DELAY };
  const { server } = world.session(a, b, { lengths: messages(40, FRAMEFUL) }, {}, { window: 2, congestion: 'fixed' });
  const told: number[] = [];
  const left: number[] = [];
  world.network.filter = (bytes, from) => {
    if (from === 'b') told.push(world.network.now + DELAY);
    else if (parse(bytes).type === FrameType.data) left.push(world.network.now);
    return true;
  };
  expect(world.finish()).toEqual([]);
  expect([server.received, left.length]).toEqual([40, 41]); // and the end
  // Time stands still in a turn: all but the first window, and the end, leave at the very moment at which word of room comes.
  expect(left.slice(2, -1).filter((at) => !told.includes(at))).toEqual([]);
});
