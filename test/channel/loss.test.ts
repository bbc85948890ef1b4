/** Loss, doubling, reordering: what is resent, why, and when. Counters beside bytes. */
import { describe, expect, test } from 'vitest';

import type { ChannelCore } from '../../src/channel/core.js';
import { ChannelCounter } from '../../src/channel/counters.js';
import { FrameType } from '../../src/wire/header.js';
import { CALM } from '../support/sim/network.js';
import { parse } from '../support/sim/puppet.js';
import { MS, World, messages } from '../support/sim/world.js';

const count = (core: ChannelCore | undefined, name: keyof typeof ChannelCounter) =>
  core!.link.counters[ChannelCounter[name]];

function resends(core: ChannelCore | undefined): number {
  return count(core, 'timeoutResends') + count(core, 'fastResends');
}

/** Takes the `nth` first sendings (from 0) of DATA frames of `from` off the wire. */
function lose(world: World, from: string, nth: readonly number[], times = 1): void {
  const seen = new Map<number, number>();
  world.network.filter = (bytes, sender) => {
    const frame = parse(bytes);
    if (sender !== from || frame.type !== FrameType.data) return true;
    const sent = (seen.get(frame.sequence) ?? 0) + 1;
    seen.set(frame.sequence, sent);
    return !(nth.includes([...seen.keys()].indexOf(frame.sequence)) && sent <= times);
  };
}

describe('on a wire that loses nothing and keeps the order', () => {
  for (const delay of [5, 900, 3000, 20_000]) {
    test(`nothing is sent twice: ${delay} µs each way`, () => {
      const world = new World(1);
      world.network.weather = { ...CALM, delayMin: delay, delayMax: delay };
      const [a, b] = [world.host('a'), world.host('b')];
      const busy = { lengths: messages(500, 100), batch: 3, pause: 2 * MS };
      const { client, server } = world.session(a, b, busy, { ...busy, replies: true }, { initialRto: 200, window: 32 });
      expect(world.finish()).toEqual([]);
      for (const side of [client, server]) {
        expect(side.reason).toBe('ended');
        expect(resends(side.core)).toBe(0);
        expect(count(side.core, 'timeouts')).toBe(0);
        expect(count(side.core, 'duplicates')).toBe(0);
        expect(count(side.core, 'early')).toBe(0);
        expect(count(side.core, 'framesSent')).toBe(501);
        expect(count(side.core, 'framesReceived')).toBe(501);
        expect(count(side.core, 'messagesSent')).toBe(500);
        expect(count(side.core, 'bytesReceived')).toBe(50_000);
      }
    });
  }

  test('nor when a host oversleeps: what has arrived counts before a timer that has run out', () => {
    const world = new World(13);
    const a = world.host('a', { late: 60 * MS });
    const b = world.host('b');
    const { client } = world.session(
      a,
      b,
      { lengths: messages(300, 20), batch: 1, pause: 20 * MS },
      {},
      { initialRto: 5 },
    );
    expect(world.finish()).toEqual([]);
    expect(resends(client.core)).toBe(0);
    expect(count(client.core, 'timeouts')).toBe(0);
  });

  test('frames that overtake each other by one or two are no losses', () => {
    const world = new World(2);
    const [a, b] = [world.host('a'), world.host('b')];
    let n = 0;
    const held: (() => void)[] = [];
    // Every fifth DATA frame comes after the one behind it.
    world.network.filter = (bytes, from, to) => {
      if (from !== 'a' || parse(bytes).type !== FrameType.data) return true;
      if (++n % 5 === 0) {
        held.push(() => b.nic.arrive(bytes, from));
        return false;
      }
      const late = held.pop();
      if (late !== undefined) world.network.after(51, late);
      return to === 'b';
    };
    const { client, server } = world.session(a, b, { lengths: messages(201, 40), batch: 1, pause: 100 }, {});
    expect(world.finish()).toEqual([]);
    expect(resends(client.core)).toBe(0);
    expect(count(server.core, 'early')).toBeGreaterThan(20);
  });
});

describe('a lost frame', () => {
  test('is resent as soon as later ones show it: no timeout', () => {
    const world = new World(3);
    const [a, b] = [world.host('a'), world.host('b')];
    lose(world, 'a', [10]);
    const { client, server } = world.session(a, b, { lengths: messages(60, 50) }, {}, { initialRto: 400, minRto: 400 });
    world.network.run(world.network.now + 5 * MS);
    expect(server.received).toBe(60);
    expect(count(client.core, 'fastResends')).toBe(1);
    expect(count(client.core, 'timeouts')).toBe(0);
    expect(world.finish()).toEqual([]);
    expect(resends(client.core)).toBe(1);
    expect(count(server.core, 'duplicates')).toBe(0);
  });

  test('several in one window: each is resent once', () => {
    const world = new World(4);
    const [a, b] = [world.host('a'), world.host('b')];
    const lost = [3, 4, 9, 20, 21, 22, 40];
    lose(world, 'a', lost);
    const { client, server } = world.session(a, b, { lengths: messages(80, 50) }, {}, { initialRto: 400, minRto: 400 });
    world.network.run(world.network.now + 5 * MS);
    expect(server.received).toBe(80);
    expect(world.finish()).toEqual([]);
    expect(count(client.core, 'fastResends')).toBe(lost.length);
    expect(count(client.core, 'timeouts')).toBe(0);
    expect(count(server.core, 'duplicates')).toBe(0);
  });

  test('the last one is resent by the timer, once', () => {
    const world = new World(5);
    const [a, b] = [world.host('a'), world.host('b')];
    lose(world, 'a', [19]);
    const { client, server } = world.session(
      a,
      b,
      { lengths: messages(20, 50), keepOpen: true },
      { lengths: [1], batch: 1 },
    );
    expect(world.finish()).toEqual([]);
    expect(server.received).toBe(20);
    expect(count(client.core, 'timeoutResends')).toBe(1);
    expect(count(client.core, 'fastResends')).toBe(0);
  });

  test('and its resend too: it waits twice as long, and does not resend what arrived', () => {
    const world = new World(6);
    const [a, b] = [world.host('a'), world.host('b')];
    lose(world, 'a', [0], 3);
    const { client, server } = world.session(a, b, { lengths: [50, 50] }, {});
    expect(world.finish()).toEqual([]);
    expect(server.received).toBe(2);
    expect(count(client.core, 'timeoutResends')).toBe(3);
    expect(count(server.core, 'duplicates')).toBe(0);
  });

  test('a whole window: nothing is resent twice', () => {
    const world = new World(7);
    const [a, b] = [world.host('a'), world.host('b')];
    lose(world, 'a', [...Array(32).keys()]);
    const { client, server } = world.session(a, b, { lengths: messages(100, 50) }, {}, { window: 32 });
    expect(world.finish()).toEqual([]);
    expect(server.received).toBe(100);
    expect(resends(client.core)).toBe(32);
    expect(count(server.core, 'duplicates')).toBe(0);
  });
});

test('the tail of a window is lost: one timeout, then each acknowledgement brings two more', () => {
  const world = new World(12);
  const [a, b] = [world.host('a'), world.host('b')];
  lose(
    world,
    'a',
    Array.from({ length: 60 }, (_, i) => i + 4),
  );
  const { client, server } = world.session(a, b, { lengths: messages(64, 50), keepOpen: true }, { lengths: [1] });
  world.network.run(world.network.now + 12 * MS);
  expect(server.received).toBe(64);
  expect(count(client.core, 'timeouts')).toBe(1);
  expect(world.finish()).toEqual([]);
  expect(resends(client.core)).toBe(60);
  expect(count(server.core, 'duplicates')).toBe(0);
});

test('doubled frames: counted as duplicates, delivered once', () => {
  const world = new World(8);
  const [a, b] = [world.host('a'), world.host('b')];
  let doubled = 0;
  world.network.filter = (bytes, from) => {
    if (from !== 'a' || parse(bytes).type !== FrameType.data) return true;
    doubled++;
    world.network.after(70, () => b.nic.arrive(bytes, from));
    return true;
  };
  const { client, server } = world.session(
    a,
    b,
    { lengths: messages(50, 20), keepOpen: true },
    { lengths: messages(5, 9), batch: 1, pause: 9 * MS },
  );
  expect(world.finish()).toEqual([]);
  // The doubles of the end itself come when the channel lingers.
  expect(count(server.core, 'duplicates')).toBeGreaterThanOrEqual(50);
  expect(count(server.core, 'duplicates')).toBeLessThanOrEqual(doubled);
  expect(resends(client.core)).toBe(0);
});

describe('the timeout follows the round trip', () => {
  test('which grows beyond it: after a few resends none is needed (Karn)', () => {
    const world = new World(9);
    const [a, b] = [world.host('a'), world.host('b')];
    const plan = { lengths: messages(300, 20), batch: 1, pause: 0 };
    const { client } = world.session(a, b, { ...plan, pause: 200 * MS }, {}, { minRto: 5 });
    world.network.after(1000 * MS, () => (world.network.weather = { ...CALM, delayMin: 15 * MS, delayMax: 15 * MS }));
    expect(world.finish()).toEqual([]);
    expect(client.core!.sender.rtt.smoothed).toBeGreaterThan(29 * MS);
    expect(resends(client.core)).toBeLessThan(8);
  });

  test('and not the time a repair takes', () => {
    const world = new World(10);
    const [a, b] = [world.host('a'), world.host('b')];
    lose(
      world,
      'a',
      [...Array(300).keys()].filter((i) => i % 10 === 0),
    );
    const { client } = world.session(a, b, { lengths: messages(300, 20), batch: 2, pause: 3 * MS }, {}, { minRto: 50 });
    expect(world.finish()).toEqual([]);
    expect(client.core!.sender.rtt.smoothed).toBeLessThan(MS);
  });
});

test('a frame that is still in the transmit ring is not sent again, nor counted', () => {
  const world = new World(11);
  const a = world.host('a', { temper: { busy: 0, holdFails: 0, holdCopies: 0, inFlight: 40 * MS } });
  const b = world.host('b');
  const { client } = world.session(a, b, { lengths: messages(100, 20), batch: 5, pause: 10 * MS }, {}, { window: 8 });
  lose(world, 'a', [5, 50]);
  expect(world.finish()).toEqual([]);
  expect(resends(client.core)).toBe(world.network.count.dropped);
});
