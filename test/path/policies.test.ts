/** Striping and duplicating, in virtual time: what several links bring, and what is lost when one of them dies. */
import { describe, expect, test } from 'vitest';

import type { ChannelOptions, Host, PathPolicy } from '../../src/index.js';
import { World } from '../../src/sim/index.js';
import type { Faults, Link } from '../../src/sim/index.js';
import { Stream } from '../support/sim/stream.js';

const WARM = 100;
const MEASURED = 200;
const SIZE = 1400;

interface Way {
  readonly rate: number;
  readonly faults?: Faults;
}

interface Scene {
  readonly world: World;
  readonly hosts: readonly Host[];
  readonly links: readonly Link[];
  readonly stream: Stream;
}

/** A flood over these links; `act` looks at it. */
async function flood<T>(
  ways: readonly Way[],
  policy: PathPolicy,
  channel: ChannelOptions,
  act: (scene: Scene) => Promise<T>,
): Promise<T> {
  const world = new World({ seed: 7 });
  const machines = [world.machine('a'), world.machine('b')];
  const links = ways.map(({ rate, faults = {} }) =>
    world.link(machines[0], machines[1], { rate, faults: { delay: 20, ...faults } }),
  );
  return world.run(async () => {
    const hosts = machines.map((machine) =>
      machine.open({ interface: machine.interfaces, paths: { policy }, channel }),
    );
    const stream = await Stream.open(world, hosts[0], hosts[1], { size: SIZE });
    await world.sleep(WARM);
    const result = await act({ world, hosts, links, stream });
    expect(await stream.end()).toEqual([]);
    await Promise.all(hosts.map((host) => host.close()));
    for (const { interfaces } of machines) for (const { nic } of interfaces) expect(nic!.leaks()).toEqual([]);
    return result;
  });
}

/** Messages in the measured time. */
const rate = (ways: readonly Way[], policy: PathPolicy, channel: ChannelOptions): Promise<number> =>
  flood(ways, policy, channel, async ({ world, stream }) => {
    const before = stream.received;
    await world.sleep(MEASURED);
    return stream.received - before;
  });

for (const congestion of ['delay', 'fixed'] as const) {
  describe(`striping, congestion ${congestion}`, () => {
    test('two equal links carry at least 1.9 times what one does', async () => {
      const one = await rate([{ rate: 2e8 }], 'stripe', { congestion });
      const two = await rate([{ rate: 2e8 }, { rate: 2e8 }], 'stripe', { congestion });
      expect(two / one).toBeGreaterThan(1.9);
      expect(two / one).toBeLessThan(2.05);
    });

    for (const order of [
      [1, 4],
      [4, 1],
    ]) {
      test(`links of ${order.join(':')} carry at least 4.5 times what the slow one does`, async () => {
        const slow = await rate([{ rate: 1e8 }], 'stripe', { congestion });
        const both = await rate(
          order.map((times) => ({ rate: times * 1e8 })),
          'stripe',
          { congestion },
        );
        expect(both / slow).toBeGreaterThan(4.5);
        expect(both / slow).toBeLessThan(5.1);
      });
    }

    test('one of two dies in mid-stream: nothing is lost, and it goes on by the other', () =>
      flood([{ rate: 2e8 }, { rate: 2e8 }], 'stripe', { congestion }, async ({ world, links, stream, hosts }) => {
        stream.gap();
        links[1].cut = 'both';
        await world.sleep(100);
        // Three round trips of silence: with the whole window in the queue those are long.
        expect(stream.gap()).toBeLessThan(congestion === 'fixed' ? 100 : 30);
        links[0].up = false;
        links[1].cut = 'none';
        await world.sleep(2500);
        const before = stream.received;
        await world.sleep(100);
        expect(stream.received - before).toBeGreaterThan(1000);
        expect(hosts[0].counters().paths.linkDowns).toBe(1);
      }));

    test('links that overtake each other do not make it send anything twice', () =>
      flood(
        [{ rate: 2e8 }, { rate: 2e8, faults: { delay: 150 } }],
        'stripe',
        { congestion },
        async ({ world, hosts }) => {
          await world.sleep(MEASURED);
          const { fastResends, framesSent } = hosts[0].counters().total;
          expect(fastResends).toBe(0);
          expect(hosts[1].counters().total.early).toBeGreaterThan(framesSent / 20);
        },
      ));

    test('losses of one link are repaired as fast as on one alone', async () => {
      const lossy = { rate: 2e8, faults: { drop: 0.01 } };
      const whole = await rate([{ rate: 2e8 }, { rate: 2e8 }], 'stripe', { congestion });
      const worse = await rate([{ rate: 2e8 }, lossy], 'stripe', { congestion });
      expect(worse / whole).toBeGreaterThan(0.8);
    });
  });
}

describe('duplicating', () => {
  test('a link that loses a third of its frames is not noticed', () =>
    flood(
      [{ rate: 2e8, faults: { drop: 0.3 } }, { rate: 2e8 }],
      'duplicate',
      {},
      async ({ world, stream, hosts, links }) => {
        stream.gap();
        await world.sleep(MEASURED);
        expect(stream.gap()).toBeLessThan(3);
        const { framesSent, fastResends, timeoutResends } = hosts[0].counters().total;
        // Some are resent before their copy has come, if the other path is a little behind.
        expect(fastResends + timeoutResends).toBeLessThan(framesSent / 30);
        expect(links[1].count.frames).toBeGreaterThan(framesSent);
      },
    ));

  test('a link that dies without a word is not noticed', () =>
    flood([{ rate: 2e8 }, { rate: 2e8 }], 'duplicate', {}, async ({ world, stream, links }) => {
      stream.gap();
      links[0].cut = 'both';
      await world.sleep(MEASURED);
      expect(stream.gap()).toBeLessThan(3);
    }));

  test('copies are told apart, and not acknowledged twice', () =>
    flood([{ rate: 2e8 }, { rate: 2e8 }], 'duplicate', {}, async ({ world, hosts }) => {
      await world.sleep(MEASURED);
      const { framesReceived, duplicates, acksSent } = hosts[1].counters().total;
      expect(duplicates).toBeGreaterThan(framesReceived * 0.9);
      expect(duplicates).toBeLessThan(framesReceived * 1.1);
      // Each frame comes alone on such a slow link, and is acknowledged once.
      expect(acksSent).toBeLessThan(framesReceived * 1.1);
    }));
});
