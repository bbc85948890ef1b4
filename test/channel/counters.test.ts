/** Stalls and round trips are counted, per channel and for all of them. */
import { describe, expect, test } from 'vitest';

import { bucketsOf, quantile } from '../../src/arq/histogram.js';
import { addCounters } from '../../src/channel/counterMemory.js';
import type { ChannelCore } from '../../src/channel/core.js';
import { CHANNEL_COUNTERS, ChannelCounter } from '../../src/channel/counters.js';
import { CALM } from '../support/sim/network.js';
import { FRAMEFUL, MS, World, messages, twoHosts } from '../support/sim/world.js';

const count = (core: ChannelCore | undefined, name: keyof typeof ChannelCounter) =>
  core!.link.counters[ChannelCounter[name]];
const sum = (numbers: Float64Array): number => numbers.reduce((a, b) => a + b, 0);

describe('stalls', () => {
  test('of the window: the receiver reads, but is far away', () => {
    const world = new World(91);
    world.network.weather = { ...CALM, delayMin: 900, delayMax: 900 };
    const [a, b] = [world.host('a'), world.host('b')];
    const options = { window: 16, congestion: 'fixed' } as const;
    const { client } = world.session(a, b, { lengths: messages(64, FRAMEFUL) }, {}, options, { window: 64 });
    expect(world.finish()).toEqual([]);
    expect(count(client.core, 'windowStalls')).toBeGreaterThanOrEqual(2);
    expect(count(client.core, 'windowStalls')).toBeLessThan(64);
    expect(count(client.core, 'creditStalls')).toBe(0);
  });

  test('of congestion: the wire is longer than what may be under way at first', () => {
    const world = new World(96);
    world.network.weather = { ...CALM, delayMin: 5000, delayMax: 5000 };
    const [a, b] = [world.host('a'), world.host('b')];
    const { client } = world.session(a, b, { lengths: messages(500, FRAMEFUL) }, {}, { window: 512 });
    expect(world.finish()).toEqual([]);
    expect(count(client.core, 'congestionStalls')).toBeGreaterThan(0);
    expect([count(client.core, 'windowStalls'), count(client.core, 'creditStalls')]).toEqual([0, 0]);
  });

  test('of credit: the receiver rests', () => {
    const { world, a, b } = twoHosts(92);
    const { client, server } = world.session(
      a,
      b,
      { lengths: messages(64, FRAMEFUL) },
      {},
      { window: 64 },
      { window: 16 },
    );
    server.opened = () => {
      server.isOpened = true;
      server.core!.pause();
    };
    world.network.run(world.network.now + 100 * MS);
    expect([count(client.core, 'windowStalls'), count(client.core, 'creditStalls')]).toEqual([0, 1]);
    b.enter(() => server.core!.resume());
    expect(world.finish()).toEqual([]);
  });

  test('there are none where there is room', () => {
    const { world, a, b } = twoHosts(93);
    const { client } = world.session(a, b, { lengths: messages(64, 100) }, {}, { window: 128 });
    expect(world.finish()).toEqual([]);
    for (const cause of ['windowStalls', 'creditStalls', 'congestionStalls'] as const) {
      expect([cause, count(client.core, cause)]).toEqual([cause, 0]);
    }
  });
});

describe('round trips', () => {
  test('are those of the wire, in the counters of the channel and in the histogram of the host', () => {
    const world = new World(94);
    world.network.weather = { ...CALM, delayMin: 500, delayMax: 500 };
    const [a, b] = [world.host('a'), world.host('b')];
    const busy = { lengths: messages(50, 100), batch: 1, pause: 3 * MS };
    const { client } = world.session(a, b, busy, {});
    expect(world.finish()).toEqual([]);
    const trips = count(client.core, 'roundTrips');
    expect(trips).toBeGreaterThanOrEqual(50);
    const mean = count(client.core, 'roundTripSum') / trips;
    for (const time of [count(client.core, 'roundTripMin'), mean, count(client.core, 'roundTripMax')]) {
      expect(time).toBeGreaterThanOrEqual(1000);
      expect(time).toBeLessThan(1500);
    }
    expect(sum(a.engine.memory.roundTrips)).toBe(trips);
    expect(quantile(bucketsOf(a.engine.memory.roundTrips), 0.5)).toBeGreaterThanOrEqual(1000);
  });
});

describe('the sum over channels', () => {
  test('has what those that are over have counted', () => {
    const { world, a, b } = twoHosts(95);
    for (let i = 0; i < 3; i++) world.session(a, b, { lengths: messages(10 * (i + 1), 50) }, {});
    expect(world.finish()).toEqual([]);
    const { ended } = a.engine.memory;
    expect([ended[ChannelCounter.messagesSent], ended[ChannelCounter.bytesSent]]).toEqual([60, 3000]);
    expect(b.engine.memory.ended[ChannelCounter.messagesReceived]).toBe(60);
    const all = world.sessions.map(({ client }) => client.core!);
    expect(ended[ChannelCounter.roundTripMax]).toBe(Math.max(...all.map((core) => count(core, 'roundTripMax'))));
    expect(ended[ChannelCounter.roundTripMin]).toBe(Math.min(...all.map((core) => count(core, 'roundTripMin'))));
  });

  test('takes no shortest round trip from a channel that has measured none', () => {
    const { roundTrips, roundTripMin, roundTripMax } = ChannelCounter;
    const measured = new Float64Array(CHANNEL_COUNTERS);
    [measured[roundTrips], measured[roundTripMin], measured[roundTripMax]] = [2, 5, 9];
    const total = new Float64Array(CHANNEL_COUNTERS);
    for (const one of [new Float64Array(CHANNEL_COUNTERS), measured, new Float64Array(CHANNEL_COUNTERS)]) {
      addCounters(total, one);
    }
    expect([total[roundTrips], total[roundTripMin], total[roundTripMax]]).toEqual([2, 5, 9]);
  });
});
