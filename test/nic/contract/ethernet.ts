import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, it } from 'vitest';

import type { Nic } from '../../../src/nic/contract.js';
import { NO_FRAME } from '../../../src/nic/contract.js';
import { openNic } from '../../../src/nic/open.js';
import { Testbed } from '../../../src/testbed/testbed.js';
import { Pair, collect, counter, drain, flushAll, matches, sendOne, waitFor, wakes } from '../harness.js';
import type { Context } from './context.js';

/** What drivers of an Ethernet interface share. */
export function onEthernet({ driver, options, openPair }: Context): void {
  it('frames of another EtherType are left to the kernel', async () => {
    using pair = openPair();
    const place = options('a') as { interface: string; namespace: string };
    const peerPlace = options('b') as { interface: string; namespace: string };
    using other = new Pair(
      { driver: 'packet', interface: place.interface, namespace: place.namespace, etherType: 0x88b6 },
      { driver: 'packet', interface: peerPlace.interface, namespace: peerPlace.namespace, etherType: 0x88b6 },
    );
    for (let i = 0; i < 20; i++) sendOne(other.a, other.toB, 64, i);
    let next = 0;
    expect(await collect(other.b, 20, (f, n) => expect(matches(other.b, f, n, next++)).toBe(true))).toBe(20);
    expect(drain(pair.b)).toBe(0);
    sendOne(pair.a, pair.toB, 64, 500);
    expect(await collect(pair.b, 1, (f, n) => expect(matches(pair.b, f, n, 500)).toBe(true))).toBe(1);
    expect(drain(other.b)).toBe(0);
  });

  it('tells when the interface goes down, comes back and is removed; calls go on without harm', async () => {
    await using wire = await Testbed.up({ mtu: driver.testbedMtu! });
    const link = wire.links[0];
    const gone = openNic(driver.options('a', link));
    let told = 0;
    gone.onState = () => told++;
    gone.close();
    using pair = new Pair(driver.options('a', link), driver.options('b', link));
    const { a, b, toB } = pair;
    const states: string[] = [];
    a.onState = (state) => states.push(state);
    expect(a.state).toBe('up');

    await ip('-n', link.a.namespace, 'link', 'set', link.a.interface, 'down');
    await waitFor(() => states.length > 0);
    expect(states).toEqual(['down']);
    expect(a.state).toBe('down');
    expect(told).toBe(0); // a closed NIC does not tell
    for (let i = 0; i < 20; i++) sendInto(a, toB);
    expect(a.receive()).toBe(0);
    expect(counter(a, 'txErrors')).toBeGreaterThan(0);
    // A sleep while it is down is a sleep, not a busy loop.
    await wakes(a, 20);
    expect(drain(a)).toBe(0);
    expect(await wakes(a, 50)).toBe(false);

    await ip('-n', link.a.namespace, 'link', 'set', link.a.interface, 'up');
    await waitFor(() => states.length > 1);
    expect(states).toEqual(['down', 'up']);
    drain(b);
    await waitFor(async () => {
      sendInto(a, toB);
      await sleep(2);
      return drain(b) > 0;
    });

    await ip('-n', link.a.namespace, 'link', 'del', link.a.interface);
    await waitFor(() => states.includes('removed'));
    expect(states.at(-1)).toBe('removed');
    for (let i = 0; i < 20; i++) sendInto(a, toB);
    drain(a);
    await wakes(a, 20);
    expect(await wakes(a, 50)).toBe(false);
  });
}

/** Sends whether or not it can leave. */
function sendInto(nic: Nic, peer: number): void {
  const frame = nic.alloc(0);
  if (frame === NO_FRAME) return;
  nic.send(frame, 64, peer);
  nic.free(frame);
  flushAll(nic);
}

async function ip(...args: string[]): Promise<void> {
  const [code] = (await once(spawn('ip', args, { stdio: 'inherit' }), 'close')) as [number];
  expect(code).toBe(0);
}
