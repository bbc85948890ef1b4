/** The buffer of a long message serves for the next one; no two messages that are put together at once share one. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { expect, test } from 'vitest';

import { Assembly } from '../../src/channel/assembly.js';
import type { Link } from '../../src/channel/link.js';
import { SpareBuffer } from '../../src/channel/spareBuffer.js';
import { Flag } from '../../src/wire/header.js';
import { World } from '../support/sim/world.js';

test('of two buffers the longer is kept, and nobody gets one twice', () => {
  const spare = new SpareBuffer();
  expect(spare.take()).toBeUndefined();
  const [short, long] = [new Uint8Array(10), new Uint8Array(20)];
  for (const buffer of [short, long, short]) spare.give(buffer);
  expect(spare.take()).toBe(long);
  expect(spare.take()).toBeUndefined();
});

test('a buffer that nobody has wanted since the last time is let go', () => {
  const spare = new SpareBuffer();
  const buffer = new Uint8Array(10);
  spare.take();
  spare.give(buffer);
  spare.age();
  expect(spare.take()).toBe(buffer);
  spare.give(buffer);
  spare.age();
  spare.age();
  expect(spare.take()).toBeUndefined();
});

test('a host that spins, and never comes back to the event loop, keeps no more than one', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const spare = new SpareBuffer();
  const before = process.memoryUsage().arrayBuffers;
  // Two long messages are put together at once, again and again.
  for (let i = 0; i < 32; i++) {
    const both = [0, 1].map(() => spare.take() ?? new Uint8Array(1 << 20));
    for (const buffer of both) spare.give(buffer);
  }
  collect();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 << 20);
});

test('a handler that closes the last channel, which lets the buffer go, does not get it back', () => {
  const spare = new SpareBuffer();
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 4, true);
  let came = 0;
  const events = {
    wantsFragments: false,
    fragment: () => {},
    assembled: (_whole: Uint8Array, length: number) => {
      came += length;
      spare.clear();
    },
    violated: (reason: string) => expect.fail(reason),
  };
  const assembly = new Assembly({ port: { bytes, view }, spare } as unknown as Link, 100, events);
  assembly.add(Flag.first | Flag.last, 0, 8, 0);
  expect([came, spare.take()]).toEqual([4, undefined]);
});

function buffersOf(channels: number) {
  const world = new World(11);
  const [a, b] = [world.host('a'), world.host('b')];
  const seen: Uint8Array[] = [];
  for (let i = 0; i < channels; i++) {
    const { server } = world.session(a, b, { lengths: [30_000, 20_000, 30_000, 10, 25_000] }, {});
    const message = server.message.bind(server);
    Object.defineProperty(server, 'wantsFragments', { value: false });
    server.message = (bytes, offset, length, type) => {
      // The talker checks every byte, so a buffer that two messages share would be seen.
      message(bytes, offset, length, type);
      if (length > 10) seen.push(bytes);
    };
  }
  expect(world.finish()).toEqual([]);
  expect(world.sessions.map(({ server }) => server.received)).toEqual(new Array(channels).fill(5));
  return seen;
}

test('long messages one after the other come in the same buffer', () => {
  expect(new Set(buffersOf(1)).size).toBe(1);
});

test('of several channels, whose fragments come mixed, each has one of its own', () => {
  const seen = buffersOf(4);
  expect(seen).toHaveLength(16);
  expect(new Set(seen).size).toBeGreaterThan(1);
});
