/** What an application may do, and do wrong, inside its handlers; and what a peer may not do. */
import { describe, expect, test } from 'vitest';

import { ResetReason } from '../../src/wire/control.js';
import { Flag, FrameType } from '../../src/wire/header.js';
import { Puppet } from '../support/sim/puppet.js';
import { PLAIN, Talker } from '../support/sim/talker.js';
import { FRAMEFUL, MS, World, messages, twoHosts } from '../support/sim/world.js';

describe('a handler that throws', () => {
  for (const event of ['message', 'writable', 'peerEnded'] as const) {
    test(`${event}: its channel ends, the others go on`, () => {
      const { world, a, b } = twoHosts(1);
      const plan = { lengths: messages(200, FRAMEFUL) };
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
      const { world, a, b } = twoHosts(2);
      const plan = { lengths: messages(100, FRAMEFUL) };
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
      const { world, a, b } = twoHosts(3);
      const plan = { lengths: messages(50, FRAMEFUL) };
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
    const { world, a, b } = twoHosts(4);
    const { server } = world.session(a, b, { lengths: messages(200, 20) }, { rests: 1, rest: MS });
    expect(world.finish()).toEqual([]);
    expect(server.received).toBe(200);
  });
});

describe('a peer that breaks the protocol is cut off with a reason:', () => {
  const WHOLE = Flag.first | Flag.last;
  const shared = (firstLength: number, payload: number[], flags: number = WHOLE) => {
    return (p: Puppet) => p.dataFrame({ flags: flags | Flag.shared, firstLength, payload: Uint8Array.from(payload) });
  };
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
    ['a shared frame whose first message reaches beyond it', ResetReason.protocol, shared(5, [1, 2, 3, 4])],
    ['a shared frame of nothing that promises something', ResetReason.protocol, shared(1, [])],
    ['one whose second message does', ResetReason.protocol, shared(4, [1, 2, 3, 4, 2, 0, 7, 0, 5])],
    ['one whose last entry does', ResetReason.protocol, shared(2, [1, 2, 0, 0, 2, 0])],
    ...[1, 2, 3].map((left): [string, number, (p: Puppet) => void] => [
      `one with ${left} bytes left over`,
      ResetReason.protocol,
      shared(4, [1, 2, 3, 4, 0, 0, 0, 0, ...[9, 9, 9].slice(0, left)]),
    ]),
    ['one with the padding of a message that does not come', ResetReason.protocol, shared(1, [1, 0, 0, 0])],
    ['one without a beginning', ResetReason.protocol, shared(1, [1], Flag.last)],
    ['one without an end', ResetReason.protocol, shared(4, long(4), Flag.first)],
    ['one with neither', ResetReason.protocol, shared(1, [1], 0)],
    ['one that is the end', ResetReason.protocol, shared(0, [], Flag.fin)],
    ['one that is the end, and messages', ResetReason.protocol, shared(1, [1], WHOLE | Flag.fin)],
    [
      'one within a message',
      ResetReason.protocol,
      (p) => {
        p.data(long(9), Flag.first);
        shared(1, [1])(p);
      },
    ],
    ['one behind the end', ResetReason.protocol, (p) => [p.data([], Flag.fin), shared(1, [1])(p)]],
    ['one with a message that is too long', ResetReason.messageTooLong, shared(101, [...new Uint8Array(101)])],
    [
      'one with a later message that is too long',
      ResetReason.messageTooLong,
      shared(0, [101, 0, 0, 0, ...new Uint8Array(101)]),
    ],
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
