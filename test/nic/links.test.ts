import { spawnSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { LinkEvent } from '../../src/nic/links.js';
import { listLinks, watchLinks } from '../../src/nic/links.js';
import { watchNicState } from '../../src/nic/nicState.js';
import { openNic } from '../../src/nic/open.js';
import { ipBatch } from '../../src/testbed/ip.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';
import { EVENTUALLY, openDescriptors } from './harness.js';

/** How soon the kernel's word must be here. Netlink takes microseconds; the rest is for a busy machine. */
const SOON = 100;

describe('listLinks', () => {
  it('knows loopback', () => {
    const lo = listLinks().find(({ name }) => name === 'lo');
    expect(lo).toMatchObject({ type: 'loopback', kind: undefined, driver: undefined, queues: { rx: 1, tx: 1 } });
    expect(lo!.index).toBe(1);
    expect(lo!.mtu).toBeGreaterThanOrEqual(1500);
  });

  it('a namespace that is not there is a typed error', () => {
    const missing = expect.objectContaining({ code: 'ERR_EMP_NO_NAMESPACE' }) as unknown;
    expect(() => listLinks({ namespace: 'emp-nowhere' })).toThrow(missing);
    expect(() => watchLinks({ namespace: 'emp-nowhere' })).toThrow(missing);
    expect(() => watchNicState(1, 'emp-nowhere', () => {})).toThrow(missing);
  });

  it.each(['', '..', '../net', 'a/b', '/run/netns/x'])('%j is no name of a namespace', (namespace) => {
    expect(() => listLinks({ namespace })).toThrow(expect.objectContaining({ code: 'ERR_EMP_ARGUMENT' }));
  });
});

describeRoot('links of a testbed', () => {
  let testbed: Testbed;
  beforeEach(async () => {
    testbed = await Testbed.up({ links: 2, mtu: 3000, queues: 2 });
  });
  afterEach(() => testbed.down());

  const here = (): { namespace: string; interface: string } => testbed.links[0].a;
  const ip = (...commands: string[]): Promise<void> => ipBatch(commands, here().namespace);
  const indexOf = (name: string): number =>
    listLinks({ namespace: here().namespace }).find((link) => link.name === name)!.index;

  it('are listed with everything the kernel tells', () => {
    const { a } = testbed.links[0];
    const links = listLinks({ namespace: a.namespace });
    expect(links.map(({ name }) => name).sort()).toEqual(['emp0', 'emp1', 'lo']);
    expect(links.find(({ name }) => name === a.interface)).toMatchObject({
      type: 'ethernet',
      kind: 'veth',
      driver: 'veth',
      address: a.mac,
      mtu: 3000,
      up: true,
      carrier: true,
      addresses: [a.ipv4, a.ipv6],
      speed: 10_000,
      xdp: { attached: [] },
    });
    const { queues } = links.find(({ name }) => name === a.interface)!;
    expect(Math.max(queues.combined, queues.rx)).toBe(2);
  });

  it('tell of the XDP program that is attached, and what the driver can do', () => {
    const { a } = testbed.links[0];
    const nic = openNic({ driver: 'xdp', namespace: a.namespace, interface: a.interface, modes: ['native-copy'] });
    try {
      const link = listLinks({ namespace: a.namespace }).find(({ name }) => name === a.interface)!;
      expect(link.xdp.attached).toEqual([{ mode: 'native', programId: expect.any(Number) as number }]);
      // Old kernels cannot tell; those that can know that veth has XDP of its own.
      if (link.xdp.features !== undefined)
        expect(link.xdp.features).toEqual(expect.arrayContaining(['basic', 'redirect']));
    } finally {
      nic.close();
    }
  });

  it('going down, up, changing and vanishing are events, pushed at once', async () => {
    using watch = watchLinks({ namespace: here().namespace });
    const seen: [LinkEvent, number][] = [];
    watch.onEvent = (event) => seen.push([event, performance.now()]);
    const expectSoon = async (type: string, name: string, ...commands: string[]): Promise<LinkEvent> => {
      seen.length = 0;
      await ip(...commands);
      const done = performance.now();
      const find = (): [LinkEvent, number] | undefined =>
        seen.find(([event]) => event.type === type && event.link.name === name);
      await expect.poll(find, EVENTUALLY).toBeDefined();
      const [event, at] = find()!;
      expect(at - done).toBeLessThan(SOON);
      return event;
    };
    const down = await expectSoon('down', 'emp0', 'link set emp0 down');
    expect(down).toMatchObject({ link: { up: false }, previous: { up: true, carrier: true } });
    await expectSoon('up', 'emp0', 'link set emp0 up');
    expect((await expectSoon('changed', 'emp0', 'link set emp0 mtu 1500')).link.mtu).toBe(1500);
    expect((await expectSoon('changed', 'wire', 'link set emp1 name wire')).previous?.name).toBe('emp1');
    await expectSoon('added', 'extra', 'link add extra type veth peer name other');
    await expectSoon('removed', 'extra', 'link delete extra');
    await expectSoon('removed', 'emp0', 'link delete emp0');
  });

  it('the other end going down is an event here', async () => {
    using watch = watchLinks({ namespace: here().namespace });
    const { b } = testbed.links[0];
    await ipBatch([`link set ${b.interface} down`], b.namespace);
    const { value } = await watch.next();
    expect(value).toMatchObject({ type: 'down', link: { name: 'emp0', up: true, carrier: false } });
  });

  it('moving to another namespace is a removal here', async () => {
    using watch = watchLinks({ namespace: here().namespace });
    await ip(`link set emp1 netns ${testbed.namespaces[1]} name moved`);
    let event: LinkEvent | undefined;
    do event = (await watch.next()).value;
    while (event !== undefined && event.type !== 'removed');
    expect(event).toMatchObject({ type: 'removed', link: { name: 'emp1' } });
  });

  it('are iterated until the signal, a break, or close', async () => {
    const { namespace } = here();
    const abort = new AbortController();
    const iterate = async (): Promise<string[]> => {
      const types: string[] = [];
      for await (const { type } of watchLinks({ namespace, signal: abort.signal })) types.push(type);
      return types;
    };
    const types = iterate();
    await ip('link set emp0 down', 'link set emp0 up');
    await sleep(50);
    abort.abort();
    expect(await types).toEqual(['down', 'up']);
    expect(await watchLinks({ namespace, signal: abort.signal }).next()).toEqual({ done: true, value: undefined });

    const watch = watchLinks({ namespace });
    await ip('link set emp0 down');
    for await (const { type } of watch) {
      expect(type).toBe('down');
      break;
    }
    expect(await watch.next()).toEqual({ done: true, value: undefined });
    watch.close();
  });

  it('leave no listener on a signal that outlives them', () => {
    const { namespace } = here();
    const abort = new AbortController();
    for (let i = 0; i < 20; i++) watchLinks({ namespace, signal: abort.signal }).close();
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    const watch = watchLinks({ namespace, signal: abort.signal });
    abort.abort();
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    watch.close();
  });

  it('a handler that throws costs nobody an event', async () => {
    using watch = watchLinks({ namespace: here().namespace });
    const types: string[] = [];
    const thrown: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => thrown.push(error));
    try {
      watch.onEvent = ({ type }) => {
        types.push(type);
        throw new Error('thrown by a handler');
      };
      await ip('link set emp0 down', 'link set emp0 up', 'link set emp1 down');
      await expect.poll(() => types.length, EVENTUALLY).toBe(3);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    expect(types).toEqual(['down', 'up', 'down']);
    expect(thrown).toHaveLength(3);
  });

  it('a storm that nobody reads ends in the truth, in bounded memory', { timeout: 60_000 }, async () => {
    const { namespace } = here();
    using watch = watchLinks({ namespace });
    const flap = ['link set emp0 down', 'link set emp0 up', 'link set emp1 mtu 2000', 'link set emp1 mtu 3000'];
    for (let i = 0; i < 4; i++) await ip(...Array.from({ length: 150 }, () => flap).flat());
    await ip('link set emp0 down', 'link set emp1 mtu 1999');
    await sleep(100);
    const last = new Map<string, LinkEvent>();
    let count = 0;
    // Everything that waited, and nothing more.
    for (;;) {
      const event = await Promise.race([watch.next(), sleep(100)]);
      if (event === undefined || event.done === true) break;
      last.set(event.value.link.name, event.value);
      count++;
    }
    expect(count).toBeLessThanOrEqual(1024 + 2);
    expect(last.get('emp0')).toMatchObject({ link: { up: false } });
    expect(last.get('emp1')).toMatchObject({ link: { mtu: 1999 } });
  });

  it('a storm that blocks the reader is made good by a new list', async () => {
    const { namespace } = here();
    using watch = watchLinks({ namespace });
    const types: string[] = [];
    let mtu = 0;
    watch.onEvent = ({ type, link }) => {
      types.push(`${type} ${link.name}`);
      if (link.name === 'emp1') mtu = link.mtu;
    };
    // More events than the socket holds, while this thread does not read.
    const script = Array.from({ length: 4000 }, (_, i) => `link set emp1 mtu ${1500 + (i % 2)}`);
    const storm = [
      ...script,
      'link delete emp0',
      'link add extra type veth peer name other',
      'link set emp1 mtu 2222',
    ].join('\n');
    const { status } = spawnSync('ip', ['-netns', namespace, '-batch', '-'], { input: storm });
    expect(status).toBe(0);
    await expect.poll(() => types, EVENTUALLY).toEqual(expect.arrayContaining(['removed emp0', 'added extra']));
    expect(mtu).toBe(2222); // the last word is the truth
    expect(types.length).toBeLessThan(4000); // events were lost indeed
    await ip('link set emp1 down');
    await expect.poll(() => types, EVENTUALLY).toContain('down emp1');
  });

  describe('watchNicState', () => {
    it('follows one link', async () => {
      const states: string[] = [];
      const watch = watchNicState(indexOf('emp0'), here().namespace, (state) => states.push(state));
      expect(watch.state).toBe('up');
      await ip('link set emp1 down', 'link set emp0 mtu 2000', 'link set emp0 down');
      await expect.poll(() => states, EVENTUALLY).toEqual(['down']);
      expect(watch.state).toBe('down');
      await ip('link set emp0 up', 'link delete emp0');
      await expect.poll(() => states.at(-1), EVENTUALLY).toBe('removed');
      expect(watch.state).toBe('removed');
      watch.stop();
    });

    it('shares one socket for all watches of a namespace, and frees it with the last', () => {
      const { namespace } = here();
      const index = indexOf('emp0');
      const before = openDescriptors();
      const first = watchNicState(index, namespace, () => {});
      const one = openDescriptors();
      const more = Array.from({ length: 20 }, () => watchNicState(index, namespace, () => {}));
      expect(openDescriptors()).toBe(one);
      for (const watch of more) watch.stop();
      expect(openDescriptors()).toBe(one);
      first.stop();
      first.stop();
      expect(openDescriptors()).toBe(before);
    });

    it('is silent after stop, and does not disturb the others', async () => {
      const { namespace } = here();
      const index = indexOf('emp0');
      const seen: string[] = [];
      const first = watchNicState(index, namespace, () => first.stop());
      const second = watchNicState(index, namespace, (state) => seen.push(state));
      first.stop();
      await ip('link set emp0 down');
      await expect.poll(() => seen, EVENTUALLY).toEqual(['down']);
      second.stop();
      await ip('link set emp0 up');
      await sleep(20);
      expect(seen).toEqual(['down']);
    });

    it('a namespace made anew under its old name is another one', async () => {
      const old = await Testbed.up({ name: `emp${process.pid}.again` });
      const { namespace } = old.links[0].a;
      const stale = watchNicState(2, namespace, () => {});
      await old.down();
      await using fresh = await Testbed.up({ name: old.name });
      const states: string[] = [];
      const index = listLinks({ namespace }).find(({ name }) => name === 'emp0')!.index;
      const watch = watchNicState(index, namespace, (state) => states.push(state));
      expect(watch.state).toBe('up');
      await ipBatch(['link set emp0 down'], fresh.links[0].a.namespace);
      await expect.poll(() => states, EVENTUALLY).toEqual(['down']);
      watch.stop();
      stale.stop();
    });
  });
});
