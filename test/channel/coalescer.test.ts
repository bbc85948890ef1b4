/** Short frames of several channels to one peer, sent in one turn, share a frame of the link. */
import { expect, test } from 'vitest';

import { ChannelCounter, EngineCounter } from '../../src/channel/counters.js';
import { aligned, follows, headerBytesOf, payloadLengthOf, Reject } from '../../src/wire/header.js';
import type { SimHostOptions } from '../support/sim/simHost.js';
import type { Plan } from '../support/sim/talker.js';
import { World, messages } from '../support/sim/world.js';

/** Where each frame begins in a frame of the link. */
function framesIn(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found = [0];
  const nextOf = (at: number): number => at + aligned(headerBytesOf(view, at) + payloadLengthOf(view, at));
  for (let at = nextOf(0); follows(view, at, bytes.length); at = nextOf(at)) found.push(at);
  return found;
}

/** Channels from `a` to `b`, each with messages; what they put on the wire. */
function crowd(channels: number, lengths: number[], peer: SimHostOptions = {}, plan: Partial<Plan> = {}) {
  const world = new World(7);
  const [a, b] = [world.host('a'), world.host('b', peer)];
  const wire: Uint8Array[] = [];
  world.network.filter = (bytes) => wire.push(bytes.slice()) > 0;
  const every = { lengths, ...plan };
  const sessions = Array.from({ length: channels }, () => world.session(a, b, every, every));
  return { world, a, b, wire, sessions };
}

test('many channels: dozens of frames in one', () => {
  const { world, a, b, wire, sessions } = crowd(50, messages(20, 8));
  expect(world.finish()).toEqual([]);
  for (const { client, server } of sessions) expect([client.received, server.received]).toEqual([20, 20]);
  const counts = wire.map((bytes) => framesIn(bytes).length);
  expect(Math.max(...counts)).toBeGreaterThan(8);
  const behind = counts.reduce((sum, count) => sum + count - 1, 0);
  const counted = [a, b].map(({ engine }) => engine.counters[EngineCounter.framesCoalesced]);
  expect(counted[0] + counted[1]).toBe(behind);
  const received = [a, b].map(({ engine }) => engine.counters[EngineCounter.framesReceived]);
  expect(received[0] + received[1]).toBe(wire.length + behind);
});

test("nobody else's bytes go out between two", () => {
  const { world, wire } = crowd(20, [5, 6, 7, 9, 10, 11]);
  expect(world.finish()).toEqual([]);
  const gaps = wire.flatMap((bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return framesIn(bytes)
      .slice(1)
      .flatMap((next, i) => {
        const at = framesIn(bytes)[i];
        return [...bytes.subarray(at + headerBytesOf(view, at) + payloadLengthOf(view, at), next)];
      });
  });
  expect(gaps.length).toBeGreaterThan(20);
  expect(gaps.filter((byte) => byte !== 0)).toEqual([]);
});

test('many peers with a channel each: every frame is alone', () => {
  const world = new World(8);
  const server = world.host('server');
  for (let i = 0; i < 20; i++) {
    world.session(world.host(`client ${i}`), server, { lengths: [8, 8] }, { lengths: [8, 8] });
  }
  expect(world.finish()).toEqual([]);
  expect(server.engine.counters[EngineCounter.framesCoalesced]).toBe(0);
});

test('a peer that does not take them gets none', () => {
  const { world, a, sessions } = crowd(20, messages(3, 8));
  // As if its ACCEPT had not said that it does.
  for (const { client } of sessions) {
    const { link } = client.core!;
    const agree = link.agree.bind(link);
    link.agree = (id, mtu, checked) => agree(id, mtu, checked, false);
  }
  expect(world.finish()).toEqual([]);
  expect(a.engine.counters[EngineCounter.framesCoalesced]).toBe(0);
});

test('one channel: every frame is alone', () => {
  const { world, a, wire } = crowd(1, messages(200, 100));
  expect(world.finish()).toEqual([]);
  expect(wire.map((bytes) => framesIn(bytes).length).filter((count) => count > 1)).toEqual([]);
  expect(a.engine.counters[EngineCounter.framesCoalesced]).toBe(0);
});

test('no frame is longer than the peer takes', () => {
  const { world, wire } = crowd(30, messages(10, 20), { mtu: 202 });
  expect(world.finish()).toEqual([]);
  expect(Math.max(...wire.map(({ length }) => length))).toBeLessThanOrEqual(202);
  expect(Math.max(...wire.map((bytes) => framesIn(bytes).length))).toBeGreaterThan(2);
});

test('long frames go alone, behind the short ones that were queued before them', () => {
  const { world, wire, sessions } = crowd(10, [8, 5000, 8, 3000], { mtu: 1500 });
  expect(world.finish()).toEqual([]);
  for (const { server } of sessions) expect(server.received).toBe(4);
  const long = wire.filter(({ length }) => length > 600);
  expect(long.map((bytes) => framesIn(bytes).length).filter((count) => count > 1)).toEqual([]);
});

test('a frame whose payload is damaged is rejected alone', () => {
  const world = new World(9);
  const [a, b] = [world.host('a'), world.host('b')];
  const wire: Uint8Array[] = [];
  world.network.filter = (bytes) => wire.push(bytes.slice()) > 0;
  for (let i = 0; i < 20; i++) world.session(a, b, { lengths: [8] }, { lengths: [8] }, { payloadCheck: true });
  expect(world.finish()).toEqual([]);
  const bytes = wire
    .find((one) => framesIn(one).length >= 4 && payloadLengthOf(new DataView(one.buffer), 0) > 0)!
    .slice();
  bytes[framesIn(bytes)[1] - 1] ^= 1;
  const before = b.engine.counters[EngineCounter.framesReceived];
  world.network.at(world.network.now, () => b.nic.arrive(bytes, 'a'));
  world.network.run();
  expect(b.engine.counters[EngineCounter.framesReceived] - before).toBe(framesIn(bytes).length);
  expect(b.engine.memory.rejects[Reject.payloadCheck]).toBe(1);
});

test('CONNECTs are answered only when they are alone', () => {
  const { world, b, wire } = crowd(1, [8]);
  expect(world.finish()).toEqual([]);
  const connect = wire[0];
  expect(connect.length % 4).toBe(0);
  const before = wire.length;
  world.network.at(world.network.now, () => b.nic.arrive(Buffer.concat([connect, connect, connect]), 'a'));
  world.network.run();
  expect(wire.length).toBe(before);
  expect(b.engine.counters[EngineCounter.unexpected]).toBe(3);
});

test('a damaged frame ends the walk: those before it count, those behind it are lost', () => {
  const { world, b, wire } = crowd(20, messages(3, 8));
  expect(world.finish()).toEqual([]);
  const bytes = wire.find((one) => framesIn(one).length >= 3)!.slice();
  bytes[framesIn(bytes)[1] + 8] ^= 1;
  const { engine } = b;
  const before = [engine.counters[EngineCounter.framesReceived], engine.memory.rejects[Reject.headerCheck]];
  world.network.at(world.network.now, () => b.nic.arrive(bytes, 'a'));
  world.network.run();
  expect(engine.counters[EngineCounter.framesReceived] - before[0]).toBe(2);
  expect(engine.memory.rejects[Reject.headerCheck] - before[1]).toBe(1);
});

test('zeros behind a frame are padding, and so is what is shorter than a header', () => {
  const { world, b, wire } = crowd(1, [8]);
  expect(world.finish()).toEqual([]);
  const last = wire.at(-1)!;
  const before = b.engine.counters[EngineCounter.framesReceived];
  const rejected = b.engine.memory.rejects.slice();
  for (const behind of [new Uint8Array(100), new Uint8Array(31).fill(0x14)]) {
    world.network.at(world.network.now, () => b.nic.arrive(Buffer.concat([last, behind]), 'a'));
  }
  world.network.run();
  expect(b.engine.counters[EngineCounter.framesReceived] - before).toBe(2);
  expect(b.engine.memory.rejects).toEqual(rejected);
});

test('frames that share one are kept each by itself: a hole before them costs nothing but the wait', () => {
  const { world, sessions } = crowd(20, messages(30, 8), {}, { batch: 1, pause: 20 });
  let shared = 0;
  let dropped = 0;
  const see = world.network.filter!;
  // Every third frame that is shared is lost: what follows it comes early.
  world.network.filter = (bytes, from, to) => {
    see(bytes, from, to);
    if (framesIn(bytes).length < 2 || ++shared % 3 !== 0 || dropped === 20) return true;
    dropped++;
    return false;
  };
  expect(world.finish()).toEqual([]);
  expect(dropped).toBe(20);
  const early = sessions.map(({ server }) => server.core!.link.counters[ChannelCounter.early]);
  expect(Math.max(...early)).toBeGreaterThan(0);
  for (const { client, server } of sessions) expect([client.received, server.received]).toEqual([30, 30]);
});

test('what the ring had no room for goes first in the next turn: nothing is overtaken, nothing resent', () => {
  const { world, sessions, a, b } = crowd(30, messages(20, 8), {});
  a.nic.temper = b.nic.temper = { ...a.nic.temper, busy: 0.5 };
  expect(world.finish()).toEqual([]);
  expect(a.nic.count.busy).toBeGreaterThan(20);
  for (const { client, server } of sessions) {
    expect([client.received, server.received]).toEqual([20, 20]);
    expect(server.core!.link.counters[ChannelCounter.early]).toBe(0);
    expect(client.core!.link.counters[ChannelCounter.fastResends]).toBe(0);
  }
});

test('a channel that ends takes nothing from the others, though the ring is full', () => {
  const { world, sessions, a } = crowd(10, messages(20, 8));
  a.nic.temper = { ...a.nic.temper, busy: 0.5 };
  sessions[3].server.onMessage = () => sessions[3].client.core!.fail('aborted');
  expect(world.finish()).toEqual([]);
  for (const { server, client } of sessions.filter((_, i) => i !== 3)) {
    expect(server.received).toBe(20);
    expect(client.core!.link.counters[ChannelCounter.timeoutResends]).toBe(0);
  }
});
