// What happens to the other machine, and to the wire. Peers are processes, interfaces are real.
import { expect, test } from 'vitest';

import type { Host } from '../../src/host/host.js';
import type { NicState } from '../../src/nic/contract.js';
import { ipBatch } from '../../src/testbed/ip.js';
import { EchoProcess } from '../support/echoProcess.js';
import { describeRoot } from '../support/root.js';
import { connected, REAL_DRIVERS, until, Wire } from '../support/twoHosts.js';

const byte = Uint8Array.of(1);

for (const driver of REAL_DRIVERS) {
  describeRoot(`a peer over ${driver}`, () => {
    const wire = Wire.forTests(driver);
    let host: Host;

    test('that is killed is detected, by a sender and by who only waits', async () => {
      host = await wire.host('a', { channel: { keepAlive: 50, peerTimeout: 400, minRto: 2 } });
      await using peer = await EchoProcess.start(wire.nic('b'));
      const idle = await host.connect(peer.address, 1);
      const busy = await host.connect(peer.address, 1);
      let echoes = 0;
      busy.onMessage = () => echoes++;
      await busy.write(byte);
      await until(() => echoes === 1);
      await peer.kill();
      const killed = performance.now();
      const written = busy.write(byte).then(() => busy.end());
      await expect(written).rejects.toMatchObject({
        code: 'ERR_EMP_UNREACHABLE',
        remedy: expect.any(String) as string,
      });
      expect(await busy.closed).toMatchObject({ reason: 'unreachable' });
      expect(await idle.closed).toMatchObject({ reason: 'unreachable', error: { code: 'ERR_EMP_UNREACHABLE' } });
      expect(performance.now() - killed).toBeLessThan(3000);
    });

    test('that is killed and restarted at once is noticed as another one', async () => {
      host = await wire.host('a', { channel: { keepAlive: 50 } });
      await using first = await EchoProcess.start(wire.nic('b'));
      const idle = await host.connect(first.address, 1);
      const busy = await host.connect(first.address, 1, { keepAlive: 10_000 });
      await first.kill();
      await using second = await EchoProcess.start(wire.nic('b'));
      expect(second.address).toBe(first.address);
      let echoes = 0;
      busy.onMessage = () => echoes++;
      const ended = busy.write(byte).then(() => busy.end());
      await expect(ended).rejects.toMatchObject({ code: 'ERR_EMP_PEER_RESET' });
      expect(await busy.closed).toMatchObject({ reason: 'peer-reset' });
      expect(await idle.closed).toMatchObject({ reason: 'peer-reset', error: { code: 'ERR_EMP_PEER_RESET' } });
      expect(echoes, 'nothing of the old connection is echoed by the new process').toBe(0);
      const again = await host.connect(second.address, 1, { onMessage: () => echoes++ });
      await again.write(byte);
      await until(() => echoes === 1);
    });

    test('whose interface goes down and comes back: traffic resumes, nothing is lost', async () => {
      const [a, b] = await wire.hosts();
      const { client, server } = await connected(a, b);
      const states: NicState[] = [];
      a.onState = (state) => states.push(state);
      const got: number[] = [];
      server.onMessage = (bytes, offset) =>
        got.push(new DataView(bytes.buffer, bytes.byteOffset).getInt32(offset, true));
      const total = 3000;
      const sending = (async () => {
        for (let i = 0; i < total; i++) {
          await client.write(new Uint8Array(Int32Array.of(i).buffer));
          if (i % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 10));
        }
        await client.end();
      })();
      const { a: mine, b: peer } = wire.testbed!.links[0];
      await until(() => got.length > 500);
      await ipBatch([`link set ${mine.interface} down`], mine.namespace);
      await new Promise((resolve) => setTimeout(resolve, 150));
      const during = got.length;
      await ipBatch(
        [
          `link set ${mine.interface} up`,
          // The kernel forgets neighbours with the link; the testbed's wire has no ARP.
          `neighbour replace ${peer.ipv4} lladdr ${peer.mac} dev ${mine.interface} nud permanent`,
        ],
        mine.namespace,
      );
      await sending;
      expect(during).toBeLessThan(total);
      expect(got).toEqual(Array.from({ length: total }, (_, i) => i));
      expect(client.counters().timeouts).toBeGreaterThan(0);
      expect(states.slice(0, 2)).toEqual(['down', 'up']);
    });
  });

  describeRoot(`an interface that is removed under ${driver}`, () => {
    test('ends channels with a typed error; the host can be closed', async () => {
      await using wire = await Wire.up(driver);
      const [a, b] = await wire.hosts();
      const { client, server } = await connected(a, b);
      const { interface: name, namespace } = wire.testbed!.links[0].a;
      await ipBatch([`link delete ${name}`], namespace);
      const ends = await Promise.all([client.closed, server.closed]);
      for (const { reason, error } of ends) {
        expect(reason).toBe('nic-lost');
        expect(error).toMatchObject({ code: 'ERR_EMP_NIC_FAILED' });
        expect(error?.remedy).toBeTruthy();
      }
      await expect(a.connect(b.address, 1)).rejects.toMatchObject({ code: 'ERR_EMP_NIC_FAILED' });
      expect(a.nic.state).toBe('removed');
      await Promise.all([a.close(), b.close()]);
    });
  });
}
