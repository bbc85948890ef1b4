/** Several NICs where it is difficult: names, strangers, long queues, handlers, and more than one failure at once. */
import { describe, expect, test } from 'vitest';

import type { ChannelOptions, Host, PathPolicy } from '../../src/index.js';
import { World } from '../../src/sim/index.js';
import type { Failure, Link, Machine } from '../../src/sim/index.js';
import { FrameType, typeOf } from '../../src/wire/header.js';
import { PathKind, pathFrameBytes, readPathFrame, writePathFrame } from '../../src/wire/path.js';
import type { PathMessage } from '../../src/wire/path.js';
import { Stream } from '../support/sim/stream.js';

interface Scene {
  readonly world: World;
  readonly machines: readonly Machine[];
  readonly hosts: readonly Host[];
  readonly links: readonly Link[];
}
interface Setting {
  readonly count?: number;
  readonly rate?: number;
  readonly policy?: PathPolicy;
  readonly channel?: ChannelOptions;
  readonly rxFrames?: number;
}

async function play(
  act: (scene: Scene) => Promise<void>,
  { count = 2, rate = 1e9, policy = 'failover', channel = {}, rxFrames = 1024 }: Setting = {},
): Promise<void> {
  const world = new World({ seed: 7 });
  const machines = [world.machine('a'), world.machine('b')];
  const links = Array.from({ length: count }, () =>
    world.link(machines[0], machines[1], { rate, faults: { delay: 20 } }),
  );
  await world.run(async () => {
    const hosts = machines.map((machine) =>
      machine.open({ interface: machine.interfaces, paths: { policy }, channel, nic: { rxFrames } }),
    );
    await act({ world, machines, hosts, links });
    await Promise.all(hosts.map((host) => host.close()));
    for (const { interfaces } of machines) for (const { nic } of interfaces) expect(nic!.leaks()).toEqual([]);
  });
}

test('a peer that is called by two of its addresses has all of its paths under each', () =>
  play(async ({ world, hosts: [a, b], links }) => {
    const streams = await Promise.all([
      Stream.open(world, a, b, { port: 1, address: 'b/0', every: 1 }),
      Stream.open(world, a, b, { port: 2, address: 'b/1', every: 1 }),
      Stream.open(world, b, a, { port: 3, address: 'a/1', every: 1 }),
    ]);
    await world.sleep(100);
    for (const stream of streams) stream.gap();
    links[0].up = false;
    await world.sleep(200);
    for (const stream of streams) expect(stream.gap()).toBeLessThan(30);
    links[0].up = true;
    await world.sleep(1500);
    links[1].up = false;
    await world.sleep(200);
    for (const stream of streams) expect(stream.gap()).toBeLessThan(1300 + 300);
    for (const stream of streams) expect(await stream.end()).toEqual([]);
  }));

test('who called by a NIC that has died before it was asked by it is answered by the other one, which it is heard by', () =>
  play(async ({ world, hosts: [a, b], links }) => {
    await Stream.open(world, a, b, { port: 1, address: 'b/1', every: 1 });
    // a finds that it reaches b by the first link; b has never heard a answer there.
    links[0].filter = ({ bytes, from }) => from !== 'a/0' || !isEcho(bytes);
    await world.sleep(100);
    const stream = await Stream.open(world, a, b, { port: 2, address: 'b/1', every: 1 });
    links[0].cut = 'both';
    await world.sleep(500);
    stream.gap();
    await world.sleep(100);
    expect(stream.gap()).toBeLessThan(5);
    expect(b.paths.filter(({ peer, active }) => peer === 'a/0' && active).map(({ remote }) => remote)).toEqual(['a/1']);
    expect(await stream.end()).toEqual([]);
  }));

test('who called by a NIC that he has given up since, and that nobody ever reached, is answered where he is heard from', () =>
  play(async ({ world, hosts: [a, b], links }) => {
    links[0].cut = 'both';
    links[1].filter = ({ bytes, from }) => from !== 'a/1' || !isEcho(bytes);
    const stream = await Stream.open(world, a, b, { port: 1, address: 'b/1', every: 1 });
    await world.sleep(100);
    links[0].cut = 'none';
    a.removeNic(a.nics[1]);
    await world.sleep(5000);
    stream.gap();
    await world.sleep(100);
    expect(stream.gap()).toBeLessThan(5);
    expect(b.paths.filter(({ active }) => active).map(({ remote }) => remote)).toEqual(['a/0']);
    expect(await stream.end()).toEqual([]);
  }));

function isEcho(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return typeOf(view, 0) === FrameType.path && readPathFrame(view, 0)?.kind === PathKind.echo;
}

test('an address that a peer has given up is not his any more', async () => {
  const world = new World({ seed: 7 });
  const [a, b, c] = ['a', 'b', 'c'].map((name) => world.machine(name));
  const hub = world.switch('hub');
  for (const machine of [a, b, b, c]) world.link(machine, hub);
  await world.run(async () => {
    const [one, other] = [a, b].map((machine) => machine.open({ interface: machine.interfaces }));
    const stream = await Stream.open(world, one, other, { every: 1 });
    await world.sleep(50);
    other.removeNic(other.nics[1]);
    await world.sleep(50);
    // Another host on that very interface.
    const heir = b.open({ interface: b.interfaces[1] });
    const late = await Stream.open(world, one, heir, { port: 9, every: 1 });
    await world.sleep(50);
    expect(await late.end()).toEqual([]);
    expect(await stream.end()).toEqual([]);
    await Promise.all([one, other, heir].map((host) => host.close()));
  });
});

test('an address that is only claimed draws no frames, though who has it answers, and our own questions are open', async () => {
  const world = new World({ seed: 7 });
  const [a, b, c] = ['a', 'b', 'c'].map((name) => world.machine(name));
  const hub = world.switch('hub');
  const cables = [a, a, b, c].map((machine) => world.link(machine, hub));
  /** What b has last told of itself: who sees that can forge it. */
  let told: PathMessage | undefined;
  cables[2].filter = ({ bytes, from }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (from === 'b/0' && typeOf(view, 0) === FrameType.path) told = readPathFrame(view, 0) ?? told;
    return true;
  };
  await world.run(async () => {
    const [one, other, third] = [a, b, c].map((machine) => machine.open({ interface: machine.interfaces }));
    const stream = await Stream.open(world, one, other, { every: 0.2 });
    await world.sleep(50);
    for (let i = 1; i <= 200; i++) {
      // What b is asked meanwhile it answers late.
      if (i % 20 === 0) b.pause(15);
      const addresses = ['b/0', 'c/0'].map((address) => ({ address, state: 'up' as const }));
      const forged = { ...told!, kind: PathKind.probe, version: told!.version + i, addresses };
      const view = new DataView(new ArrayBuffer(pathFrameBytes(addresses)));
      writePathFrame(view, 0, forged);
      a.interfaces[0].nic!.arrive(new Uint8Array(view.buffer), 'c/0');
      await world.sleep(0.5);
      // It may be asked, but has never worked.
      for (const { remote, state } of one.paths) if (remote === 'c/0') expect(state).toBe('unknown');
    }
    const late = await Stream.open(world, one, third, { port: 9, every: 1 });
    await world.sleep(50);
    expect(await late.end()).toEqual([]);
    expect(await stream.end()).toEqual([]);
    await Promise.all([one, other, third].map((host) => host.close()));
  });
});

describe('strangers are answered by the NIC that they came by:', () => {
  for (const isList of [true, false]) {
    test(`a refusal, to a host with ${isList ? 'a list' : 'one NIC'}`, async () => {
      const world = new World({ seed: 7 });
      const [a, b] = [world.machine('a'), world.machine('b')];
      world.link(a, world.machine('elsewhere'));
      world.link(a, b);
      await world.run(async () => {
        const server = a.open({ interface: a.interfaces });
        const client = b.open(isList ? { interface: b.interfaces } : {});
        await expect(client.connect('a/1', 5)).rejects.toMatchObject({ code: 'ERR_EMP_REFUSED' });
        // Who is refused something is not worth a question.
        expect(server.counters().paths.probesSent).toBe(0);
        await Promise.all([server.close(), client.close()]);
      });
    });
  }

  test('a machine that has restarted says so, though the first link is cut', () =>
    play(async ({ world, hosts: [a, b], machines, links }) => {
      const stream = await Stream.open(world, a, b, { every: 1 });
      await world.sleep(50);
      links[0].cut = 'both';
      await world.sleep(100);
      machines[1].crash();
      await world.sleep(20);
      machines[1].restart();
      const again = machines[1].open({ interface: machines[1].interfaces });
      await world.sleep(2000);
      expect((await stream.channel.closed).reason).toBe('peer-reset');
      await again.close();
    }));
});

describe('a long queue is no failure:', () => {
  for (const policy of ['failover', 'stripe', 'duplicate'] as const) {
    for (const [what, rate, channels, congestion] of [
      ['one fixed window at 10 Mbit/s', 1e7, 1, 'fixed'],
      ['four fixed windows at 100 Mbit/s', 1e8, 4, 'fixed'],
      ['four channels at 20 Mbit/s', 2e7, 4, 'delay'],
    ] as const) {
      // There the first window takes longer than anybody has reason to wait; nothing is lost by a wrong verdict on one of two copies.
      if (policy === 'duplicate' && rate === 1e7) continue;
      test(`${what}, ${policy}`, () =>
        play(
          async ({ world, hosts: [a, b] }) => {
            const streams = await Promise.all(
              Array.from({ length: channels }, (_, port) => Stream.open(world, a, b, { port })),
            );
            await world.sleep(2000);
            for (const host of [a, b]) expect(host.counters().paths.silences).toBe(0);
            // The second link may answer first.
            expect(a.counters().paths.switches).toBeLessThanOrEqual(policy === 'failover' ? 0 : 1);
            for (const stream of streams) expect(await stream.end()).toEqual([]);
          },
          { rate, policy, channel: { congestion } },
        ));
    }
  }
});

test('a peer that stands still while its receive memory runs over has not lost a path', () =>
  play(
    async ({ world, hosts: [a, b], machines }) => {
      const streams = await Promise.all(Array.from({ length: 6 }, (_, port) => Stream.open(world, a, b, { port })));
      await world.sleep(50);
      machines[1].pause(700);
      await world.sleep(1000);
      expect(a.counters().paths).toMatchObject({ silences: 0, switches: 0 });
      for (const stream of streams) expect(await stream.end()).toEqual([]);
    },
    { rxFrames: 64, channel: { congestion: 'fixed' } },
  ));

test('a host with a single NIC is reached by the NIC that it answers by, at the pace of that', async () => {
  const world = new World({ seed: 7 });
  const [a, b] = [world.machine('a'), world.machine('b')];
  world.link(a, world.machine('elsewhere'));
  world.link(a, b, { rate: 1e9 });
  await world.run(async () => {
    const many = a.open({ interface: a.interfaces });
    const single = b.open();
    const stream = await Stream.open(world, many, single);
    await world.sleep(300);
    stream.gap();
    await world.sleep(500);
    expect(stream.gap()).toBeLessThan(5);
    const { fastResends, timeoutResends, tailProbes } = many.counters().total;
    expect(fastResends + timeoutResends + tailProbes).toBeLessThan(300);
    expect(await stream.end()).toEqual([]);
    await Promise.all([many.close(), single.close()]);
  });
});

for (const congestion of ['delay', 'fixed'] as const) {
  test(`two of three striped links die at once, congestion ${congestion}`, () =>
    play(
      async ({ world, hosts: [a, b], links }) => {
        const stream = await Stream.open(world, a, b);
        await world.sleep(100);
        stream.gap();
        links[0].up = links[2].up = false;
        await world.sleep(300);
        expect(stream.gap()).toBeLessThan(10);
        expect(await stream.end()).toEqual([]);
      },
      { count: 3, rate: 2e8, policy: 'stripe', channel: { congestion } },
    ));
}

for (const failure of ['full', 'mute', 'dead'] as Failure[]) {
  test(`duplicating, a NIC that is ${failure} is not noticed`, () =>
    play(
      async ({ world, hosts: [a, b], machines }) => {
        const stream = await Stream.open(world, a, b, { every: 0.5 });
        await world.sleep(100);
        stream.gap();
        machines[0].interfaces[0].failure = failure;
        await world.sleep(100);
        expect(stream.gap()).toBeLessThan(2);
        machines[0].interfaces[0].failure = 'none';
        await world.sleep(20);
        expect(await stream.end()).toEqual([]);
        const { fastResends, timeoutResends } = a.counters().total;
        expect(fastResends + timeoutResends).toBe(0);
      },
      { policy: 'duplicate' },
    ));
}

test('a handler takes away a NIC: of a message in the middle of a burst, and of an event', () =>
  play(
    async ({ world, hosts: [a, b] }) => {
      const streams = await Promise.all([1, 2, 3].map((port) => Stream.open(world, b, a, { port })));
      await world.sleep(50);
      a.onPath = ({ type }) => {
        if (type === 'down' && a.nics.length > 2) a.removeNic(a.nics[0]);
      };
      let isDone = false;
      a.listen(9, {
        onChannel: (channel) =>
          (channel.onMessage = () => {
            if (!isDone) a.removeNic(a.nics[0]);
            isDone = true;
          }),
      });
      const trigger = await b.connect('a/1', 9);
      await trigger.write(Buffer.from('now'));
      await world.sleep(100);
      expect(isDone).toBe(true);
      expect(a.nics.length).toBeLessThan(3);
      expect(a.address).not.toBe('a/0');
      await trigger.close();
      for (const stream of streams) expect(await stream.end()).toEqual([]);
    },
    { count: 3 },
  ));

test('events tell what is so when they are told', () =>
  play(async ({ world, hosts: [a, b], links }) => {
    const stream = await Stream.open(world, a, b, { every: 1 });
    await world.sleep(50);
    const seen: [string, boolean, string][] = [];
    a.onPath = (event) => {
      const path = event.type === 'switch' ? event.to : event.path;
      seen.push([event.type, path.active, path.state]);
    };
    for (const link of links) link.up = false;
    await world.sleep(50);
    expect(seen.filter(([type]) => type === 'down')).toEqual([
      ['down', false, 'down'],
      ['down', false, 'down'],
    ]);
    expect(a.paths.some(({ active }) => active)).toBe(false);
    for (const link of links) link.up = true;
    await world.sleep(100);
    expect(await stream.end()).toEqual([]);
  }));

test('a host reaches itself by its own address', () =>
  play(async ({ world, hosts: [a] }) => {
    const { Host } = await import('../../src/index.js');
    expect(a.paths).toEqual([]);
    const own = await Host.open({ nic: [{ driver: 'memory', name: 'corners-self' }] });
    own.listen(1, { onChannel: (channel) => void channel.close() });
    const channel = await own.connect(own.address, 1);
    expect((await channel.closed).reason).toBe('ended');
    await own.close();
    await world.sleep(1);
  }));
