/** Lists of addresses that a peer has not told: somebody who knows its id has told them in its name. They hold no longer than he lies. */
import { expect, test } from 'vitest';

import type { Host } from '../../src/index.js';
import { World } from '../../src/sim/index.js';
import type { Machine } from '../../src/sim/index.js';
import { FrameType, typeOf } from '../../src/wire/header.js';
import { PathKind, pathFrameBytes, readPathFrame, writePathFrame } from '../../src/wire/path.js';
import type { PathMessage } from '../../src/wire/path.js';
import { Stream } from '../support/sim/stream.js';

interface Scene {
  readonly world: World;
  readonly hosts: readonly [Host, Host];
  /** Tells a, in the name of b, that it has this address alone. @param ahead of the version that is true */
  readonly lie: (address: string, ahead?: number) => void;
}

async function play(act: (scene: Scene) => Promise<void>): Promise<void> {
  const world = new World({ seed: 7 });
  const [a, b] = [world.machine('a'), world.machine('b')];
  const links = [0, 1].map(() => world.link(a, b, { rate: 1e7, faults: { delay: 20 } }));
  let told: PathMessage | undefined;
  for (const link of links) {
    link.filter = ({ bytes, from }) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      if (from.startsWith('b') && typeOf(view, 0) === FrameType.path) told = readPathFrame(view, 0) ?? told;
      return true;
    };
  }
  const lie = (address: string, ahead = 200): void => {
    const addresses = [{ address, state: 'up' as const }];
    const view = new DataView(new ArrayBuffer(pathFrameBytes(addresses)));
    const version = (told!.version + ahead) & 0xffff;
    writePathFrame(view, 0, { ...told!, kind: PathKind.probe, version, addresses });
    a.interfaces[0].nic!.arrive(new Uint8Array(view.buffer), 'b/0');
  };
  await world.run(async () => {
    const open = (machine: Machine): Host => machine.open({ interface: machine.interfaces, paths: { idleProbe: 100 } });
    const hosts = [open(a), open(b)] as const;
    await act({ world, hosts, lie });
    await Promise.all(hosts.map((host) => host.close()));
    for (const { interfaces } of [a, b]) for (const { nic } of interfaces) expect(nic!.leaks()).toEqual([]);
  });
}

const remotes = (host: Host): string[] => host.paths.filter(({ state }) => state === 'up').map(({ remote }) => remote);

test('what the peer itself says next is believed again', () =>
  play(async ({ world, hosts: [one, other], lie }) => {
    const stream = await Stream.open(world, one, other, { every: 1 });
    await world.sleep(100);
    expect(remotes(one)).toEqual(['b/0', 'b/1']);
    lie('b/0');
    await world.sleep(0.1);
    expect(remotes(one)).toEqual(['b/0']);
    await world.sleep(300);
    expect(remotes(one)).toEqual(['b/0', 'b/1']);
    expect(await stream.end()).toEqual([]);
  }));

test('a peer that is left at its only address, where it is no more, is found where it asks from', () =>
  play(async ({ world, hosts: [one, other], lie }) => {
    const stream = await Stream.open(world, one, other, { every: 1 });
    await world.sleep(100);
    lie('b/0');
    other.removeNic(other.nics[0]);
    await world.sleep(1000);
    stream.gap();
    await world.sleep(100);
    expect(stream.gap()).toBeLessThan(5);
    expect(one.paths.filter(({ active }) => active).map(({ remote }) => remote)).toEqual(['b/1']);
    expect(await stream.end()).toEqual([]);
  }));

test('a list of a version that the peer cannot have come to by now is none of its own', () =>
  play(async ({ world, hosts: [one, other], lie }) => {
    const stream = await Stream.open(world, one, other, { every: 1 });
    await world.sleep(100);
    // Round, to the version that is true: answers would not contradict it.
    for (const ahead of [0x7fff, 0xfffe, 0x10000]) lie('b/0', ahead);
    await world.sleep(0.1);
    expect(remotes(one)).toEqual(['b/0', 'b/1']);
    for (let ahead = 257; ahead < 0x10000; ahead += 255) {
      lie('b/0', ahead);
      if (ahead % 10 === 0) await world.sleep(0.1);
    }
    await world.sleep(0.1);
    expect(remotes(one)).toEqual(['b/0', 'b/1']);
    // In steps of which the first is believed.
    for (let step = 1; step <= 0x10000 / 256; step++) {
      lie('b/0', step * 256);
      if (step % 10 === 0) await world.sleep(0.1);
    }
    expect(remotes(one)).toEqual(['b/0']);
    await world.sleep(1000);
    expect(remotes(one)).toEqual(['b/0', 'b/1']);
    expect(await stream.end()).toEqual([]);
  }));
