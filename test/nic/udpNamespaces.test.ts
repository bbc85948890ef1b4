/** The udp driver over an interface: its MTU, joined bursts, what happens when it goes down. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, it } from 'vitest';

import type { UdpNic } from '../../src/nic/udp.js';
import { ipBatch } from '../../src/testbed/ip.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';
import { BUILT, collect, counter, drain, EVENTUALLY, fill, mustAlloc, numberOf } from './harness.js';
import { expectFrames, open, repeat, sendBurst } from './udpHarness.js';

describeRoot('between namespaces', () => {
  let testbed: Testbed;
  beforeAll(async () => {
    testbed = await Testbed.up();
  });
  afterAll(() => testbed.down());

  const at = (end: 'a' | 'b', family: 'ipv4' | 'ipv6'): UdpNic => {
    const { namespace, [family]: address } = testbed.links[0][end];
    return open({ namespace, address });
  };

  it.each(['ipv4', 'ipv6'] as const)('the mtu is that of the interface: %s', (family) => {
    const nic = at('a', family);
    expect(nic.info).toMatchObject({
      interface: testbed.links[0].a.interface,
      namespace: testbed.links[0].a.namespace,
      mtu: family === 'ipv4' ? 1472 : 1452,
    });
    expect(() => open({ namespace: nic.info.namespace!, address: testbed.links[0].a[family], mtu: 1473 })).toThrow(
      expect.objectContaining({ code: 'ERR_EMP_MTU' }),
    );
  });

  it.each(['ipv4', 'ipv6'] as const)('a burst is joined on the way: %s', async (family) => {
    const a = at('a', family);
    const b = at('b', family);
    const lengths = [...repeat(1400, 40), 100];
    sendBurst(a, [a.peer(b.info.address)], lengths);
    expect(counter(a, 'kicks')).toBe(1);
    await expectFrames(b, lengths);
    expect(b.info.notes).toEqual([]);
  });

  it('frames longer than the path are lost and counted, never cut into fragments', async () => {
    const { a, b } = testbed.links[0];
    // Through the any-address the driver does not know the interface: its MTU is found out by the kernel, on send.
    for (const [any, target] of [
      ['0.0.0.0', b.ipv4],
      ['::', b.ipv6],
    ]) {
      const from = open({ namespace: a.namespace, address: any, mtu: 4000 });
      const to = open({ namespace: b.namespace, address: target, mtu: 1400 });
      const peer = from.peer(to.info.address);
      sendBurst(from, [peer], [1400, 1400, 3000, 3000, 3000, 1400], 0);
      const seen: number[] = [];
      await collect(to, 3, (frame) => seen.push(numberOf(to, frame)));
      expect(seen).toEqual([0, 1, 5]);
      expect(counter(from, 'txErrors')).toBe(3);
      expect(from.info.mode).toContain('+gso'); // the length was to blame, not the segmentation
      expect(from.info.notes).toEqual([expect.stringMatching(/longer than the MTU.*txErrors/)]);
    }
  });

  it('an MTU lowered under an open NIC costs the frames that are longer, and is noted, once', async () => {
    await using wire = await Testbed.up();
    const link = wire.links[0];
    const a = open({ namespace: link.a.namespace, address: link.a.ipv4 });
    const b = open({ namespace: link.b.namespace, address: link.b.ipv4 });
    const toB = a.peer(b.info.address);
    expect(a.info.notes).toEqual([]);
    await ip(link.a.namespace, `link set ${link.a.interface} mtu 1000`);
    for (let i = 0; i < 3; i++) sendBurst(a, [toB], [1472, 1472, 900, 1472]);
    expect(counter(a, 'txErrors')).toBe(9);
    expect(counter(a, 'txFrames')).toBe(12);
    await collect(b, 3, (_frame, length) => expect(length).toBe(900));
    expect(counter(b, 'rxFrames')).toBe(3);
    expect(a.info.notes).toEqual([expect.stringMatching(/longer than the MTU/)]);
  });

  it('an address with a label belongs to the interface, not to the label', async () => {
    const { namespace, interface: name } = testbed.links[0].a;
    await ip(namespace, `address add 198.18.99.1/32 label ${name}:x dev ${name}`);
    const nic = open({ namespace, address: '198.18.99.1' });
    expect(nic.info).toMatchObject({ interface: name, mtu: 1472 });
  });

  it.each([true, false])('what a slow wire does not take waits, and arrives once: offload %s', async (offload) => {
    await using wire = await Testbed.up();
    const { a: from, b: to } = wire.links[0];
    const rate = (bits: string): Promise<unknown> =>
      run('tc', [
        ...['-n', from.namespace, 'qdisc', 'replace', 'dev', from.interface, 'root'],
        ...['tbf', 'rate', bits, 'burst', '64kb', 'limit', '100mb'],
      ]);
    await rate('1mbit');
    const a = open({ namespace: from.namespace, address: from.ipv4, offload });
    const b = open({ namespace: to.namespace, address: to.ipv4, offload });
    const toB = a.peer(b.info.address);
    let sent = 0;
    // Two lengths, so that messages of many segments and of one are cut off by a send buffer that is full.
    const queueOne = (): boolean => {
      const frame = mustAlloc(a);
      fill(a, frame, lengthOf(sent), sent);
      const taken = a.send(frame, lengthOf(sent), toB);
      a.free(frame);
      if (taken) sent++;
      return taken;
    };
    do for (let i = 0; i < 60; i++) expect(queueOne()).toBe(true);
    while (a.flush());

    const last = mustAlloc(a);
    fill(a, last, 100, sent);
    for (let i = 0; i < 3; i++) expect(a.flush()).toBe(false);
    expect(a.send(last, 100, toB)).toBe(true);
    expect(a.inFlight(last)).toBe(true);
    expect(counter(a, 'txErrors')).toBe(0);

    await rate('200mbit'); // slower than the receiver, which must not lose any
    // In any order: the sender's core and that of the queue's timer may both carry frames over.
    const seen = new Set<number>();
    const take = (frame: number, length: number): void => {
      const number = numberOf(b, frame);
      expect([length, seen.has(number)]).toEqual([number === sent ? 100 : lengthOf(number), false]);
      seen.add(number);
    };
    while (!a.flush()) drain(b, take);
    expect(a.inFlight(last)).toBe(false);
    await collect(b, sent + 1 - seen.size, take);
    expect(seen.size).toBe(sent + 1);
    expect([counter(a, 'txErrors'), counter(b, 'rxDropped')]).toEqual([0, 0]);
    expect(a.info.notes).toEqual([]);
  });

  it('a receive buffer smaller than wanted is noted, with the number to set', async () => {
    const { namespace } = testbed.links[0].a;
    const source = `
      const { openNic } = await import(${JSON.stringify(BUILT.href)});
      const nic = openNic({ driver: 'udp', port: 0 });
      console.log(JSON.stringify(nic.info.notes));
      nic.close();`;
    const command = ['netns', 'exec', namespace, 'setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
    const { stdout } = await run('ip', [...[...command, process.execPath, '--input-type=module', '-e', source]]);
    const limit = Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'));
    const wanted = 8 << 20;
    const said = `The receive buffer is ${limit} bytes, not ${wanted}: bursts may be lost. Raise net.core.rmem_max to ${wanted}`;
    expect(JSON.parse(stdout)).toEqual(limit < wanted ? [expect.stringContaining(said)] : []);
  });

  it('no route and a dead interface cost frames, not the NIC', async () => {
    await using wire = await Testbed.up();
    const link = wire.links[0];
    const a = open({ namespace: link.a.namespace, address: link.a.ipv4 });
    const b = open({ namespace: link.b.namespace, address: link.b.ipv4 });
    const toB = a.peer(b.info.address);
    const states: string[] = [];
    a.onState = (state) => states.push(state);

    sendBurst(a, [a.peer('192.0.2.1:9')], repeat(100, 5));
    expect(counter(a, 'txErrors')).toBe(5);

    await ip(link.a.namespace, `link set ${link.a.interface} down`);
    await expect.poll(() => states, EVENTUALLY).toEqual(['down']);
    expect(a.state).toBe('down');
    sendBurst(a, [toB], repeat(100, 5));
    expect(counter(a, 'txErrors')).toBe(10);

    await ip(link.a.namespace, `link set ${link.a.interface} up`);
    await expect.poll(() => states, EVENTUALLY).toEqual(['down', 'up']);
    // The kernel forgot the neighbour, and this wire has no ARP to find it again.
    await ip(link.a.namespace, `neighbour replace ${link.b.ipv4} lladdr ${link.b.mac} dev ${link.a.interface}`);
    sendBurst(a, [toB], repeat(100, 5));
    await expectFrames(b, repeat(100, 5));

    await ip(link.a.namespace, `link delete ${link.a.interface}`);
    await expect.poll(() => a.state, EVENTUALLY).toBe('removed');
    sendBurst(a, [toB], repeat(100, 5));
    expect(counter(a, 'txErrors')).toBe(15);
    a.close();
    expect(a.state).toBe('closed');
  });
});

const run = promisify(execFile);
const lengthOf = (number: number): number => (number % 50 === 49 ? 700 : 1400);
const ip = (namespace: string, command: string): Promise<void> => ipBatch([command], namespace);
