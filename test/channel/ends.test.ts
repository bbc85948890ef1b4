/** How channels end: every end has a typed reason, and a peaceful one means that everything was delivered. */
import { describe, expect, test } from 'vitest';

import { ChannelState } from '../../src/channel/events.js';
import { ChannelCounter, EngineCounter } from '../../src/channel/counters.js';
import { ResetReason } from '../../src/wire/control.js';
import { Flag, FrameType } from '../../src/wire/header.js';
import { Puppet, parse, reason } from '../support/sim/puppet.js';
import type { Session } from '../support/sim/world.js';
import { FRAMEFUL, MS, SECOND, World, messages, twoHosts } from '../support/sim/world.js';

/** Frames, each of one message. */
const SOME = { lengths: messages(20, FRAMEFUL) };
const NEVER = { lengths: messages(1, 1), start: 3600 * SECOND };

function ends({ client, server }: Session): unknown[] {
  return [client.reason, client.error?.code, server.reason, server.error?.code];
}

const IN_PEACE = ['ended', undefined, 'ended', undefined];

/** Two hosts and an open, quiet channel. */
function quiet(seed: number, options = {}, serverOptions = options) {
  const { world, a, b } = twoHosts(seed);
  const session = world.session(a, b, NEVER, NEVER, options, serverOptions);
  world.network.run(world.network.now + 10 * MS);
  return { world, a, b, session };
}

describe('in peace', () => {
  test('one side ends, the other goes on sending (half-close)', () => {
    const { world, a, b } = twoHosts(1);
    const session = world.session(a, b, SOME, { lengths: messages(200, 50), batch: 5, pause: 2 * MS });
    world.network.run(world.network.now + 10 * MS);
    expect([session.client.hasEnded, session.server.peerHasEnded, session.client.reason]).toEqual([
      true,
      true,
      undefined,
    ]);
    expect(world.finish()).toEqual([]);
    expect(session.client.received).toBe(200);
    expect(ends(session)).toEqual(IN_PEACE);
  });

  test('the end is acknowledged only when everything before it was consumed', () => {
    const { world, a, b } = twoHosts(2);
    const session = world.session(a, b, SOME, {}, {}, { keepAlive: 10_000 });
    session.server.onMessage = () => {
      if (session.server.received !== 3) return;
      session.server.core!.pause();
      world.network.after(2 * SECOND, () => b.enter(() => session.server.core!.resume()));
    };
    world.network.run(world.network.now + SECOND);
    expect([session.server.received, session.client.hasEnded]).toEqual([3, false]);
    expect(world.finish()).toEqual([]);
    expect(ends(session)).toEqual(IN_PEACE);
  });

  test('the end overtook a lost message and waited; the acknowledgement is lost: one timeout later all is well', () => {
    const { world, a, b } = twoHosts(16);
    const session = world.session(a, b, SOME, NEVER, { keepAlive: 60_000, peerTimeout: 90_000, maxRto: 100 });
    let lost = 0;
    world.network.filter = (bytes, from) => {
      const { type, payload } = parse(bytes);
      return (
        from === 'b' || type !== FrameType.data || payload.length === 0 || session.client.sent < 18 || ++lost !== 3
      );
    };
    session.server.onMessage = () => {
      if (session.server.received === 1) session.server.core!.pause();
    };
    world.network.run(world.network.now + 300 * MS);
    world.network.filter = (bytes, from) => from === 'a' || parse(bytes).type !== FrameType.ack;
    b.enter(() => session.server.core!.resume());
    world.network.run(world.network.now + MS);
    world.network.filter = undefined;
    expect([session.server.received, session.client.hasEnded]).toEqual([20, false]);
    world.network.run(world.network.now + 150 * MS);
    expect(session.client.hasEnded).toBe(true);
  });

  test('while its reader rests no resend decision is asked for', () => {
    const { world, a, b } = twoHosts(3);
    let asked = 0;
    const onResend = () => ++asked < 0;
    const session = world.session(a, b, SOME, {}, { onResend }, {});
    session.server.onMessage = () => {
      if (session.server.received !== 3) return;
      session.server.core!.pause();
      world.network.after(20 * SECOND, () => b.enter(() => session.server.core!.resume()));
    };
    expect(world.finish()).toEqual([]);
    expect([asked, ...ends(session)]).toEqual([0, ...IN_PEACE]);
  });

  test('though the last acknowledgement is lost until the peer has forgotten the channel', () => {
    const { world, a, b } = twoHosts(4);
    // The client's FIN is answered by the server's; what the client says from then on is lost for a second.
    let until = Infinity;
    world.network.filter = (bytes, from) => {
      const frame = parse(bytes);
      if (from === 'b' && (frame.flags & Flag.fin) !== 0) until = Math.min(until, world.network.now + SECOND);
      return from === 'b' || until === Infinity || world.network.now > until;
    };
    const session = world.session(a, b, SOME, SOME);
    expect(world.finish()).toEqual([]);
    expect(ends(session)).toEqual(IN_PEACE);
    expect(a.engine.counters[EngineCounter.unknownChannel]).toBeGreaterThan(0);
  });

  test('not if the peer has restarted: what it acknowledged may not have been consumed', () => {
    const { world, a, b } = twoHosts(5);
    const session = world.session(a, b, SOME, {});
    session.server.onMessage = () => {
      if (session.server.received === 1) session.server.core!.pause();
    };
    // The server ends its side; it holds all messages, and has delivered one.
    world.network.run(world.network.now + 20 * MS);
    b.enter(() => session.server.core!.end());
    world.network.run(world.network.now + 20 * MS);
    expect([session.client.peerHasEnded, session.client.core!.sender.endQueued]).toEqual([true, true]);
    b.vanish();
    world.hosts.splice(1, 1);
    world.host('b');
    world.network.run();
    expect([session.client.reason, session.client.error?.code]).toEqual(['peer-reset', 'ERR_EMP_PEER_RESET']);
    expect(a.leftovers()).toEqual([]);
  });

  test('cutting the linger short does not turn the peer’s end into an error', () => {
    const { world, a, b } = twoHosts(6);
    const session = world.session(a, b, SOME, SOME);
    let cut = false;
    session.client.closed = (closeReason) => {
      session.client.reason = closeReason;
      cut = true;
      session.client.core!.fail('host-closed');
    };
    expect(world.finish()).toEqual([]);
    expect([cut, session.server.reason]).toEqual([true, 'ended']);
    expect(a.engine.counters[EngineCounter.resetsSent]).toBe(0);
  });
});

describe('by abort', () => {
  test('the peer learns it at once; nothing more is delivered', () => {
    const { world, session } = quiet(7);
    session.client.abort();
    expect(session.client.reason).toBe('aborted');
    expect(world.finish()).toEqual([]);
    expect(ends(session)).toEqual(['aborted', 'ERR_EMP_ABORTED', 'peer-aborted', 'ERR_EMP_PEER_ABORTED']);
  });

  test('and the word is lost: the next frame brings it', () => {
    const { world, session } = quiet(8);
    world.network.filter = (bytes) => parse(bytes).type !== FrameType.reset;
    session.client.abort();
    world.network.run(world.network.now + MS);
    world.network.filter = undefined;
    expect(world.finish()).toEqual([]);
    expect(session.server.reason).toBe('peer-aborted');
  });

  const codes = [
    [ResetReason.aborted, 'peer-aborted'],
    [ResetReason.protocol, 'protocol'],
    [ResetReason.messageTooLong, 'message-too-long'],
    [ResetReason.handler, 'peer-handler'],
    [ResetReason.hostClosed, 'peer-closed'],
    [ResetReason.gaveUp, 'peer-gave-up'],
    [ResetReason.unknownChannel, 'peer-reset'],
    [ResetReason.ended, 'peer-reset'],
    [999, 'peer-reset'],
  ] as const;
  for (const [code, closeReason] of codes) {
    test(`RESET with reason ${code}: ${closeReason}, never answered`, () => {
      const world = new World(9);
      const b = world.host('b');
      const session = world.session(world.host('a'), b, {}, {});
      world.network.run();
      const puppet = new Puppet(world.network, 'p', 'b');
      session.accepted = 0;
      puppet.open({ port: 0 });
      const before = puppet.got.length;
      const { core } = session.server;
      puppet.send({ type: FrameType.reset, payload: reason(code) });
      world.network.run(world.network.now + MS);
      expect(core!.state).toBe(ChannelState.closed);
      expect(puppet.got.length).toBe(before);
      expect(session.server.faults.filter((text) => text.includes('closed twice'))).toEqual([
        expect.stringContaining(`ended, ${closeReason}`),
      ]);
      expect(b.leftovers()).toEqual([]);
    });
  }
});

describe('a peer that is gone', () => {
  test('vanished, with frames under way: unreachable within peerTimeout and one timeout', () => {
    const { world, a, b } = twoHosts(10);
    const options = { peerTimeout: 2000, maxRto: 300 };
    const { client } = world.session(a, b, { lengths: messages(1000, 20), batch: 1, pause: MS }, {}, options);
    world.network.run(world.network.now + 50 * MS);
    b.vanish();
    const start = world.network.now;
    world.network.run();
    expect([client.reason, client.error?.code]).toEqual(['unreachable', 'ERR_EMP_UNREACHABLE']);
    expect(world.network.now - start).toBeGreaterThanOrEqual(2 * SECOND - MS);
    expect(world.network.now - start).toBeLessThanOrEqual(2.3 * SECOND);
    expect(a.leftovers()).toEqual([]);
  });

  test('vanished, with nothing under way: probes find out', () => {
    const { world, a, b, session } = quiet(11, { keepAlive: 200, peerTimeout: 1000 });
    b.vanish();
    const start = world.network.now;
    world.network.run(start + 1.3 * SECOND);
    expect(session.client.reason).toBe('unreachable');
    expect(a.leftovers()).toEqual([]);
  });

  test('an idle channel lives: each probe is answered', () => {
    const { world, session } = quiet(12, { keepAlive: 200, peerTimeout: 700 });
    world.network.run(world.network.now + 60 * SECOND);
    expect([session.client.reason, session.server.reason]).toEqual([undefined, undefined]);
    const probes = [session.client, session.server].map((side) => side.core!.link.counters[ChannelCounter.probesSent]);
    expect(probes[0] + probes[1]).toBeGreaterThan(200);
    expect(probes[0] + probes[1]).toBeLessThan(700);
  });

  test('an idle channel lives whatever the fractions of the clock: no timer is due for ever', () => {
    for (let i = 0; i < 300; i++) {
      const world = new World(20 + i);
      world.network.now += world.chance.share * 2 ** world.chance.between(0, 40);
      const session = world.session(world.host('a'), world.host('b'), NEVER, NEVER, {
        keepAlive: 0.1 + world.chance.share,
      });
      world.network.run(world.network.now + 20 * MS);
      expect([session.client.reason, session.server.isOpened]).toEqual([undefined, true]);
    }
  });

  test('a cut in one direction: both ends learn it', () => {
    for (const cut of ['a', 'b']) {
      const { world, a, b } = twoHosts(13);
      const options = { keepAlive: 200, peerTimeout: 1000 };
      const plan = { lengths: messages(100_000, 20), batch: 1, pause: MS };
      const session = world.session(a, b, plan, {}, options);
      world.network.run(world.network.now + 50 * MS);
      world.network.filter = (_bytes, from) => from !== cut;
      expect(world.finish()).toEqual([]);
      expect([session.client.error, session.server.error].every((error) => error !== undefined)).toBe(true);
    }
  });

  test('restarted: the survivor hears it, and no old frame reaches a new channel', () => {
    for (let seed = 0; seed < 200; seed++) {
      const world = new World(1000 + seed);
      const { network, chance } = world;
      network.weather = {
        drop: 0.05,
        double: 0.2,
        corrupt: 0,
        replay: 0.2,
        burst: 0,
        burstLength: 0,
        pad: 0,
        delayMin: 50,
        delayMax: 20_000,
      };
      const [a, b] = [world.host('a'), world.host('b')];
      const plan = { lengths: messages(400, 20), batch: 2, pause: MS };
      const options = { keepAlive: 300, peerTimeout: 60_000, connectTimeout: 60_000 };
      const old = world.session(a, b, plan, plan, options);
      network.run(network.now + chance.between(30, 200) * MS);
      b.vanish();
      world.hosts.splice(1, 1);
      // The network still carries frames of the old life when the same address is back.
      network.run(network.now + chance.between(0, 10) * MS);
      const again = world.host('b');
      again.engine.handshakes.listen(0, {
        settings: old.client.core!.settings,
        accept: () => false,
        accepted: () => expect.unreachable(),
      });
      const fresh = [world.session(a, again, SOME, SOME, options), world.session(again, a, SOME, SOME, options)];
      network.after(2 * SECOND, () => (network.weather = { ...network.weather, drop: 0, double: 0, replay: 0 }));
      network.run();
      expect(fresh.map(ends), `seed ${seed}`).toEqual([IN_PEACE, IN_PEACE]);
      expect(fresh.flatMap(({ client, server }) => [...client.verdict(), ...server.verdict()])).toEqual([]);
      expect(old.client.faults).toEqual([]);
      expect(['peer-reset', 'refused', 'ended']).toContain(old.client.reason);
      expect([...a.leftovers(), ...again.leftovers()]).toEqual([]);
    }
  });
});

describe('the resend decision', () => {
  test('false: given up, both ends told', () => {
    const { world, a, b } = twoHosts(14);
    const asked: number[] = [];
    const onResend = ({
      attempts,
      outstanding,
      silence,
    }: {
      attempts: number;
      outstanding: number;
      silence: number;
    }) => {
      asked.push(attempts);
      expect(outstanding).toBeGreaterThan(0);
      expect(silence).toBeGreaterThan(0);
      return attempts < 3;
    };
    const session = world.session(a, b, SOME, NEVER, { onResend }, {});
    world.network.filter = (bytes, from) => from === 'b' || parse(bytes).type !== FrameType.data;
    expect(world.finish()).toEqual([]);
    expect(asked).toEqual([1, 2, 3]);
    expect(ends(session)).toEqual(['gave-up', 'ERR_EMP_GAVE_UP', 'peer-gave-up', 'ERR_EMP_PEER_ABORTED']);
  });

  test('it throws: only its channel ends', () => {
    const { world, a, b } = twoHosts(15);
    const onResend = () => {
      throw new Error('on purpose');
    };
    const session = world.session(a, b, { ...SOME, start: 20 * MS }, NEVER, { onResend }, {});
    const other = world.session(a, b, SOME, SOME);
    world.network.filter = (bytes) => {
      const { type, source } = parse(bytes);
      return type !== FrameType.data || source !== session.client.core!.link.localId;
    };
    expect(world.finish()).toEqual([]);
    expect(ends(session)).toEqual(['handler', 'ERR_EMP_HANDLER', 'peer-handler', 'ERR_EMP_PEER_ABORTED']);
    expect(ends(other)).toEqual(IN_PEACE);
  });
});
