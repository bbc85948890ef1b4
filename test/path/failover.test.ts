/** Several NICs to a peer, in virtual time: a NIC dies under full load, and the application does not notice. */
import { describe, expect, test } from 'vitest';

import type { Host, PathEvent, PathOptions } from '../../src/index.js';
import { World } from '../../src/sim/index.js';
import type { Failure, Link, Machine } from '../../src/sim/index.js';
import { Stream } from '../support/sim/stream.js';

interface Scene {
  readonly world: World;
  readonly machines: readonly [Machine, Machine];
  readonly hosts: readonly [Host, Host];
  readonly links: readonly Link[];
  readonly events: PathEvent[];
}

/** Two machines joined by `count` links, and what the first one's application hears of its paths. */
async function play(
  act: (scene: Scene) => Promise<void>,
  { count = 2, paths = {}, rate = 1e9 }: { count?: number; paths?: PathOptions; rate?: number } = {},
): Promise<void> {
  const world = new World({ seed: 7 });
  const machines = [world.machine('a'), world.machine('b')] as const;
  const links = Array.from({ length: count }, () => world.link(...machines, { rate, faults: { delay: 20 } }));
  await world.run(async () => {
    const [a, b] = machines.map((machine) => machine.open({ interface: machine.interfaces, paths }));
    const events: PathEvent[] = [];
    a.onPath = (event) => events.push(event);
    await act({ world, machines, hosts: [a, b], links, events });
    await Promise.all([a.close(), b.close()]);
    for (const { interfaces } of machines) for (const { nic } of interfaces) expect(nic!.leaks()).toEqual([]);
  });
}

const activeOf = (host: Host) => host.paths.filter(({ active }) => active).map(({ local }) => local);
const whole = (host: Host) => host.counters().paths;

test('paths are found at connect: each NIC that reaches the peer, by the address it is reached at', () =>
  play(async ({ world, hosts: [a, b] }) => {
    const stream = await Stream.open(world, a, b);
    await world.sleep(50);
    const up = (host: Host) => host.paths.filter(({ state }) => state === 'up').map((p) => `${p.local} ${p.remote}`);
    expect(up(a)).toEqual(['a/0 b/0', 'a/1 b/1']);
    expect(up(b)).toEqual(['b/0 a/0', 'b/1 a/1']);
    expect(activeOf(a)).toEqual(['a/0']);
    expect(await stream.end()).toEqual([]);
    expect(stream.channel.address).toBe('b/0');
    expect(whole(a).switches).toBe(0);
  }));

test('a peer is reached by any of its addresses, also when the first NIC does not reach it', () =>
  play(async ({ world, hosts: [a, b], links }) => {
    links[0].cut = 'both';
    const before = world.now;
    const stream = await Stream.open(world, a, b, { address: 'b/1' });
    // One round trip to see that the second NIC answers, one for the handshake: not a timeout.
    expect(world.now - before).toBeLessThan(1000);
    await world.sleep(20);
    expect(await stream.end()).toEqual([]);
  }));

describe('the link that carries a flood', () => {
  test('goes down: it goes on by the other within a turn, and back when the link has proved itself', () =>
    play(async ({ world, hosts: [a, b], links, events }) => {
      const stream = await Stream.open(world, a, b);
      await world.sleep(50);
      stream.gap();
      links[0].up = false;
      await world.sleep(100);
      expect(stream.gap()).toBeLessThan(1);
      expect(activeOf(a)).toEqual(['a/1']);
      links[0].up = true;
      await world.sleep(400);
      expect(activeOf(a)).toEqual(['a/1']);
      await world.sleep(400);
      expect(activeOf(a)).toEqual(['a/0']);
      expect(activeOf(b)).toEqual(['b/0']);
      expect(stream.gap()).toBeLessThan(1);
      expect(await stream.end()).toEqual([]);
      expect(events.map(({ type }) => type)).toEqual(['up', 'up', 'down', 'switch', 'up', 'switch']);
      expect(whole(a)).toMatchObject({ switches: 2, linkDowns: 1, silences: 0, restored: 1 });
      // What was under way went again, and hardly more.
      expect(a.counters().total.timeoutResends).toBeLessThanOrEqual(256);
      expect(b.counters().total.messagesReceived).toBe(stream.sent);
    }));

  for (const cut of ['both', 'a to b', 'b to a'] as const) {
    test(`is cut without a word, ${cut}: found by its silence`, () =>
      play(async ({ world, hosts: [a, b], links, events }) => {
        const stream = await Stream.open(world, a, b);
        await world.sleep(50);
        stream.gap();
        links[0].cut = cut;
        await world.sleep(100);
        expect(stream.gap()).toBeLessThan(20);
        expect(activeOf(a)).toEqual(['a/1']);
        expect(activeOf(b)).toEqual(['b/1']);
        expect(events.find(({ type }) => type === 'down')).toMatchObject({ reason: 'silent', path: { local: 'a/0' } });
        links[0].cut = 'none';
        await world.sleep(1200);
        expect(activeOf(a)).toEqual(['a/0']);
        expect(await stream.end()).toEqual([]);
      }));
  }

  for (const failure of ['dead', 'mute', 'deaf', 'full'] as Failure[]) {
    for (const side of [0, 1] as const) {
      test(`is of a NIC that is ${failure} on side ${'ab'[side]}`, () =>
        play(async ({ world, machines, hosts: [a, b] }) => {
          const stream = await Stream.open(world, a, b);
          await world.sleep(50);
          stream.gap();
          machines[side].interfaces[0].failure = failure;
          await world.sleep(100);
          expect(stream.gap()).toBeLessThan(25);
          expect(activeOf(a)).toEqual(['a/1']);
          await world.sleep(200);
          machines[side].interfaces[0].failure = 'none';
          await world.sleep(20);
          expect(await stream.end()).toEqual([]);
        }));
    }
  }

  test('is removed for good', () =>
    play(async ({ world, machines, hosts: [a, b] }) => {
      const stream = await Stream.open(world, a, b);
      await world.sleep(50);
      stream.gap();
      machines[0].interfaces[0].remove();
      await world.sleep(100);
      expect(stream.gap()).toBeLessThan(1);
      expect(a.nic.state).toBe('up');
      expect(await stream.end()).toEqual([]);
    }));

  test('fails again and again: the channel goes on, and prefers the one that holds', () =>
    play(async ({ world, hosts: [a, b], links }) => {
      const stream = await Stream.open(world, a, b, { every: 1 });
      for (let i = 0; i < 10; i++) {
        links[0].up = false;
        await world.sleep(30);
        links[0].up = true;
        await world.sleep(600);
      }
      // The probation grows with each failure: it is tried a few times, and then left alone.
      expect(whole(a).switches).toBeLessThanOrEqual(5);
      expect(activeOf(a)).toEqual(['a/1']);
      expect(await stream.end()).toEqual([]);
    }));
});

test('a trickle of messages notices no more of it than a flood', () =>
  play(async ({ world, hosts: [a, b], links }) => {
    const stream = await Stream.open(world, a, b, { every: 1 });
    await world.sleep(100);
    stream.gap();
    links[0].cut = 'both';
    await world.sleep(100);
    expect(stream.gap()).toBeLessThan(25);
    expect(await stream.end()).toEqual([]);
  }));

test('the first message after a long rest finds a link that died meanwhile', () =>
  play(async ({ world, hosts: [a, b], links }) => {
    const stream = await Stream.open(world, a, b, { every: 5000 });
    await world.sleep(1000);
    links[0].cut = 'both';
    await world.sleep(3900);
    // By the probes of a path that rests.
    expect(activeOf(a)).toEqual(['a/1']);
    await world.sleep(300);
    expect(await stream.end()).toEqual([]);
  }));

describe('what is no failure of a path:', () => {
  for (const side of [0, 1] as const) {
    test(`a stall of side ${'ab'[side]}, however long`, () =>
      play(async ({ world, machines, hosts: [a, b] }) => {
        const stream = await Stream.open(world, a, b);
        for (const pause of [5, 20, 100, 700]) {
          await world.sleep(50);
          machines[side].pause(pause);
          await world.sleep(pause + 20);
        }
        expect(whole(a)).toMatchObject({ switches: 0, silences: 0 });
        expect(whole(b)).toMatchObject({ switches: 0, silences: 0 });
        expect(await stream.end()).toEqual([]);
      }));
  }

  test('a queue of many milliseconds on a slow link', () =>
    play(
      async ({ world, hosts: [a, b] }) => {
        const stream = await Stream.open(world, a, b);
        await world.sleep(1000);
        expect(whole(a)).toMatchObject({ switches: 0, silences: 0 });
        expect(await stream.end()).toEqual([]);
      },
      { rate: 1e7 },
    ));

  test('all links silent at once: the peer is waited for, and the channel goes on when it is back', () =>
    play(async ({ world, hosts: [a, b], links }) => {
      const stream = await Stream.open(world, a, b);
      await world.sleep(50);
      for (const link of links) link.cut = 'both';
      await world.sleep(3000);
      expect(whole(a).silences).toBe(0);
      for (const link of links) link.cut = 'none';
      await world.sleep(1500);
      stream.gap();
      await world.sleep(100);
      expect(stream.gap()).toBeLessThan(1);
      expect(await stream.end()).toEqual([]);
    }));
});

test('the peer is told of a link that only one side sees', async () => {
  const world = new World({ seed: 7 });
  const machines = [world.machine('a'), world.machine('b')];
  const cables = [0, 1].map((i) => {
    const hub = world.switch(`s${i}`);
    return machines.map((machine) => world.link(machine, hub, { rate: 1e9 }));
  });
  await world.run(async () => {
    const [a, b] = machines.map((machine) => machine.open({ interface: machine.interfaces }));
    const stream = await Stream.open(world, a, b);
    await world.sleep(50);
    stream.gap();
    cables[0][1].up = false; // of b, and its switch: a sees its own link up
    await world.sleep(100);
    expect(stream.gap()).toBeLessThan(1);
    expect(a.counters().paths).toMatchObject({ peerLinkDowns: 1, silences: 0, switches: 1 });
    expect(await stream.end()).toEqual([]);
    await Promise.all([a.close(), b.close()]);
  });
});

test('a peer with one NIC is reached by either of two', async () => {
  const world = new World({ seed: 7 });
  const [a, b] = [world.machine('a'), world.machine('b')];
  const hub = world.switch('hub');
  const cables = [world.link(a, hub), world.link(a, hub), world.link(b, hub)];
  await world.run(async () => {
    const [one, other] = [a, b].map((machine) => machine.open({ interface: machine.interfaces }));
    const stream = await Stream.open(world, one, other);
    await world.sleep(50);
    stream.gap();
    cables[0].up = false;
    await world.sleep(100);
    expect(stream.gap()).toBeLessThan(1);
    expect(await stream.end()).toEqual([]);
    await Promise.all([one.close(), other.close()]);
  });
});

test('a host without a list of NICs is reached, over the NIC that it answers', async () => {
  const world = new World({ seed: 7 });
  const [a, b] = [world.machine('a'), world.machine('b')];
  world.link(a, world.machine('c'));
  world.link(a, b);
  await world.run(async () => {
    const many = a.open({ interface: a.interfaces });
    const single = b.open();
    const stream = await Stream.open(world, many, single);
    await world.sleep(50);
    expect(await stream.end()).toEqual([]);
    const back = await Stream.open(world, single, many, { address: 'a/1', port: 2 });
    await world.sleep(50);
    expect(await back.end()).toEqual([]);
    await Promise.all([many.close(), single.close()]);
  });
});

for (const nic of [0, 1] as const) {
  test(`a host without a list is answered by the NIC that it is heard by, also after rests: NIC ${nic}`, async () => {
    const world = new World({ seed: 7 });
    const [a, b, c] = ['a', 'b', 'c'].map((name) => world.machine(name));
    for (const i of [0, 1]) world.link(a, i === nic ? b : c, { faults: { delay: 100 } });
    await world.run(async () => {
      const many = a.open({ interface: a.interfaces });
      const single = b.open();
      const [there, back] = [
        await Stream.open(world, many, single, { every: 30 }),
        await Stream.open(world, single, many, { every: 30, address: `a/${nic}`, port: 2 }),
      ];
      await world.sleep(100);
      there.gap();
      back.gap();
      await world.sleep(2000);
      // Nothing goes the other way first, is lost, and waits for its timeout.
      expect(there.gap()).toBeLessThan(31);
      expect(back.gap()).toBeLessThan(31);
      expect([...(await there.end()), ...(await back.end())]).toEqual([]);
      const { timeoutResends, tailProbes } = many.counters().total;
      expect(timeoutResends + tailProbes).toBeLessThan(5);
      await Promise.all([many.close(), single.close()]);
    });
  });
}

for (const lane of [0, 1] as const) {
  test(`a machine that is known by two of its addresses fails over by both names: link ${lane} dies`, () =>
    play(async ({ world, hosts: [a, b], links }) => {
      const streams = [
        await Stream.open(world, a, b, { every: 1, address: 'b/0', port: 1 }),
        await Stream.open(world, a, b, { every: 1, address: 'b/1', port: 2 }),
      ];
      await world.sleep(50);
      expect(a.counters().paths.strayEchoes).toBe(0);
      links[lane].cut = 'both';
      await world.sleep(100);
      for (const stream of streams) stream.gap();
      await world.sleep(100);
      for (const stream of streams) {
        expect(stream.gap()).toBeLessThan(3);
        expect(await stream.end()).toEqual([]);
      }
    }));
}
