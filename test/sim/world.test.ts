import { describe, expect, test } from 'vitest';

import type { Channel, HostChannelOptions } from '../../src/index.js';
import { parseFaults, World } from '../../src/sim/index.js';
import type { Link, LinkCounts, LinkOptions, Machine } from '../../src/sim/index.js';
import { SEED } from '../support/seed.js';

const PORT = 7;

/** Two machines with a cable between them. */
function pair(seed: number, options: LinkOptions = {}) {
  const world = new World({ seed });
  const [a, b] = [world.machine('a'), world.machine('b')];
  return { world, a, b, link: world.link(a, b, options) };
}

/** A server that sends everything back. */
function echo(machine: Machine, channel: HostChannelOptions = {}) {
  const host = machine.open({ channel });
  host.listen(PORT, {
    onChannel: (channel) => {
      channel.onMessage = (bytes, at, length) => void channel.write(bytes.slice(at, at + length));
    },
  });
  return host;
}

/** Sends `count` messages and waits for all of them to come back; what came back, and when. */
/** @param pause ms between two messages: those that go together share frames */
async function rounds(world: World, channel: Channel, count: number, pause = 0): Promise<[string, number][]> {
  const seen: [string, number][] = [];
  const done = new Promise<void>((resolve) => {
    channel.onMessage = (bytes, at, length) => {
      seen.push([Buffer.from(bytes.subarray(at, at + length)).toString(), world.now]);
      if (seen.length === count) resolve();
    };
  });
  for (let i = 0; i < count; i++) {
    await channel.write(Buffer.from(`message ${i}`));
    if (pause > 0) await world.sleep(pause);
  }
  await done;
  return seen;
}

async function story(seed: number, options: LinkOptions): Promise<(string | number)[][]> {
  const { world, a, b } = pair(seed, options);
  return world.run(async () => {
    const server = echo(b);
    const client = a.open();
    const channel = await client.connect('b/0', PORT);
    const seen = await rounds(world, channel, 200);
    await channel.close();
    await client.close();
    await server.close();
    for (const machine of [a, b]) expect(machine.interfaces[0].nic!.leaks()).toEqual([]);
    return [...seen, [world.fingerprint]];
  });
}

const STORM = 'drop=5%,burst=0.2%,duplicate=3%,reorder=5%,delay=20us..80us,replay=2%,pad=10%';

test('real hosts talk in virtual time, and a message takes what the wire takes', async () => {
  const seen = await story(SEED, { faults: { delay: 100 } });
  expect(seen.slice(0, -1).map(([text]) => text)).toEqual(Array.from({ length: 200 }, (_, i) => `message ${i}`));
  // A handshake of a round trip, then there and back.
  expect(seen[0][1]).toBeGreaterThan(400);
  expect(seen[0][1]).toBeLessThan(500);
});

test('whatever befalls frames, messages come once and in order; the same seed tells the same story, another one another', async () => {
  const faults = parseFaults(STORM);
  const first = await story(SEED, { faults });
  expect(first.slice(0, -1).map(([text]) => text)).toEqual(Array.from({ length: 200 }, (_, i) => `message ${i}`));
  expect(await story(SEED, { faults })).toEqual(first);
  expect(await story(SEED + 1, { faults })).not.toEqual(first);
});

test('what befell frames is counted', async () => {
  const { world, a, b, link } = pair(SEED, { faults: parseFaults(`${STORM},corrupt=3%,truncate=3%`) });
  const { rejected, total } = await world.run(async () => {
    const server = echo(b);
    const client = a.open({ channel: { payloadCheck: true } });
    await rounds(world, await client.connect('b/0', PORT), 3000, 0.1);
    await client.close();
    const counters = server.counters();
    await server.close();
    return counters;
  });
  const { cut, overflowed, ...befallen } = link.count;
  for (const [name, count] of Object.entries(befallen)) expect(count, name).toBeGreaterThan(0);
  expect([cut, overflowed]).toEqual([0, 0]);
  expect(link.count.dropped).toBeLessThan(link.count.frames);
  expect(Object.values(rejected).reduce((sum, one) => sum + one, 0)).toBeGreaterThan(0);
  expect(total.duplicates).toBeGreaterThan(0);
});

test('a link has a rate and a queue', async () => {
  const { world, a, b } = pair(SEED, { rate: 10_000_000 });
  const time = await world.run(async () => {
    let received = 0;
    b.open().listen(PORT, {
      onChannel: (channel) => (channel.onMessage = (_bytes, _at, length) => void (received += length)),
    });
    const channel = await a.open().connect('b/0', PORT);
    const begin = world.now;
    for (let i = 0; i < 20; i++) await channel.write(new Uint8Array(62_500));
    while (received < 1_250_000) await world.sleep(1);
    return world.now - begin;
  });
  // Ten million bits, a twentieth more for what goes in front of them, and what a tenth of a second each loses when the queue runs dry on purpose: 1.09 to
  // 1.105 s, as the phase of that falls.
  expect(time).toBeGreaterThan(1_050_000);
  expect(time).toBeLessThan(1_120_000);
});

test('a switch joins many machines', async () => {
  const world = new World({ seed: SEED });
  const hub = world.switch('s');
  const server = world.machine('server');
  const clients = [0, 1, 2, 3].map((i) => world.machine(`client-${i}`));
  for (const machine of [server, ...clients]) world.link(machine, hub);
  await world.run(async () => {
    echo(server);
    const all = clients.map(async (machine) => rounds(world, await machine.open().connect('server/0', PORT), 20));
    for (const seen of await Promise.all(all)) expect(seen.length).toBe(20);
  });
});

describe('what befalls frames of a link', () => {
  /** The lengths of what the server has received in a second. */
  async function heard(prepare: (world: World, link: Link) => void, count = 50): Promise<number> {
    const { world, a, b, link } = pair(SEED);
    return world.run(async () => {
      let received = 0;
      b.open().listen(PORT, { onChannel: (channel) => (channel.onMessage = () => void received++) });
      const channel = await a.open().connect('b/0', PORT);
      prepare(world, link);
      for (let i = 0; i < count; i++) void channel.write(new Uint8Array(1400)).catch(() => undefined);
      await world.sleep(1000);
      return received;
    });
  }

  test('each way can have its own', async () => {
    let counts!: Readonly<LinkCounts>;
    const received = await heard((world, link) => {
      link.faults = { 'b to a': { drop: 1 } };
      world.after(999, () => (counts = link.count));
    });
    expect(received).toBeGreaterThan(0);
    expect(counts.dropped).toBeGreaterThan(0);
    expect(await heard((_, link) => (link.faults = { 'a to b': { drop: 1 } }))).toBe(0);
  });

  test('old frames come again, but not through a cut', async () => {
    const received = await heard((world, link) => {
      link.faults = { replay: 1 };
      world.after(100, () => (link.cut = 'both'));
    });
    expect(received).toBe(50);
    const { world, a, b, link } = pair(SEED, { faults: { replay: 1 } });
    await world.run(async () => {
      echo(b);
      const channel = await a.open({ channel: { peerTimeout: 500, keepAlive: 100 } }).connect('b/0', PORT);
      link.cut = 'both';
      expect((await channel.closed).reason).toBe('unreachable');
    });
  });

  test('short frames are padded, and long ones come through', async () => {
    expect(await heard((_, link) => (link.faults = { pad: 1 }))).toBe(50);
  });

  test('a filter takes off the wire what it wants', async () => {
    let seen = 0;
    const received = await heard((_, link) => (link.filter = ({ bytes }) => bytes.length < 500 || ++seen % 3 !== 0));
    expect(received).toBe(50);
    expect(seen).toBeGreaterThan(50);
  });

  test('what is set can be read, and is checked', () => {
    const { link, a, world } = pair(SEED, { faults: { drop: 0.1 } });
    link.faults = { ...link.faults, duplicate: 0.2 };
    expect(link.faults).toEqual({ drop: 0.1, duplicate: 0.2 });
    const wrong: (() => unknown)[] = [
      () => (link.cut = 'a-to-b' as 'both'),
      () => (link.faults = { loss: 1 } as object),
      () => (link.faults = { 'a to b': { drop: 2 } }),
      () => (a.interfaces[0].failure = 'broken' as 'dead'),
      () => a.open({ wait: 'evnt' as 'event' }),
      () => a.open({ faults: { drop: 1 } } as object),
      () => a.open({ nic: { burst: 65 } }),
      () => a.pause(undefined as unknown as number),
      () => a.restart(),
      () => world.machine('c', { rate: 2 } as object),
      () => world.machine('a'),
      () => world.link(a, world.machine('d'), { drop: 0.1 } as object),
      () => world.link(a, world.machine('e'), { rate: 0 }),
      () => world.after(NaN, () => undefined),
      () => new World({ sed: 1 } as object),
      () => (link.up = 'no' as unknown as boolean),
      () => world.partition(['a'] as never),
      () => world.partition(a as never),
      () => world.link(a, 'b' as never),
      () => (link.faults = 'drop=1' as never),
      () => a.open({ interface: 'a/0' as never }),
    ];
    for (const act of wrong)
      expect(act, String(act)).toThrowError(expect.objectContaining({ code: 'ERR_EMP_ARGUMENT' }));
    expect(a.open().info.mtu).toBe(1500);
  });

  test('there is nobody at an address that nobody has', async () => {
    const { world, a } = pair(SEED);
    const connecting = world.run(() => a.open().connect('b', PORT));
    await expect(connecting).rejects.toMatchObject({
      code: 'ERR_EMP_ADDRESS',
      message: expect.stringContaining('a/0, b/0'),
    });
  });
});

describe('machines and links that fail', () => {
  test('a partition of a switched network heals', async () => {
    const world = new World({ seed: SEED });
    const hub = world.switch('s');
    const [a, b, c] = ['a', 'b', 'c'].map((name) => world.machine(name));
    for (const machine of [a, b, c]) world.link(machine, hub);
    await world.run(async () => {
      echo(b);
      echo(c);
      const host = a.open();
      const [toB, toC] = [await host.connect('b/0', PORT), await host.connect('c/0', PORT)];
      world.partition([a, b]);
      world.after(500, () => world.partition());
      const begin = world.now;
      const [[[, near]], [[, far]]] = await Promise.all([rounds(world, toB, 1), rounds(world, toC, 1)]);
      expect(near - begin).toBeLessThan(1000);
      expect(far - begin).toBeGreaterThan(500_000);
    });
  });

  test('what is to run on a busy machine has its turn: timers, the state of the link, the end of a host', async () => {
    const { world, a, b, link } = pair(SEED);
    await world.run(async () => {
      echo(b);
      const host = a.open({ wait: 'spin' });
      const states: string[] = [];
      host.onState = (state) => states.push(state);
      await host.connect('b/0', PORT);
      const begin = world.now;
      link.up = false;
      await a.sleep(5);
      link.up = true;
      await a.sleep(5);
      expect(states).toEqual(['down', 'up']);
      expect(world.now - begin).toBeLessThan(12_000);
      await host.close();
      expect(world.now - begin).toBeLessThan(100_000);
    });
  });

  test('with the power all of a life is over, even if a handler cut it', async () => {
    const { world, a, b } = pair(SEED);
    await world.run(async () => {
      const ends: unknown[] = [];
      const dead = b.open();
      dead.onClose = (info) => ends.push(info);
      dead.listen(PORT, { onChannel: (channel) => (channel.onMessage = () => b.crash()) });
      const channel = await a.open({ channel: { peerTimeout: 500, keepAlive: 100 } }).connect('b/0', PORT);
      void channel.write(Uint8Array.of(1)).catch(() => undefined);
      expect((await channel.closed).reason).toBe('unreachable');
      dead.channels[0]?.send(Uint8Array.of(2));
      b.restart();
      await world.sleep(5000);
      expect(ends).toEqual([]);
    });
  });

  test('a link that goes down is told, and what waits comes when it is up again', async () => {
    const { world, a, b, link } = pair(SEED);
    await world.run(async () => {
      echo(b);
      const client = a.open();
      const states: string[] = [];
      client.onState = (state) => states.push(state);
      const channel = await client.connect('b/0', PORT);
      link.up = false;
      world.after(300, () => (link.up = true));
      const [[, time]] = await rounds(world, channel, 1);
      expect(time).toBeGreaterThan(300_000);
      expect(states).toEqual(['down', 'up']);
    });
  });

  test('a cut that nobody is told of ends the channel of who goes on talking, after its patience', async () => {
    const { world, a, b, link } = pair(SEED);
    await world.run(async () => {
      echo(b);
      const channel = await a.open({ channel: { peerTimeout: 2000 } }).connect('b/0', PORT);
      link.cut = 'b to a';
      void channel.write(Buffer.from('anybody there?')).catch(() => undefined);
      const { reason } = await channel.closed;
      expect(reason).toBe('unreachable');
      expect(world.now).toBeGreaterThan(2_000_000);
      expect(world.now).toBeLessThan(10_000_000);
    });
  });

  test.each(['dead', 'mute', 'deaf', 'full'] as const)(
    'a NIC that is %s for a while costs time, not messages',
    async (failure) => {
      const { world, a, b } = pair(SEED);
      await world.run(async () => {
        echo(b);
        const channel = await a.open().connect('b/0', PORT);
        const [port] = b.interfaces;
        port.failure = failure;
        world.after(200, () => (port.failure = 'none'));
        const seen = await rounds(world, channel, 50);
        expect(seen.map(([text]) => text)).toEqual(Array.from({ length: 50 }, (_, i) => `message ${i}`));
        expect(world.now).toBeGreaterThan(200_000);
      });
    },
  );

  test('a machine that stands still for a while is not taken for dead, nor does it take its peer for dead', async () => {
    const { world, a, b } = pair(SEED);
    await world.run(async () => {
      echo(b, { peerTimeout: 100_000 });
      const client = a.open({ channel: { peerTimeout: 5000, keepAlive: 1000 } });
      const channel = await client.connect('b/0', PORT);
      a.pause(60_000);
      const seen = await rounds(world, channel, 5);
      expect(seen[0][1]).toBeGreaterThan(60_000_000);
      b.pause(3000);
      await rounds(world, channel, 5);
      expect(client.channels).toHaveLength(1);
    });
  });

  test('a machine that crashes is missed, and another life of it says that it knows nothing', async () => {
    const { world, a, b } = pair(SEED);
    await world.run(async () => {
      echo(b);
      const client = a.open({ channel: { peerTimeout: 1000, keepAlive: 300 } });
      const lost = await client.connect('b/0', PORT);
      b.crash();
      expect((await lost.closed).reason).toBe('unreachable');
      b.restart();
      echo(b);
      const stale = await client.connect('b/0', PORT);
      b.crash();
      b.restart();
      echo(b);
      void stale.write(Buffer.from('do you remember me?')).catch(() => undefined);
      expect((await stale.closed).reason).toBe('peer-reset');
      expect(await rounds(world, await client.connect('b/0', PORT), 3)).toHaveLength(3);
    });
  });

  test('clocks that run at different rates do no harm', async () => {
    const world = new World({ seed: SEED });
    const [fast, slow] = [world.machine('fast', { clockRate: 1.5 }), world.machine('slow', { clockRate: 0.7 })];
    world.link(fast, slow, { faults: parseFaults('drop=2%,delay=50us') });
    await world.run(async () => {
      echo(slow);
      const channel = await fast.open().connect('slow/0', PORT);
      expect(await rounds(world, channel, 300)).toHaveLength(300);
    });
  });
});

test('a program that waits for what does not come is told so', async () => {
  const { world } = pair(SEED);
  await expect(world.run(() => new Promise(() => undefined))).rejects.toMatchObject({ code: 'ERR_EMP_SIMULATION' });
});

test('so is one whose channels are open, when its time is over', async () => {
  const { world, a, b } = pair(SEED);
  const program = async () => {
    echo(b);
    await a.open().connect('b/0', PORT);
    await new Promise(() => undefined);
  };
  await expect(world.run(program, { limit: 60_000 })).rejects.toThrow(/the limit of 60000 ms is over/);
});

test('virtual time is for nothing: an hour of silence is over at once', async () => {
  const { world, a, b } = pair(SEED);
  await world.run(async () => {
    echo(b);
    const client = a.open();
    await client.connect('b/0', PORT);
    await a.sleep(3_600_000);
    expect(client.channels).toHaveLength(1);
  });
  expect(world.now).toBeGreaterThan(3_600_000_000);
});
