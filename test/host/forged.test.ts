/** Frames that say they come from where no machine can be: whoever answered them would have to send to nobody. */
import { afterEach, describe, expect, test } from 'vitest';

import type { Host } from '../../src/host/host.js';
import type { Nic } from '../../src/nic/contract.js';
import { openNic } from '../../src/nic/open.js';
import { HANDSHAKE_BYTES } from '../../src/wire/control.js';
import { datagramHeader, parseEndpoint } from '../../src/wire/datagram.js';
import { FrameType } from '../../src/wire/header.js';
import { describeRoot } from '../support/root.js';
import { build, handshake } from '../support/sim/puppet.js';
import { connected, expectUnharmed, until, Wire } from '../support/twoHosts.js';

const FRAMES = [
  build({ type: FrameType.data, destination: 0x40000, source: 7 }),
  build({ type: FrameType.connect, source: 7, payload: handshake({ port: 1 }) }),
  build({ type: FrameType.connect, source: 7, payload: handshake({ port: 99 }) }),
  build({ type: FrameType.connect, source: 7, payload: new Uint8Array(HANDSHAKE_BYTES) }),
];

const opened: Nic[] = [];
afterEach(() => {
  for (const nic of opened.splice(0)) nic.close();
});

/** From now on the NIC sends from another Ethernet address: its own stands in front of every frame, where it was written once. */
function disguise(nic: Nic, as: readonly number[]): void {
  const own = Buffer.from(`${nic.info.address.replaceAll(':', '')}88b5`, 'hex');
  const memory = Buffer.from(nic.bytes.buffer);
  let found = 0;
  for (let at = memory.indexOf(own); at >= 0; at = memory.indexOf(own, at + 1), found++) memory.set(as, at);
  expect(found).toBeGreaterThan(0);
}

/** Sends bytes past the hosts. */
function throwAt(nic: Nic, to: string, bytes: Uint8Array): void {
  const frame = nic.alloc(0);
  nic.bytes.set(bytes, frame);
  nic.send(frame, bytes.length, nic.peer(to));
  nic.free(frame);
  while (!nic.flush());
}

/** What was looked at and is nobody's: all of them must be counted. */
const strange = (host: Host): number => {
  const { unknownChannel, connectsReceived } = host.counters().host;
  return unknownChannel + connectsReceived;
};

describeRoot('forged frames', () => {
  describe.each(['packet', 'xdp'] as const)('over %s', (driver) => {
    const wire = Wire.forTests(driver);

    test.each([
      ['a group', [0x01, 0, 0x5e, 0, 0, 1]],
      ['nobody', [0, 0, 0, 0, 0, 0]],
    ])('from %s harm no host', async (_whom, from) => {
      const [a, b] = await wire.hosts();
      const pair = await connected(a, b);
      const before = strange(b);
      const { namespace, interface: name } = wire.testbed!.links[0].a;
      const enemy = openNic({ driver: 'packet', namespace, interface: name });
      opened.push(enemy);
      disguise(enemy, from);
      for (const bytes of FRAMES) throwAt(enemy, b.address, bytes);
      await until(() => strange(b) === before + FRAMES.length);
      await expectUnharmed(pair);
    });
  });

  describe('over udp', () => {
    const wire = Wire.forTests('udp');

    test('from port 0 harm no host', async () => {
      const [a, b] = await wire.hosts();
      const pair = await connected(a, b);
      const before = strange(b);
      const [there, here] = [wire.testbed!.links[0].a, wire.testbed!.links[0].b];
      const enemy = openNic({
        driver: 'packet',
        namespace: there.namespace,
        interface: there.interface,
        etherType: 0x0800,
      });
      opened.push(enemy);
      for (const bytes of FRAMES) {
        const from = { ...parseEndpoint(a.address)!, port: 0 };
        const header = datagramHeader(from, parseEndpoint(b.address)!, bytes, 0, bytes.length);
        throwAt(enemy, here.mac, Buffer.concat([header, bytes]));
      }
      await until(() => strange(b) === before + FRAMES.length);
      await expectUnharmed(pair);
    });
  });
});
