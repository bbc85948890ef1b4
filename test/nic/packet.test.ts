/** What is special to the packet driver; what it shares with the others is in contract.test.ts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { NicOptions, PacketOptions } from '../../src/nic/contract.js';
import { openNic } from '../../src/nic/open.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';
import {
  Pair,
  collect,
  counter,
  fill,
  flushAll,
  matches,
  mustAlloc,
  sendOne,
  waitFor,
  withCapabilities,
} from './harness.js';

const BUILT = new URL('../../dist/src/nic/open.js', import.meta.url);

const code = (name: string, message: RegExp): unknown =>
  expect.objectContaining({ code: name, message: expect.stringMatching(message), remedy: expect.any(String) });

describe('options of the packet driver', () => {
  it.each([
    [{}, /interface is undefined/],
    [{ interface: '' }, /interface is ''/],
    [{ interface: 'a name' }, /interface is 'a name'/],
    [{ interface: 'sixteen-letters-' }, /expected the name of a network interface/],
    [{ interface: 'x', namespace: 'a/b' }, /not the name of a network namespace/],
    [{ interface: 'x', txFrames: 100 }, /txFrames is 100; expected a power of two/],
    [{ interface: 'x', rxFrames: 8 }, /rxFrames is 8; expected a whole number from 16/],
    [{ interface: 'x', rxFrames: '64' }, /rxFrames is '64'/],
    [{ interface: 'x', etherType: 0x5ff }, /etherType is 1535/],
    [{ interface: 'x', etherType: NaN }, /etherType is NaN/],
    [{ interface: 'x', queue: 0 }, /no option 'queue'/],
  ])('%j is refused', (options, message) => {
    expect(() => openNic({ driver: 'packet', ...options } as unknown as NicOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_EMP_ARGUMENT', message: expect.stringMatching(message) }),
    );
  });

  it.each([[undefined], [null], [{}], [{ driver: 'token-ring' }], [{ driver: 'toString' }]])(
    '%j names no driver',
    (options) => {
      expect(() => openNic(options as NicOptions)).toThrow(
        expect.objectContaining({
          code: 'ERR_EMP_ARGUMENT',
          message: expect.stringMatching(/expected one of .*packet/),
        }),
      );
    },
  );
});

describeRoot('the packet driver', () => {
  let testbed: Testbed;
  let a: PacketOptions;
  let b: PacketOptions;
  const ip = (...args: string[]): unknown => execFileSync('ip', ['-n', testbed.namespaces[0], ...args]);

  beforeAll(async () => {
    testbed = await Testbed.up();
    const [link] = testbed.links;
    a = { driver: 'packet', namespace: link.a.namespace, interface: link.a.interface };
    b = { driver: 'packet', namespace: link.b.namespace, interface: link.b.interface };
  });
  afterAll(() => testbed.down());

  it('says what it obtained', () => {
    const nic = openNic(a);
    expect(nic.info).toMatchObject({
      driver: 'packet',
      mode: 'tpacket-v2',
      interface: a.interface,
      namespace: a.namespace,
      address: testbed.links[0].a.mac,
      mtu: 1500,
      overhead: 14,
    });
    nic.close();
  });

  it('names an interface or namespace that is not there', () => {
    expect(() => openNic({ ...a, interface: 'nosuch0' })).toThrow(code('ERR_EMP_NO_INTERFACE', /no interface nosuch0/));
    expect(() => openNic({ ...a, namespace: 'emp-none' })).toThrow(code('ERR_EMP_NO_NAMESPACE', /emp-none/));
  });

  it('refuses an interface that is not Ethernet', () => {
    expect(() => openNic({ ...a, interface: 'lo' })).toThrow(code('ERR_EMP_NO_INTERFACE', /lo .*is not an Ethernet/));
  });

  it('refuses an interface that is down, and says how to switch it on', () => {
    ip('link', 'set', a.interface, 'down');
    try {
      expect(() => openNic(a)).toThrow(code('ERR_EMP_INTERFACE_DOWN', /is down.*ip -n .* link set .* up/));
    } finally {
      ip('link', 'set', a.interface, 'up');
    }
    openNic(a).close();
  });

  it('bypasses the queueing discipline', async () => {
    const tc = (...args: string[]) => execFileSync('ip', ['netns', 'exec', testbed.namespaces[0], 'tc', ...args]);
    // It has room for no packet: what comes by it is dropped.
    tc('qdisc', 'replace', 'dev', a.interface, 'root', 'pfifo', 'limit', '0');
    try {
      using pair = new Pair(a, b);
      for (let i = 0; i < 20; i++) sendOne(pair.a, pair.toB, 64, i);
      flushAll(pair.a);
      expect(await collect(pair.b, 20)).toBe(20);
      expect(tc('-s', 'qdisc', 'show', 'dev', a.interface).toString()).toContain('Sent 0 bytes 0 pkt');
    } finally {
      tc('qdisc', 'del', 'dev', a.interface, 'root');
    }
  });

  it('names the limit when frames do not fit', () => {
    expect(() => openNic({ ...a, mtu: 1501 })).toThrow(code('ERR_EMP_MTU', /1501 bytes do not fit: .* allows 1500/));
    const nic = openNic({ ...a, mtu: 600 });
    expect(nic.info.mtu).toBe(600);
    nic.close();
  });

  it.runIf(existsSync(BUILT))('names the capability that is missing', () => {
    const script = `
      const { openNic } = await import(${JSON.stringify(BUILT.href)});
      try { openNic({ driver: 'packet', interface: 'lo' }); } catch ({ code, message }) { console.log(code, message); }`;
    const [setpriv, ...rest] = withCapabilities();
    const child = spawnSync(setpriv, [...rest, process.execPath, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(child.stdout).toMatch(/^ERR_EMP_PERMISSION .*CAP_NET_RAW.*[Rr]un as root/);
  });

  it('counts frames longer than its mtu, and goes on', async () => {
    using pair = new Pair(a, { ...b, mtu: 500 });
    sendOne(pair.a, pair.toB, 501, 1);
    sendOne(pair.a, pair.toB, 1500, 2);
    sendOne(pair.a, pair.toB, 500, 3);
    expect(await collect(pair.b, 1, (f, n) => expect(matches(pair.b, f, n, 3)).toBe(true))).toBe(1);
    expect(counter(pair.b, 'rxInvalid')).toBe(2);
  });

  it('hears nothing that is for other machines, nor of VLANs it is not in', async () => {
    using pair = new Pair(a, b);
    execFileSync('ip', ['-n', testbed.namespaces[1], 'link', 'set', b.interface, 'promisc', 'on']);
    sendOne(pair.a, pair.a.peer('02:00:00:00:00:99'), 64, 1);

    // A VLAN tag is four bytes between the addresses and the EtherType.
    const tagger = openNic({ ...a, etherType: 0x8100 });
    const peer = tagger.peer(pair.b.info.address);
    for (const vlan of [5, 0]) {
      const frame = mustAlloc(tagger);
      tagger.view.setUint16(frame, vlan);
      tagger.view.setUint16(frame + 2, 0x88b5);
      fill(tagger, frame + 4, 100, 10 + vlan);
      tagger.send(frame, 104, peer);
    }
    flushAll(tagger);
    tagger.close();

    // VLAN 0 is no VLAN, only a priority.
    expect(await collect(pair.b, 1, (f, n) => expect(matches(pair.b, f, n, 10)).toBe(true))).toBe(1);
    expect(counter(pair.b, 'rxFrames')).toBe(1);
    expect(counter(pair.b, 'rxInvalid')).toBe(0);
  });

  it('loses and counts what it sends while the other end is down, and does not spin', async () => {
    using pair = new Pair(a, b);
    const far = (state: string): unknown =>
      execFileSync('ip', ['-n', testbed.namespaces[1], 'link', 'set', b.interface, state]);
    far('down');
    try {
      const frame = mustAlloc(pair.a);
      for (let i = 0; i < 10; i++) expect(pair.a.send(frame, 64, pair.toB)).toBe(true);
      flushAll(pair.a); // the event that tells of it has not been read yet
      expect(counter(pair.a, 'txErrors')).toBe(10);
      await waitFor(() => pair.a.state === 'down');
      expect(pair.a.send(frame, 64, pair.toB)).toBe(true);
      expect(pair.a.flush()).toBe(true);
      expect(counter(pair.a, 'txErrors')).toBe(11);
    } finally {
      far('up');
    }
    await waitFor(() => pair.a.state === 'up' && pair.b.state === 'up');
    sendOne(pair.a, pair.toB, 64, 7);
    expect(await collect(pair.b, 1, (f, n) => expect(matches(pair.b, f, n, 7)).toBe(true))).toBe(1);
  });

  it('copies held frames, and says so', async () => {
    using pair = new Pair(a, b);
    sendOne(pair.a, pair.toB, 64, 1);
    await collect(pair.b, 1, (_frame, _length, index) => pair.b.free(pair.b.hold(index)));
    expect(counter(pair.b, 'holdCopies')).toBe(1);
  });
});
