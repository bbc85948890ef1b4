/** Acknowledgements that can wait: a sender with more to send says so (MORE), and is acknowledged once for many frames. */
import { expect, test } from 'vitest';

import { ChannelCounter } from '../../src/channel/counters.js';
import { Flag, FrameType } from '../../src/wire/header.js';
import { CALM } from '../support/sim/network.js';
import { Puppet, parse } from '../support/sim/puppet.js';
import { FRAMEFUL, MS, World, messages, twoHosts } from '../support/sim/world.js';

const WINDOW = 64;

/** A session whose frames from `a` are looked at. */
function watched(lengths: number[], window: number, txFrames = 1024) {
  const world = new World(5);
  world.network.weather = { ...CALM, delayMin: 20, delayMax: 20 };
  const [a, b] = [world.host('a', { txFrames }), world.host('b')];
  const { client, server } = world.session(a, b, { lengths }, {}, { window, congestion: 'fixed' });
  const more: boolean[] = [];
  let probes = 0;
  world.network.filter = (bytes, from) => {
    const { type, flags } = parse(bytes);
    if (from === 'a' && type === FrameType.data) more.push((flags & Flag.more) !== 0);
    if (from === 'a' && type === FrameType.probe) probes++;
    return true;
  };
  return { world, client, server, more, probes: () => probes };
}

test('a long message is acknowledged an eighth of the window at a time', () => {
  const { world, server, more } = watched([1000 * FRAMEFUL], WINDOW);
  let acks = 0;
  server.onMessage = () => (acks = server.core!.link.counters[ChannelCounter.acksSent]);
  expect(world.finish()).toEqual([]);
  expect(server.received).toBe(1);
  const runs = runsOf(more);
  expect(Math.max(...runs)).toBe(WINDOW / 8 - 1);
  expect(acks).toBeLessThanOrEqual((1000 / WINDOW) * 8 + runs.length / 10);
});

/** Lengths of the runs of frames that say MORE. */
function runsOf(more: readonly boolean[]): number[] {
  const runs = [0];
  for (const one of more) {
    if (one) runs[runs.length - 1]++;
    else runs.push(0);
  }
  return runs;
}

test('small windows are acknowledged frame by frame', () => {
  const { world, server, more } = watched([100 * FRAMEFUL], 8);
  expect(world.finish()).toEqual([]);
  expect(server.received).toBe(1);
  expect(more).not.toContain(true);
});

test('who sends no more says nothing of more: the last frame of each turn is acknowledged', () => {
  const { world, server, more } = watched(messages(20, FRAMEFUL), WINDOW);
  expect(world.finish()).toEqual([]);
  expect(server.received).toBe(20);
  expect(more.at(-1)).toBe(false);
});

test('a promise that cannot be kept, because the pool is empty, is taken back by a probe: nothing waits for a timer', () => {
  // Two hundred fragments share what the reserve for acknowledgements leaves of 24 frames.
  const { world, client, server, more, probes } = watched([200 * FRAMEFUL], 256, 24);
  expect(world.finish()).toEqual([]);
  expect(server.received).toBe(1);
  expect(more).toContain(true);
  expect(probes()).toBeGreaterThan(0);
  const { counters } = client.core!.link;
  expect([counters[ChannelCounter.tailProbes], counters[ChannelCounter.timeouts]]).toEqual([0, 0]);
});

function listening() {
  const { world, a, b } = twoHosts(6);
  const session = world.session(a, b, {}, { keepOpen: true });
  world.network.run();
  session.accepted = 0;
  session.server.message = () => {};
  const puppet = new Puppet(world.network, 'p', 'b');
  puppet.open({ port: 0 });
  const acks = (): number => {
    world.network.run(world.network.now + 5 * MS);
    return puppet.ofType(FrameType.ack).length;
  };
  return { puppet, acks, session };
}

const WHOLE = Flag.first | Flag.last;

test('the receiver waits with its acknowledgement for a frame without MORE, unless one is sent again', () => {
  const { puppet, acks } = listening();
  const before = acks();
  puppet.data([1], WHOLE | Flag.more);
  puppet.data([2], WHOLE | Flag.more);
  expect(acks() - before).toBe(0);
  puppet.data([3], WHOLE);
  expect(acks() - before).toBe(1);
  // A copy made on the way, or sent by a second path to be sure, asks for nothing.
  puppet.sequence--;
  puppet.data([3], WHOLE);
  expect(acks() - before).toBe(1);
  // One that was sent again says that the acknowledgement was missed.
  puppet.sequence--;
  puppet.data([3], WHOLE | Flag.more | Flag.resent);
  expect(acks() - before).toBe(2);
});

test('the peer hears of a new hole when three frames are behind it, of an old one when it asks', () => {
  const { puppet, acks } = listening();
  const before = acks();
  const bitmaps = (): number[][] =>
    puppet
      .ofType(FrameType.ack)
      .map(({ payload }) => [...payload])
      .filter((bits) => bits.length > 0);
  puppet.sequence++;
  puppet.data([2], WHOLE | Flag.more);
  puppet.data([3], WHOLE | Flag.more);
  expect(acks() - before).toBe(0);
  puppet.data([4], WHOLE | Flag.more);
  expect(acks() - before).toBe(1);
  for (let i = 0; i < 20; i++) puppet.data([i], WHOLE | Flag.more);
  expect(acks() - before).toBe(1);
  // Another hole, and its three.
  puppet.sequence++;
  for (let i = 0; i < 3; i++) puppet.data([i], WHOLE | Flag.more);
  expect(acks() - before).toBe(2);
  puppet.data([5], WHOLE);
  expect(acks() - before).toBe(3);
  expect(bitmaps()).toEqual([[0b111], [0xff, 0xff, 0x7f, 0b111], [0xff, 0xff, 0x7f, 0b1111]]);
});

test('a probe asks for word of the holes, though an answer of the application has carried the acknowledgement', () => {
  const { puppet, acks, session } = listening();
  acks();
  session.server.message = () => {
    const core = session.server.core!;
    core.sender.submit(new Uint8Array(1), 0);
    core.owner.touch(core);
  };
  const before = acks();
  puppet.data([1], WHOLE | Flag.more);
  puppet.sequence++;
  puppet.data([3], WHOLE | Flag.more);
  puppet.send({ type: FrameType.probe, acknowledgement: puppet.acknowledged, credit: 16 });
  expect(acks() - before).toBe(1);
  expect([...puppet.ofType(FrameType.ack).at(-1)!.payload]).toEqual([0b1]);
});

test('a promise is taken back in the next turn if there is no room in the ring for the probe', () => {
  const { world, a, b } = twoHosts(7);
  const { client, server } = world.session(a, b, { keepOpen: true }, { keepOpen: true }, { window: WINDOW });
  world.network.run(world.network.now + MS);
  const send = a.nic.send.bind(a.nic);
  let room = 1;
  // The ring takes one frame, and then none for a while.
  a.nic.send = (frame, length, peer) => room-- > 0 && send(frame, length, peer);
  a.enter(() => {
    const core = client.core!;
    const alloc = a.nic.alloc.bind(a.nic);
    server.message = () => {};
    core.sender.submit(new Uint8Array(FRAMEFUL), 0);
    // The next message does not fit, and finds no frame.
    a.nic.alloc = (reserve) => (reserve > 0 ? -1 : alloc(reserve));
    expect(core.sender.submit(new Uint8Array(FRAMEFUL), 0)).toBe(false);
    core.owner.touch(core);
  });
  const { counters } = client.core!.link;
  world.network.run(world.network.now + 20);
  expect(counters[ChannelCounter.probesSent]).toBe(0);
  room = Infinity;
  world.network.run(world.network.now + 200);
  expect(counters[ChannelCounter.probesSent]).toBe(1);
  expect(counters[ChannelCounter.tailProbes]).toBe(0);
});
