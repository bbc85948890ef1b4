/** Several NICs over real rings: links that are unplugged at either end, and a switch that drops without a word. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Flood } from '../../bench/failover/flood.js';
import { Watch } from '../../bench/failover/watch.js';
import { Host } from '../../src/index.js';
import type { NicOptions, PathInfo, PathPolicy } from '../../src/index.js';
import { Testbed } from '../../src/testbed/testbed.js';
import type { TestbedLink } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';

type Driver = 'xdp' | 'packet' | 'udp';
const PORT = 7;
/** ms; far beyond what it takes, but a busy machine stands still for a while by itself. */
const BUSY_MACHINE = 3000;
const PATIENCE = 20_000;

function nic(driver: Driver, link: TestbedLink, side: 'a' | 'b'): NicOptions {
  const { namespace, interface: name, ipv4 } = link[side];
  return driver === 'udp' ? { driver, namespace, address: ipv4 } : { driver, namespace, interface: name };
}

describeRoot('over two links, each through a switch', () => {
  let testbed: Testbed;
  beforeAll(async () => {
    testbed = await Testbed.up({ links: 2, switched: true });
  });
  afterAll(() => testbed.down());

  const until = async (what: string, condition: () => boolean): Promise<void> => {
    const end = performance.now() + PATIENCE;
    while (!condition()) {
      if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };

  async function flood(
    drivers: readonly [Driver, Driver],
    policy: PathPolicy,
    act: (hosts: readonly [Host, Host], watch: () => Watch) => Promise<void>,
  ): Promise<void> {
    const open = (side: 'a' | 'b') =>
      Host.open({
        nic: testbed.links.map((link, i) => nic(drivers[i], link, side)),
        paths: { policy, probation: 100 },
        wait: 'event',
        // Always the whole window under way: more than one path delivers at once.
        channel: { congestion: 'fixed' },
      });
    const [a, b] = [await open('a'), await open('b')];
    try {
      let watch: Watch | undefined;
      b.listen(PORT, { onChannel: (channel) => (watch = new Watch(channel)) });
      const stream = new Flood(await a.connect(b.address, PORT), 500);
      await until('both paths work', () => a.paths.filter(({ state }) => state === 'up').length >= 2);
      await until('messages come', () => watch !== undefined);
      await act([a, b], () => watch!);
      const sent = await stream.end();
      const { received, lost, duplicated, reordered } = watch!.look();
      expect({ received, lost, duplicated, reordered }).toEqual({
        received: sent,
        lost: 0,
        duplicated: 0,
        reordered: 0,
      });
      expect(sent).toBeGreaterThan(1000);
    } finally {
      await Promise.all([a, b].map((host) => host.close({ force: true })));
      for (const link of testbed.links.keys()) {
        await Promise.all([testbed.plug(link, 'a', true), testbed.plug(link, 'b', true), testbed.forward(link, true)]);
      }
    }
  }

  const active = (host: Host): (string | undefined)[] =>
    host.paths.filter((path) => path.active).map((path) => path.interface);

  for (const drivers of [
    ['xdp', 'xdp'],
    ['packet', 'packet'],
    ['udp', 'udp'],
    ['xdp', 'udp'],
  ] as const) {
    test(`${drivers.join(' and ')}: each way of failing, and coming back`, async () => {
      await flood(drivers, 'failover', async ([a, b], watch) => {
        // udp's frames take the wire that their destination is routed by, so that it has paths across, too: here the straight ones fail.
        const straight = (link: number): PathInfo =>
          a.paths.find(
            ({ local, remote }) => local === a.nics[link].info.address && remote === b.nics[link].info.address,
          )!;
        const fail = async (works: (up: boolean, link: number) => Promise<void>): Promise<void> => {
          await until('a link carries the frames', () => [0, 1].some((link) => straight(link).active));
          const link = straight(0).active ? 0 : 1;
          watch().look();
          await works(false, link);
          await until('frames go another way', () => a.paths.some(({ active }) => active) && !straight(link).active);
          const before = watch().look().received;
          await until('messages come that way', () => watch().look().received > before + 100);
          expect(watch().look().longestGap).toBeLessThan(BUSY_MACHINE);
          await works(true, link);
          await until('it works again', () => straight(link).state === 'up');
        };
        await fail((up, link) => testbed.plug(link, 'a', up));
        await fail((up, link) => testbed.plug(link, 'b', up));
        await fail((up, link) => testbed.forward(link, up));
        const { linkDowns, peerLinkDowns, silences } = a.counters().paths;
        expect(linkDowns).toBeGreaterThan(0);
        // Who is told first, by the peer or by silence, is for the machine to say.
        expect(peerLinkDowns + silences).toBeGreaterThanOrEqual(2);
        expect(active(b)).toHaveLength(1);
      });
    }, 60_000);
  }

  for (const policy of ['stripe', 'duplicate'] as const) {
    test(`${policy}: frames go by both, and by one when the other is gone`, async () => {
      await flood(['xdp', 'packet'], policy, async ([a, b], watch) => {
        const [first, second] = a.nics.map((one) => () => one.counters[2]); // txFrames
        const [one, other] = [first(), second()];
        await until('both carry', () => first() > one + 200 && second() > other + 200);
        await testbed.plug(0, 'a', false);
        const before = watch().look().received;
        await until('it goes on', () => watch().look().received > before + 500);
        await testbed.plug(0, 'a', true);
        const { duplicates, framesReceived } = b.counters().total;
        if (policy === 'duplicate') expect(duplicates).toBeGreaterThan(100);
        else expect(duplicates).toBeLessThan(framesReceived / 10);
      });
    }, 60_000);
  }
});
