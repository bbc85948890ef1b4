/** A peer that answers nowhere is asked where it asks from. But anybody can ask in its name: nothing but questions goes there. */
import { expect, test } from 'vitest';

import type { Host } from '../../src/index.js';
import { World } from '../../src/sim/index.js';
import type { Link } from '../../src/sim/index.js';
import { FrameType, typeOf } from '../../src/wire/header.js';
import { PathKind, pathFrameBytes, readPathFrame, writePathFrame } from '../../src/wire/path.js';
import type { PathMessage } from '../../src/wire/path.js';
import { Stream } from '../support/sim/stream.js';

interface Seen {
  readonly type: number;
  readonly to: string;
  readonly bytes: number;
}

interface Scene {
  readonly world: World;
  readonly one: Host;
  readonly cable: Link;
  readonly stream: Stream;
  /** Asks a in the name of b, and from this address. */
  readonly ask: (from: string) => Promise<void>;
  /** What went over the hub since it was looked at last. */
  readonly seen: () => Seen[];
}

const STRANGERS = 40;
const QUESTION = pathFrameBytes(undefined);

/** a and b are joined by a cable. a is also on a hub, where a stranger is who knows the id of b, and has many addresses. */
async function play(idleProbe: number, act: (scene: Scene) => Promise<void>): Promise<void> {
  const world = new World({ seed: 7 });
  const [a, b, c] = [world.machine('a'), world.machine('b'), world.machine('c')];
  const hub = world.switch('hub');
  const cable = world.link(a, b, { rate: 1e7 });
  const uplink = world.link(a, hub, { rate: 1e7 });
  for (let i = 0; i < STRANGERS; i++) world.link(c, hub, { rate: 1e7 });
  let told: PathMessage | undefined;
  cable.filter = ({ bytes, from }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (from.startsWith('b') && typeOf(view, 0) === FrameType.path) told = readPathFrame(view, 0);
    return true;
  };
  let sent: Seen[] = [];
  uplink.filter = ({ bytes, to }) => {
    const type = typeOf(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0);
    sent.push({ type, to, bytes: bytes.length });
    return true;
  };
  const seen = (): Seen[] => {
    const all = sent;
    sent = [];
    return all;
  };
  const ask = async (from: string): Promise<void> => {
    const view = new DataView(new ArrayBuffer(QUESTION));
    writePathFrame(view, 0, { ...told!, kind: PathKind.probe, known: 0, addresses: undefined });
    a.interfaces[1].nic!.arrive(new Uint8Array(view.buffer), from);
    await world.sleep(0.1);
  };
  await world.run(async () => {
    const [one, other] = [a, b].map((machine) =>
      machine.open({ interface: machine.interfaces, paths: { idleProbe }, channel: { peerTimeout: 600_000 } }),
    );
    const stream = await Stream.open(world, one, other, { every: 1 });
    await world.sleep(100);
    cable.cut = 'both';
    await world.sleep(500);
    seen();
    await act({ world, one, cable, stream, ask, seen });
    cable.up = true;
    cable.cut = 'none';
    await world.sleep(3000);
    expect(one.paths.filter(({ active }) => active).map(({ remote }) => remote)).toEqual(['b/0']);
    expect(await stream.end()).toEqual([]);
    await Promise.all([one, other].map((host) => host.close()));
    for (const { interfaces } of [a, b]) for (const { nic } of interfaces) expect(nic!.leaks()).toEqual([]);
  });
}

const claimed = (host: Host): string[] => [
  ...new Set(host.paths.map(({ remote }) => remote).filter((remote) => remote.startsWith('c'))),
];

test('frames of a channel go to no address that has not answered, not even when there is no other link', () =>
  play(1000, async ({ world, cable, ask, seen, one }) => {
    await ask('c/0');
    await world.sleep(5);
    expect(claimed(one)).toEqual(['c/0']);
    cable.up = false;
    await world.sleep(300);
    const there = seen().filter(({ to }) => to === 'c/0');
    expect(there.length).toBeGreaterThan(0);
    expect(new Set(there.map(({ type }) => type))).toEqual(new Set([FrameType.path]));
  }));

test('an address that only claims to be of the peer is asked, and told nothing', () =>
  play(1000, async ({ world, ask, seen }) => {
    for (let i = 0; i < 100; i++) {
      await ask('c/0');
      await world.sleep(2);
    }
    const there = seen().filter(({ to }) => to === 'c/0');
    // Each time an echo, and a question of our own: one that it asks from may have lost what it was asked before.
    expect(there.length).toBeGreaterThan(150);
    expect(there.length).toBeLessThanOrEqual(200);
    expect(new Set(there.map(({ bytes }) => bytes))).toEqual(new Set([QUESTION]));
  }));

test('nobody is asked where he asks from while the peer answers', () =>
  play(1000, async ({ world, cable, one, ask }) => {
    cable.cut = 'none';
    await world.sleep(3000);
    for (let i = 0; i < 4; i++) await ask(`c/${i}`);
    await world.sleep(10);
    expect(claimed(one)).toEqual([]);
  }));

for (const idleProbe of [1000, 20]) {
  test(`four such addresses are asked at a time, each for 0.1 s (idleProbe ${idleProbe})`, () =>
    play(idleProbe, async ({ world, one, ask }) => {
      for (let i = 0; i < STRANGERS; i++) await ask(`c/${i}`);
      await world.sleep(50);
      expect(claimed(one)).toEqual(['c/0', 'c/1', 'c/2', 'c/3']);
      // Others do not get in, however often they ask, before those have had their time.
      for (let i = 0; i < STRANGERS; i++) await ask(`c/${i}`);
      expect(claimed(one)).toEqual(['c/0', 'c/1', 'c/2', 'c/3']);
      await world.sleep(60);
      await ask('c/9');
      expect(claimed(one)).toEqual(['c/9']);
      await world.sleep(110);
      // The next one makes room, also if it is the same.
      await ask('c/9');
      expect(claimed(one)).toEqual(['c/9']);
    }));
}
