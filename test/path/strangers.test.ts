/** PATH frames from machines that nobody knows. */
import { expect, test } from 'vitest';

import { Chance } from '../../src/fault/chance.js';
import { World } from '../../src/sim/index.js';
import { PathKind, pathFrameBytes, writePathFrame } from '../../src/wire/path.js';
import { Stream } from '../support/sim/stream.js';

function probe(chance: Chance, kind: number = PathKind.probe): Uint8Array {
  const addresses = [{ address: 'c/0', state: 'up' as const }];
  const view = new DataView(new ArrayBuffer(pathFrameBytes(addresses)));
  const pair = (): readonly [number, number] => [chance.bits(), chance.bits()];
  writePathFrame(view, 0, { kind, nonce: pair(), machine: pair(), known: 0, version: 1, addresses });
  return new Uint8Array(view.buffer);
}

test('a flood of questions and answers of strangers is answered at a bounded rate, makes no peer, and is counted', async () => {
  const world = new World({ seed: 7 });
  const [a, b, c] = ['a', 'b', 'c'].map((name) => world.machine(name));
  for (let i = 0; i < 2; i++) world.link(a, b);
  world.link(a, c);
  const chance = new Chance(7);
  await world.run(async () => {
    const [one, other] = [a, b].map((machine) => machine.open({ interface: machine.interfaces }));
    const stream = await Stream.open(world, one, other, { every: 0.2 });
    await world.sleep(50);
    const before = other.counters().paths;
    const paths = other.paths.length;
    const asked = 20;
    for (let ms = 0; ms < 100; ms++) {
      for (let i = 0; i < asked; i++) b.interfaces[0].nic!.arrive(probe(chance), 'c/0');
      b.interfaces[0].nic!.arrive(probe(chance, PathKind.echo), 'c/0');
      await world.sleep(1);
    }
    await world.sleep(10);
    const now = other.counters().paths;
    const strangers = now.probesUnanswered - before.probesUnanswered;
    expect(now.strayEchoes - before.strayEchoes).toBe(100);
    expect(now.probesReceived - before.probesReceived).toBeGreaterThanOrEqual(100 * asked);
    // 64 at once, and one a ms.
    expect(strangers).toBeGreaterThan(100 * asked - 64 - 120);
    expect(strangers).toBeLessThan(100 * asked);
    expect(other.paths.length).toBe(paths);
    expect(await stream.end()).toEqual([]);
    await Promise.all([one, other].map((host) => host.close()));
  });
});

test('a question from where no machine can be is answered to nobody, and the host goes on', async () => {
  const world = new World({ seed: 7 });
  const [a, b] = ['a', 'b'].map((name) => world.machine(name));
  world.link(a, b);
  await world.run(async () => {
    const [one, other] = [a, b].map((machine) => machine.open({ interface: machine.interfaces }));
    const stream = await Stream.open(world, one, other, { every: 1 });
    b.interfaces[0].nic!.arrive(probe(new Chance(7)), 'nowhere');
    await world.sleep(10);
    expect(other.counters().paths.probesUnanswered).toBe(1);
    expect(await stream.end()).toEqual([]);
    await Promise.all([one, other].map((host) => host.close()));
  });
});
