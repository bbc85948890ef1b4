/** Each frame that an enemy sends to a host with an open channel is in a counter, whatever it is. */
import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { Chance } from '../../src/fault/chance.js';
import { Host } from '../../src/host/host.js';
import { NO_FRAME, type Nic } from '../../src/nic/contract.js';
import { openNic } from '../../src/nic/open.js';
import { HOSTILE, hostileFrames, type HostileKind } from '../support/hostile.js';
import { SEED } from '../support/seed.js';
import { connected, pattern, until } from '../support/twoHosts.js';

const FRAMES = 2000;
const BURST = 256;
const MTU = 1472;

/** Frames that were counted: as what they are. Those of `path` come to hosts with a list of NICs. */
function told(host: Host): number {
  const { nic, rejected, host: engine, paths, total } = host.counters();
  return [
    ...[nic.rxInvalid, nic.rxDropped, ...Object.values(rejected)],
    ...[engine.unknownChannel, engine.connectsReceived, engine.unexpected],
    ...[paths.probesReceived, paths.echoesReceived, paths.strayEchoes, paths.malformed],
    ...[total.framesReceived, total.duplicates, total.outside, total.holdFailures, total.controlsReceived],
  ].reduce((sum, count) => sum + count, 0);
}

function throwAll(nic: Nic, to: string, frames: readonly Uint8Array[]): void {
  const peer = nic.peer(to);
  for (const bytes of frames) {
    const frame = nic.alloc(0);
    expect(frame).not.toBe(NO_FRAME);
    nic.bytes.set(bytes, frame);
    expect(nic.send(frame, bytes.length, peer)).toBe(true);
    nic.free(frame);
  }
  nic.flush();
}

describe.each([false, true])('a host (list of NICs: %s)', (isList) => {
  test.each(Object.keys(HOSTILE) as HostileKind[])('counts each frame of the kind %s', async (kind) => {
    const one = (name: string): Nic => openNic({ driver: 'memory', name: `counts-${name}`, mtu: MTU });
    const nic = one('a');
    const real: Uint8Array[] = [];
    const send = nic.send.bind(nic);
    nic.send = (frame, length, peer) => {
      real.push(nic.bytes.slice(frame, frame + length));
      return send(frame, length, peer);
    };
    const other = one('b');
    const a = await Host.open({ nic: isList ? [nic] : nic, channel: { payloadCheck: true } });
    const b = await Host.open({ nic: isList ? [other] : other, channel: { payloadCheck: true } });
    const enemy = one('enemy');
    try {
      const { client, server } = await connected(a, b);
      let heard = 0;
      server.onMessage = () => void heard++;
      for (let i = 0; i < 100; i++) await client.write(pattern(100 * i));
      await until(() => heard === 100);
      await delay(50); // until all is acknowledged
      const frames = hostileFrames({ chance: new Chance(SEED), real: real.slice(), port: 1, mtu: MTU }, FRAMES, [kind]);
      const [before, honest] = [told(b), real.length];
      for (let i = 0; i < FRAMES; i += BURST) {
        throwAll(enemy, b.address, frames.slice(i, i + BURST));
        await delay(2);
      }
      // The peer, too, has sent some: its questions whether paths work.
      const uncounted = (): number => FRAMES + real.length - honest - (told(b) - before);
      for (let ms = 0; uncounted() !== 0 && ms < 2000; ms++) await delay(1);
      expect(uncounted()).toBe(0);
      expect(server.writable).toBe(true);
    } finally {
      enemy.close();
      await Promise.all([a, b].map((host) => host.close({ force: true })));
    }
  });
});
