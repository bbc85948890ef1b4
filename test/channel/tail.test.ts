/** The end of a burst is lost: nothing later shows it (RFC 8985). */
import { expect, test } from 'vitest';

import { ChannelCounter } from '../../src/channel/counters.js';
import { FrameType } from '../../src/wire/header.js';
import { CALM } from '../support/sim/network.js';
import { parse } from '../support/sim/puppet.js';
import { MS, World } from '../support/sim/world.js';

const ONE_WAY = 50;

/** A burst of ten messages, a frame each, 100 ms after ten others; those frames of it do not arrive the first time. */
function burst(lost: readonly number[]) {
  const world = new World(3);
  world.network.weather = { ...CALM, delayMin: ONE_WAY, delayMax: ONE_WAY };
  const [a, b] = [world.host('a'), world.host('b')];
  const lengths = Array.from({ length: 20 }, () => 400);
  const plan = { lengths, batch: 10, pause: 100 * MS, keepOpen: true };
  const { client, server } = world.session(a, b, plan, { lengths: [], keepOpen: true });
  const seen = new Set<number>();
  world.network.filter = (bytes, from) => {
    const frame = parse(bytes);
    if (from !== 'a' || frame.type !== FrameType.data || seen.has(frame.sequence)) return true;
    seen.add(frame.sequence);
    return !lost.includes(seen.size - 10);
  };
  return { world, client, server };
}

for (const lost of [[10], [9, 10], [6, 7, 8, 9, 10], [8, 9], [8, 10]]) {
  test(`frames ${lost.join(', ')} of ten: the probe and its answer repair it, long before a timeout`, () => {
    repairs(lost, 1);
  });
}

for (const lost of [
  [7, 8, 9],
  [6, 8],
]) {
  test(`frames ${lost.join(', ')} of ten: three later frames show the first, its repair the others`, () => {
    repairs(lost, 0);
  });
}

function repairs(lost: readonly number[], probes: number): void {
  const { world, client, server } = burst(lost);
  let last = 0;
  let first = 0;
  server.onMessage = () => {
    if (server.received === 11) first = world.network.now;
    last = world.network.now;
  };
  world.network.run(world.network.now + 400 * MS);
  expect(server.received).toBe(20);
  const { counters } = client.core!.link;
  expect(counters[ChannelCounter.timeouts]).toBe(0);
  expect(counters[ChannelCounter.tailProbes]).toBe(probes);
  expect(counters[ChannelCounter.fastResends]).toBe(lost.length - probes);
  expect(last - first).toBeLessThan(2 * MS);
}

test('of nothing: no probe', () => {
  const { world, client, server } = burst([]);
  world.network.run(world.network.now + 400 * MS);
  expect(server.received).toBe(20);
  expect(client.core!.link.counters[ChannelCounter.tailProbes]).toBe(0);
});
