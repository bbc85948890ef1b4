/** How channels begin, and how they do not. */
import { describe, expect, test } from 'vitest';

import { EngineCounter } from '../../src/channel/counters.js';
import { NicError } from '../../src/errors.js';
import { resolveChannelOptions } from '../../src/channel/options.js';
import { Refusal, ResetReason } from '../../src/wire/control.js';
import { hashBytes } from '../../src/wire/check.js';
import { FrameType, Reject } from '../../src/wire/header.js';
import { PathKind } from '../../src/wire/path.js';
import { Puppet, build, handshake, parse, reason } from '../support/sim/puppet.js';
import { Talker, PLAIN } from '../support/sim/talker.js';
import { MS, SECOND, World, messages, twoHosts } from '../support/sim/world.js';

const SOME = { lengths: messages(5, 30) };

/** Connects to a puppet, and returns the talker. */
function connectTo(world: World, puppet: Puppet, port = 7): Talker {
  const a = world.host('a');
  const talker = new Talker(world.network, a, 0, { ...PLAIN, ...SOME }, world.chance.fork());
  talker.partner = talker;
  a.enter(() => {
    talker.core = a.engine.create(puppet.address, port, resolveChannelOptions({ connectTimeout: 3000 }));
    talker.core.events = talker;
    talker.core.connect();
  });
  world.network.run(world.network.now + MS);
  puppet.theirId = puppet.ofType(FrameType.connect)[0].source;
  return talker;
}

/** The same frame as another version of the protocol would send it. */
function ofVersion(version: number, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[0] = (version << 4) | (copy[0] & 0xf);
  const header = copy.slice(0, copy[4] << 2).fill(0, 28, 32);
  new DataView(copy.buffer).setInt32(28, hashBytes(new DataView(header.buffer), 0, header.length, 0x31504d45), true);
  return copy;
}

describe('frames of the handshake that are lost', () => {
  const types = [
    ['CONNECT', FrameType.connect],
    ['ACCEPT', FrameType.accept],
    ['the first ACK', FrameType.ack],
  ] as const;
  for (const [name, type] of types) {
    test(`${name}, twice: both ends open all the same, once`, () => {
      const { world, a, b } = twoHosts(1);
      let lost = 0;
      world.network.filter = (bytes) => parse(bytes).type !== type || lost++ >= 2;
      // Nobody has anything to say at first: the connection has to stand without it.
      const session = world.session(a, b, { lengths: [1], start: SECOND }, { lengths: [1], start: SECOND });
      world.network.run(world.network.now + SECOND / 2);
      expect([session.client.isOpened, session.server.isOpened]).toEqual([true, true]);
      expect(world.finish()).toEqual([]);
      expect([session.client.reason, session.server.reason, session.accepted]).toEqual(['ended', 'ended', 1]);
    });
  }

  test('all of them: the caller hears of it in time, and nothing is left', () => {
    const { world, a, b } = twoHosts(2);
    world.network.filter = () => false;
    const { client } = world.session(a, b, SOME, SOME, { connectTimeout: 120 });
    const start = world.network.now;
    world.network.run(start + 119 * MS);
    expect(client.reason).toBeUndefined();
    world.network.run(start + 120 * MS);
    expect([client.reason, client.error?.code]).toEqual(['timeout', 'ERR_EMP_TIMEOUT']);
    expect(world.finish()).toEqual([]);
  });

  test('every answer to the ACCEPT: the half-open channel goes away unseen', () => {
    const { world, a, b } = twoHosts(3);
    world.network.filter = (bytes, from) => from === 'b' || parse(bytes).type === FrameType.connect;
    const { client, accepted } = world.session(a, b, SOME, SOME, {
      connectTimeout: 300,
      peerTimeout: 500,
      keepAlive: 100,
    });
    expect(world.finish()).toEqual([]);
    expect(accepted).toBe(0);
    expect(client.error).toBeDefined();
  });
});

describe('a CONNECT that comes again', () => {
  test('at once, many times: one channel', () => {
    const { world, a, b } = twoHosts(4);
    world.network.filter = (bytes, from) => {
      if (parse(bytes).type === FrameType.connect) {
        for (let i = 1; i < 20; i++) world.network.after(i * 37, () => b.nic.arrive(bytes, from));
      }
      return true;
    };
    const { accepted, client } = world.session(a, b, { ...SOME, keepOpen: true }, SOME);
    expect(accepted).toBe(0);
    expect(world.finish()).toEqual([]);
    expect(client.reason).toBe('ended');
    expect(b.engine.counters[EngineCounter.connectsReceived]).toBe(20);
    expect([world.sessions[0].asked, world.sessions[0].accepted]).toEqual([1, 1]);
    expect(b.engine.counters[EngineCounter.resetsSent]).toBe(0);
  });

  test('when its channel is over: the ghost is never shown', () => {
    const { world, a, b } = twoHosts(5);
    let old: Uint8Array | undefined;
    world.network.filter = (bytes) => {
      if (parse(bytes).type === FrameType.connect) old = bytes;
      return true;
    };
    const session = world.session(a, b, SOME, SOME);
    world.network.run();
    expect(session.client.reason).toBe('ended');
    b.nic.arrive(old!, 'a');
    world.network.run(world.network.now + 20);
    expect(b.engine.channelCount).toBe(1);
    // Its ACCEPT finds nobody; the RESET that answers it ends the ghost.
    expect(world.finish()).toEqual([]);
    expect(session.accepted).toBe(1);
  });
});

describe('a connection is refused', () => {
  const cases = [
    [Refusal.noListener, 'no-listener', 'ERR_EMP_REFUSED'],
    [Refusal.refused, 'refused', 'ERR_EMP_REFUSED'],
    [Refusal.version, 'version', 'ERR_EMP_VERSION'],
    [Refusal.backlog, 'backlog', 'ERR_EMP_REFUSED'],
    [Refusal.parameters, 'parameters', 'ERR_EMP_REFUSED'],
  ] as const;
  for (const [code, closeReason, errorCode] of cases) {
    test(`${closeReason}: a typed error at once`, () => {
      const world = new World(6);
      const puppet = new Puppet(world.network, 'p', 'a');
      const talker = connectTo(world, puppet);
      const acknowledgement = talker.core!.initialSequence;
      puppet.send({ type: FrameType.refuse, source: 0, acknowledgement, payload: reason(code) });
      world.network.run();
      expect([talker.reason, talker.error?.code]).toEqual([closeReason, errorCode]);
      expect(world.hosts[0].leftovers()).toEqual([]);
    });
  }

  test('not by who has only guessed the id: an answer names the sequence number, too', () => {
    const world = new World(6);
    const puppet = new Puppet(world.network, 'p', 'a');
    const talker = connectTo(world, puppet);
    for (const type of [FrameType.refuse, FrameType.accept]) {
      const acknowledgement = (talker.core!.initialSequence + 1) | 0;
      const payload = type === FrameType.refuse ? reason(Refusal.refused) : handshake();
      puppet.send({ type, source: 5, acknowledgement, payload });
    }
    world.network.run(world.network.now + 1000);
    expect([talker.reason, talker.isOpened]).toEqual([undefined, false]);
    expect(world.hosts[0].engine.counters[EngineCounter.unexpected]).toBe(2);
    talker.abort();
    expect(world.finish()).toEqual([]);
  });

  test('nobody listens; the application says no', () => {
    const world = new World(7);
    const b = world.host('b');
    const acceptor = (accept: () => boolean) => ({
      settings: resolveChannelOptions(),
      accept,
      accepted: () => expect.unreachable(),
    });
    b.engine.handshakes.listen(
      1,
      acceptor(() => false),
    );
    const puppet = new Puppet(world.network, 'p', 'b');
    for (const port of [0, 1]) puppet.connect({ port });
    world.network.run();
    expect(puppet.ofType(FrameType.refuse).map(({ payload }) => payload[0])).toEqual([1, 2]);
    expect(b.leftovers()).toEqual([]);
  });

  test('parameters that no channel can work with', () => {
    const world = new World(8);
    const b = world.host('b');
    world.session(world.host('a'), b, SOME, SOME);
    const puppet = new Puppet(world.network, 'p', 'b');
    puppet.connect({ port: 0, window: 0 });
    puppet.connect({ port: 0, mtu: 95 });
    expect(world.finish()).toEqual([]);
    expect(puppet.ofType(FrameType.refuse).map(({ payload }) => payload[0])).toEqual([5, 5]);
  });

  test('more connections at a time than the backlog holds', () => {
    const world = new World(9);
    const b = world.host('b');
    world.session(world.host('a'), b, SOME, SOME);
    world.network.run();
    const puppet = new Puppet(world.network, 'p', 'b');
    for (let i = 1; i <= 200; i++) {
      puppet.send({ type: FrameType.connect, source: i, payload: handshake({ port: 0 }) });
    }
    world.network.run(world.network.now + MS);
    expect(b.engine.channelCount).toBe(128);
    // Of the 72 others as many are told so as strangers are answered at once.
    expect(puppet.ofType(FrameType.refuse).filter(({ payload }) => payload[0] === Refusal.backlog)).toHaveLength(64);
    world.network.run();
    expect(b.leftovers()).toEqual([]);
  });
});

describe('another version of the protocol', () => {
  test('asks us: REFUSE says which one we speak', () => {
    const world = new World(10);
    const b = world.host('b');
    const puppet = new Puppet(world.network, 'p', 'b');
    puppet.sendBytes(ofVersion(2, build({ type: FrameType.connect, source: puppet.id, payload: handshake() })));
    world.network.run();
    expect(b.engine.memory.rejects[Reject.version]).toBe(1);
    expect(puppet.got).toHaveLength(1);
    expect(puppet.got[0]).toMatchObject({ type: FrameType.refuse, destination: puppet.id });
    expect([...puppet.got[0].payload]).toEqual([Refusal.version, 0, 1, 0]);
    expect(b.leftovers()).toEqual([]);
  });

  test('asks us again and again: it is not answered without end', () => {
    const world = new World(17);
    const b = world.host('b');
    const puppet = new Puppet(world.network, 'p', 'b');
    const connect = ofVersion(2, build({ type: FrameType.connect, source: puppet.id, payload: handshake() }));
    for (let i = 0; i < 1000; i++) puppet.sendBytes(connect);
    world.network.run(world.network.now + MS);
    expect(b.engine.memory.rejects[Reject.version]).toBe(1000);
    expect(puppet.got.length).toBeGreaterThanOrEqual(64);
    expect(puppet.got.length).toBeLessThan(70);
  });

  test('refuses us: a typed error that names both', () => {
    const world = new World(11);
    const puppet = new Puppet(world.network, 'p', 'a');
    const talker = connectTo(world, puppet);
    const refusal = build({ type: FrameType.refuse, destination: puppet.theirId, payload: reason(Refusal.version, 2) });
    puppet.sendBytes(ofVersion(2, refusal));
    world.network.run();
    expect([talker.reason, talker.error?.code]).toEqual(['version', 'ERR_EMP_VERSION']);
    expect(talker.error?.message).toContain('it speaks version 2, this side 1');
    expect(world.hosts[0].leftovers()).toEqual([]);
  });

  test('its other frames are dropped and counted, and never answered', () => {
    const world = new World(12);
    const b = world.host('b');
    const puppet = new Puppet(world.network, 'p', 'b');
    for (const type of [2, 4, 5, 6, 7, 8, 9, 15]) puppet.sendBytes(ofVersion(3, build({ type, destination: 5 })));
    world.network.run();
    expect(b.engine.memory.rejects[Reject.version]).toBe(8);
    expect(puppet.got).toEqual([]);
  });
});

test('a host with a single NIC does not say by which addresses it is reached: who asks hears nothing', () => {
  const world = new World(12);
  const b = world.host('b');
  const puppet = new Puppet(world.network, 'p', 'b');
  for (const kind of [PathKind.probe, PathKind.echo])
    puppet.send({ type: FrameType.path, payload: Uint8Array.of(kind, 0, 1, 0) });
  world.network.run();
  expect(b.engine.counters[EngineCounter.unexpected]).toBe(2);
  expect(puppet.got).toEqual([]);
});

test('two hosts that connect to each other at the same time: two channels', () => {
  const { world, a, b } = twoHosts(13);
  for (let i = 0; i < 10; i++) {
    world.session(a, b, SOME, SOME);
    world.session(b, a, SOME, SOME);
  }
  expect(world.finish()).toEqual([]);
  expect(world.sessions.every(({ client, server }) => client.reason === 'ended' && server.reason === 'ended')).toBe(
    true,
  );
});

describe('frames for nobody', () => {
  test('are answered by RESET, but not without end', () => {
    const world = new World(14);
    const b = world.host('b');
    const puppet = new Puppet(world.network, 'p', 'b');
    for (let i = 0; i < 1000; i++) puppet.send({ type: FrameType.data, destination: 0x40000 + i });
    world.network.run(world.network.now + MS);
    const resets = puppet.ofType(FrameType.reset);
    expect(resets.length).toBeGreaterThanOrEqual(64);
    expect(resets.length).toBeLessThan(70);
    expect(resets[0]).toMatchObject({ destination: puppet.id, source: 0x40000 });
    expect(resets[0].payload[0]).toBe(ResetReason.unknownChannel);
    expect(b.engine.counters[EngineCounter.unknownChannel]).toBe(1000);
    expect(b.leftovers()).toEqual([]);
  });

  test('are answered to nobody if they come from where no machine can be, and the host goes on', () => {
    const world = new World(16);
    const b = world.host('b');
    b.nic.peer = (address) => {
      throw new NicError('ERR_EMP_ADDRESS', `${address} is a group address.`, { remedy: 'None.' });
    };
    b.engine.handshakes.listen(1, {
      settings: resolveChannelOptions(),
      accept: () => true,
      accepted: () => expect.unreachable(),
    });
    const puppet = new Puppet(world.network, 'p', 'b');
    const connect = (port: number, mtu = 512) =>
      build({ type: FrameType.connect, source: puppet.id, payload: handshake({ port, mtu }) });
    puppet.send({ type: FrameType.data, destination: 0x40000 });
    for (const bytes of [connect(1), connect(1, 1), connect(2), ofVersion(2, connect(1))]) puppet.sendBytes(bytes);
    world.network.run();
    const { counters } = b.engine;
    expect([counters[EngineCounter.unknownChannel], counters[EngineCounter.connectsReceived]]).toEqual([1, 3]);
    expect([counters[EngineCounter.resetsSent], counters[EngineCounter.refusalsSent]]).toEqual([0, 0]);
    expect(b.leftovers()).toEqual([]);
  });

  test('RESET and REFUSE are never answered', () => {
    const world = new World(15);
    world.host('b');
    const puppet = new Puppet(world.network, 'p', 'b');
    for (const type of [FrameType.reset, FrameType.refuse]) puppet.send({ type, destination: 77, payload: reason(1) });
    world.network.run();
    expect(puppet.got).toEqual([]);
  });
});
