/** Loss, doubling, reordering: what is resent, why, and when. Counters beside bytes. */
import { describe, expect, test } from 'vitest';

import type { ChannelCore } from '../../src/channel/core.js';
import { ChannelCounter } from '../../src/channel/counters.js';
import { Flag, FrameType } from '../../src/wire/header.js';
import { CALM } from '../support/sim/network.js';
import { parse } from '../support/sim/puppet.js';
import { FRAMEFUL, MS, World, messages, twoHosts } from '../support/sim/world.js';

const count = (core: ChannelCore | undefined, name: keyof typeof ChannelCounter) =>
  core!.link.counters[ChannelCounter[name]];

function resends(core: ChannelCore | undefined): number {
  return count(core, 'timeoutResends') + count(core, 'fastResends') + count(core, 'tailProbes');
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
      const busy = { lengths: messages(500, FRAMEFUL), batch: 3, pause: 2 * MS };
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
        expect(count(side.core, 'bytesReceived')).toBe(500 * FRAMEFUL);
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
    const { world, a, b } = twoHosts(2);
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
    const { world, a, b } = twoHosts(3);
    lose(world, 'a', [10]);
    const { client, server } = world.session(
      a,
      b,
      { lengths: messages(60, FRAMEFUL) },
      {},
      { initialRto: 400, minRto: 400 },
    );
    world.network.run(world.network.now + 5 * MS);
    expect(server.received).toBe(60);
    expect(count(client.core, 'fastResends')).toBe(1);
    expect(count(client.core, 'timeouts')).toBe(0);
    expect(world.finish()).toEqual([]);
    expect(resends(client.core)).toBe(1);
    expect(count(server.core, 'duplicates')).toBe(0);
  });

  test('is resent in the next turn if the ring has no room for it', () => {
    const { world, a, b } = twoHosts(3);
    lose(world, 'a', [10]);
    const lost = world.network.filter!;
    world.network.filter = (bytes, from, to) => {
      if (from === 'b' && parse(bytes).payload.length > 0) {
        a.nic.temper = { ...a.nic.temper, busy: 1 };
        world.network.after(200, () => (a.nic.temper = { ...a.nic.temper, busy: 0 }));
      }
      return lost(bytes, from, to);
    };
    const { client, server } = world.session(
      a,
      b,
      { lengths: messages(30, FRAMEFUL), keepOpen: true },
      { lengths: [1] },
    );
    world.network.run(world.network.now + 5 * MS);
    expect(server.received).toBe(30);
    expect([count(client.core, 'fastResends'), resends(client.core)]).toEqual([1, 1]);
    expect(world.finish()).toEqual([]);
  });

  test('several in one window: each is resent once', () => {
    const { world, a, b } = twoHosts(4);
    const lost = [3, 4, 9, 20, 21, 22, 40];
    lose(world, 'a', lost);
    const { client, server } = world.session(
      a,
      b,
      { lengths: messages(80, FRAMEFUL) },
      {},
      { initialRto: 400, minRto: 400 },
    );
    world.network.run(world.network.now + 5 * MS);
    expect(server.received).toBe(80);
    expect(world.finish()).toEqual([]);
    expect(count(client.core, 'fastResends')).toBe(lost.length);
    expect(count(client.core, 'timeouts')).toBe(0);
    expect(count(server.core, 'duplicates')).toBe(0);
  });

  test('the last one is resent once, by the probe of the tail', () => {
    const { world, a, b } = twoHosts(5);
    lose(world, 'a', [19]);
    const { client, server } = world.session(
      a,
      b,
      { lengths: messages(20, FRAMEFUL), keepOpen: true },
      { lengths: [1], batch: 1 },
    );
    expect(world.finish()).toEqual([]);
    expect(server.received).toBe(20);
    expect(resends(client.core)).toBe(1);
    expect(count(client.core, 'tailProbes')).toBe(1);
    expect(count(client.core, 'timeouts')).toBe(0);
  });

  test('and its resend too: it waits twice as long, and does not resend what arrived', () => {
    const { world, a, b } = twoHosts(6);
    lose(world, 'a', [0], 3);
    const { client, server } = world.session(a, b, { lengths: [FRAMEFUL, FRAMEFUL] }, {});
    expect(world.finish()).toEqual([]);
    expect(server.received).toBe(2);
    // The word of the second frame is a measurement: then probes come before the timeout.
    expect([count(client.core, 'tailProbes'), count(client.core, 'timeoutResends')]).toEqual([3, 0]);
    expect(count(server.core, 'duplicates')).toBe(0);
  });

  test('a whole window: nothing is resent twice', () => {
    const { world, a, b } = twoHosts(7);
    lose(world, 'a', [...Array(32).keys()]);
    const { client, server } = world.session(a, b, { lengths: messages(100, FRAMEFUL) }, {}, { window: 32 });
    expect(world.finish()).toEqual([]);
    expect(server.received).toBe(100);
    expect(resends(client.core)).toBe(32);
    expect(count(server.core, 'duplicates')).toBe(0);
  });
});

test('the tail of a window is lost, and its four probes: one timeout, then each acknowledgement brings two more', () => {
  const { world, a, b } = twoHosts(12);
  lose(
    world,
    'a',
    Array.from({ length: 36 }, (_, i) => i + 4),
  );
  const first = world.network.filter!;
  let probes = 4;
  world.network.filter = (bytes, from, to) => {
    if (!first(bytes, from, to)) return false;
    const isProbe = from === 'a' && (parse(bytes).flags & Flag.resent) !== 0;
    return !isProbe || --probes < 0;
  };
  const { client, server } = world.session(a, b, { lengths: messages(64, FRAMEFUL), keepOpen: true }, { lengths: [1] });
  world.network.run(world.network.now + 20 * MS);
  expect(server.received).toBe(64);
  expect(count(client.core, 'timeouts')).toBe(1);
  expect(world.finish()).toEqual([]);
  expect(resends(client.core)).toBe(40);
  expect(count(server.core, 'duplicates')).toBe(0);
});

test('a frame that is lost in mid-stream comes one round trip later', () => {
  const world = new World(14);
  const [oneWay, pause, lost] = [500, 20, 50];
  world.network.weather = { ...CALM, delayMin: oneWay, delayMax: oneWay };
  const [a, b] = [world.host('a'), world.host('b')];
  lose(world, 'a', [lost]);
  const { client, server } = world.session(a, b, { lengths: messages(100, FRAMEFUL), batch: 1, pause }, {});
  const came: number[] = [];
  server.onMessage = () => came.push(world.network.now);
  expect(world.finish()).toEqual([]);
  expect([server.received, resends(client.core)]).toEqual([100, 1]);
  const late = came[lost] - came[lost - 1] - pause;
  // Three frames behind it show that it is missing; then the word of it goes back, and the frame comes.
  expect(late).toBeGreaterThan(2 * oneWay - 2 * pause);
  expect(late).toBeLessThan(2 * oneWay + 10 * pause);
});

test('one frame in five is lost: probes and timeouts do not grow to their end', () => {
  const { world, a, b } = twoHosts(13);
  world.network.weather = { ...world.network.weather, drop: 0.2 };
  const { client, server } = world.session(a, b, { lengths: messages(2000, FRAMEFUL) }, {});
  const before = world.network.now;
  let last = 0;
  server.onMessage = () => (last = world.network.now);
  expect(world.finish()).toEqual([]);
  expect([server.received, client.reason]).toEqual([2000, 'ended']);
  expect(last - before).toBeLessThan(500 * MS);
});

describe('one frame in a hundred is lost', () => {
  /** How long twenty messages of 1000 frames take on a way of 50 µs, which is 8 ms without loss, and with what window on the average. */
  function flood(seed: number) {
    const world = new World(seed);
    world.network.weather = { ...CALM, delayMin: 50, delayMax: 50, drop: 0.01 };
    const [a, b] = [world.host('a', { txFrames: 4096, ring: 1024 }), world.host('b', { rxFrames: 4096 })];
    const lengths = messages(20, 1000 * FRAMEFUL);
    const { client, server } = world.session(a, b, { lengths, keepOpen: true }, { keepOpen: true });
    const start = world.network.now;
    const windows: number[] = [];
    while (server.received < lengths.length) {
      world.network.run(world.network.now + 100);
      if (client.core!.isOpen) windows.push(client.core!.sender.window.allowed);
    }
    return {
      time: world.network.now - start,
      window: windows.reduce((sum, one) => sum + one, 0) / windows.length,
      timeouts: count(client.core, 'timeouts'),
      longest: count(client.core, 'roundTripMax'),
    };
  }
  const floods = [1, 2, 3, 4].map(flood);

  test('that is tolerated: selective acknowledgements count, and the window stays large', () => {
    for (const { window } of floods) expect(window).toBeGreaterThan(100);
  });

  test('repairs that are lost are probed for, no timeout is waited for', () => {
    for (const { time, timeouts } of floods) {
      expect(timeouts).toBe(0);
      expect(time).toBeLessThan(22 * MS);
    }
  });

  test('and what waited for a repair is not taken for a round trip', () => {
    for (const { longest } of floods) expect(longest).toBeLessThan(250);
  });
});

test('doubled frames: counted as duplicates, delivered once', () => {
  const { world, a, b } = twoHosts(8);
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
    { lengths: messages(50, FRAMEFUL), keepOpen: true },
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
    const { world, a, b } = twoHosts(9);
    const plan = { lengths: messages(300, 20), batch: 1, pause: 0 };
    const { client } = world.session(a, b, { ...plan, pause: 200 * MS }, {}, { minRto: 5 });
    world.network.after(1000 * MS, () => (world.network.weather = { ...CALM, delayMin: 15 * MS, delayMax: 15 * MS }));
    expect(world.finish()).toEqual([]);
    expect(client.core!.sender.rtt.smoothed).toBeGreaterThan(29 * MS);
    expect(resends(client.core)).toBeLessThan(10);
  });

  test('and not the time a repair takes', () => {
    const { world, a, b } = twoHosts(10);
    lose(
      world,
      'a',
      [...Array(300).keys()].filter((i) => i % 10 === 0),
    );
    const { client } = world.session(
      a,
      b,
      { lengths: messages(300, FRAMEFUL), batch: 2, pause: 3 * MS },
      {},
      { minRto: 50 },
    );
    expect(world.finish()).toEqual([]);
    expect(client.core!.sender.rtt.smoothed).toBeLessThan(MS);
  });
});

test('a frame that is still in the transmit ring is not sent again, nor counted', () => {
  const world = new World(11);
  const a = world.host('a', { temper: { busy: 0, holdFails: 0, holdCopies: 0, inFlight: 40 * MS } });
  const b = world.host('b');
  const { client } = world.session(
    a,
    b,
    { lengths: messages(100, FRAMEFUL), batch: 5, pause: 10 * MS },
    {},
    { window: 8 },
  );
  lose(world, 'a', [5, 50]);
  expect(world.finish()).toEqual([]);
  expect(resends(client.core)).toBe(world.network.count.dropped);
});

test('whatever is lost, no round trip is measured that is shorter than the way', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { world, a, b } = twoHosts(seed);
    world.network.weather = { ...CALM, drop: 0.1 };
    const { client } = world.session(a, b, { lengths: messages(2000, FRAMEFUL) }, {}, { window: 64 });
    expect(world.finish()).toEqual([]);
    expect(count(client.core, 'roundTrips')).toBeGreaterThan(30);
    expect(count(client.core, 'roundTripMin'), `seed ${seed}`).toBeGreaterThanOrEqual(2 * CALM.delayMin);
  }
});
