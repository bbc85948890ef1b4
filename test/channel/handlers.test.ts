/** What an application may do, and do wrong, inside its handlers; and what a peer may not do. */
import { describe, expect, test } from 'vitest';

import { ResetReason } from '../../src/wire/control.js';
import { Flag, FrameType } from '../../src/wire/header.js';
import { Puppet } from '../support/sim/puppet.js';
import { PLAIN, Talker } from '../support/sim/talker.js';
import { MS, World, messages } from '../support/sim/world.js';

describe('a handler that throws', () => {
  for (const event of ['message', 'writable', 'peerEnded'] as const) {
    test(`${event}: its channel ends, the others go on`, () => {
      const world = new World(1);
      const [a, b] = [world.host('a'), world.host('b')];
      const plan = { lengths: messages(200, 50) };
      const bad = world.session(a, b, plan, { ...plan, keepOpen: true }, { window: 4 });
      const good = world.session(a, b, plan, plan);
      bad.server[event] = () => {
        throw new Error('on purpose');
      };
      expect(world.finish()).toEqual([]);
      expect([bad.server.reason, bad.server.error?.code]).toEqual(['handler', 'ERR_EMP_HANDLER']);
      expect(bad.server.error?.cause).toMatchObject({ message: 'on purpose' });
      expect([bad.client.reason, bad.client.error?.code]).toEqual(['peer-handler', 'ERR_EMP_PEER_ABORTED']);
      expect([good.client.reason, good.server.reason]).toEqual(['ended', 'ended']);
    });
  }
});

describe('a handler may', () => {
  for (const event of ['opened', 'message', 'writable', 'peerEnded', 'ended'] as const) {
    test(`abort in ${event}`, () => {
      const world = new World(2);
      const [a, b] = [world.host('a'), world.host('b')];
      const plan = { lengths: messages(100, 50) };
      const { client, server } = world.session(a, b, plan, { ...plan, keepOpen: event === 'peerEnded' }, { window: 4 });
      const original = server[event].bind(server) as (...args: unknown[]) => void;
      server[event] = (...args: unknown[]) => {
        original(...args);
        server.core!.fail('aborted');
      };
      expect(world.finish()).toEqual([]);
      expect(server.reason === 'aborted' || server.reason === 'ended').toBe(true);
      expect(client.reason).toBeDefined();
    });

    test(`open other channels in ${event}`, () => {
      const world = new World(3);
      const [a, b] = [world.host('a'), world.host('b')];
      const plan = { lengths: messages(50, 50) };
      const { server } = world.session(a, b, plan, plan, { window: 4 });
      const original = server[event].bind(server) as (...args: unknown[]) => void;
      let opened = 0;
      server[event] = (...args: unknown[]) => {
        original(...args);
        if (opened++ < 40) world.session(b, a, { lengths: [1] }, { lengths: [2] });
      };
      expect(world.finish()).toEqual([]);
      expect(opened).toBeGreaterThan(0);
      expect(world.sessions.every(({ client }) => client.reason === 'ended')).toBe(true);
    });
  }

  test('pause in the middle of a burst: the rest of it waits', () => {
    const world = new World(4);
    const [a, b] = [world.host('a'), world.host('b')];
    const { server } = world.session(a, b, { lengths: messages(200, 20) }, { rests: 1, rest: MS });
    expect(world.finish()).toEqual([]);
    expect(server.received).toBe(200);
  });
});

describe('a peer that breaks the protocol is cut off with a reason:', () => {
  const long = (n: number) => [n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24];
  const cases: [string, number, (p: Puppet) => void][] = [
    ['a fragment without a beginning', ResetReason.protocol, (p) => p.data([1], 0)],
    ['an end without a beginning', ResetReason.protocol, (p) => p.data([1], Flag.last)],
    [
      'a beginning within a message',
      ResetReason.protocol,
      (p) => [p.data(long(9), Flag.first), p.data(long(9), Flag.first)],
    ],
    ['a message within a message', ResetReason.protocol, (p) => [p.data(long(9), Flag.first), p.data([1])]],
    ['a beginning without a length', ResetReason.protocol, (p) => p.data([1, 2, 3], Flag.first)],
    [
      'more bytes than were announced',
      ResetReason.protocol,
      (p) => [p.data(long(2), Flag.first), p.data([1, 2, 3], 0)],
    ],
    [
      'fewer bytes than were announced',
      ResetReason.protocol,
      (p) => [p.data(long(9), Flag.first), p.data([1], Flag.last)],
    ],
    ['an end within a message', ResetReason.protocol, (p) => [p.data(long(9), Flag.first), p.data([], Flag.fin)]],
    ['an end with a payload', ResetReason.protocol, (p) => p.data([1], Flag.fin)],
    ['an end that is a message', ResetReason.protocol, (p) => p.data([], Flag.fin | Flag.first | Flag.last)],
    ['a message behind the end', ResetReason.protocol, (p) => [p.data([], Flag.fin), p.data([1])]],
    ['a message that is too long', ResetReason.messageTooLong, (p) => p.data(new Uint8Array(101))],
    ['the beginning of one', ResetReason.messageTooLong, (p) => p.data(long(101), Flag.first)],
    ['a length beyond all bounds', ResetReason.messageTooLong, (p) => p.data(long(0xffffffff), Flag.first)],
  ];
  for (const [name, code, misbehave] of cases) {
    test(name, () => {
      const world = new World(5);
      const b = world.host('b');
      const server = new Talker(world.network, b, 1, { ...PLAIN, keepOpen: true }, world.chance.fork());
      // Any message is taken: the puppet's are not recomputed.
      server.message = () => {};
      world.session(world.host('a'), b, {}, {}, {}, { maxMessage: 100 }).server = server;
      world.network.run();
      world.sessions[0].accepted = 0;
      const puppet = new Puppet(world.network, 'p', 'b');
      puppet.open({ port: 0 });
      server.reason = server.error = undefined;
      misbehave(puppet);
      world.network.run(world.network.now + MS);
      expect(puppet.ofType(FrameType.reset).map(({ payload }) => payload[0])).toEqual([code]);
      expect(server.reason).toBe(code === ResetReason.protocol ? 'protocol' : 'message-too-long');
      world.network.run();
      expect(b.leftovers()).toEqual([]);
    });
  }
});
