// The promise over real rings whose wire has faults, made by the host's own option.
import { describe, expect, test } from 'vitest';

import type { Faults } from '../../../src/fault/faults.js';
import { Host } from '../../../src/host/host.js';
import { openNic } from '../../../src/nic/open.js';
import { SEED } from '../../support/seed.js';
import { connected, DRIVERS, pattern, until, Wire } from '../../support/twoHosts.js';

const MESSAGES = 700;
const STORM: Faults = {
  drop: 0.03,
  burst: 0.002,
  duplicate: 0.03,
  reorder: 0.05,
  delay: [0, 300],
  corrupt: 0.02,
  truncate: 0.02,
  replay: 0.03,
  seed: SEED,
};

describe.each(DRIVERS)('a wire with faults over %s', (driver) => {
  const wire = Wire.forTests(driver);

  test('every message comes once, in order and whole, and what befell frames is told', async () => {
    const options = { faults: STORM, channel: { payloadCheck: true, minRto: 1 } };
    const [a, b] = await wire.hosts(options);
    const { client, server } = await connected(a, b);
    const wrong: string[] = [];
    let there = 0;
    let back = 0;
    const isRight = (bytes: Uint8Array, at: number, length: number, index: number) => {
      const sent = pattern((index * 37) % 3000, index);
      if (Buffer.compare(bytes.subarray(at, at + length), sent) !== 0) wrong.push(`message ${index}`);
    };
    server.onMessage = (bytes, at, length) => {
      isRight(bytes, at, length, there++);
      void server.write(bytes.slice(at, at + length));
    };
    client.onMessage = (bytes, at, length) => isRight(bytes, at, length, back++);
    for (let i = 0; i < MESSAGES; i++) await client.write(pattern((i * 37) % 3000, i));
    await until(() => back === MESSAGES);
    expect([wrong, there]).toEqual([[], MESSAGES]);
    for (const { faults } of [a, b]) {
      for (const [name, count] of Object.entries(faults!)) expect(count, name).toBeGreaterThan(0);
    }
    const { rejected, total } = b.counters();
    expect(Object.values(rejected).reduce((sum, one) => sum + one, 0)).toBeGreaterThan(0);
    expect(total.duplicates).toBeGreaterThan(0);
  }, 60_000);

  test('a host that sleeps wakes for frames that come late', async () => {
    const [a, b] = [
      await wire.host('a', { wait: 'event' }),
      await wire.host('b', { wait: 'event', faults: { delay: 20_000 } }),
    ];
    const { client, server } = await connected(a, b);
    const arrived = new Promise<void>((resolve) => (server.onMessage = () => resolve()));
    const begin = performance.now();
    await client.write(Uint8Array.of(1));
    await arrived;
    expect(performance.now() - begin).toBeGreaterThan(18);
    expect(performance.now() - begin).toBeLessThan(500);
  });
});

test('faults that make no sense are refused before anything is opened', async () => {
  const nic = { driver: 'memory', name: 'faults-refused' } as const;
  await expect(Host.open({ nic, faults: { drop: 2 } })).rejects.toMatchObject({ code: 'ERR_EMP_ARGUMENT' });
  openNic(nic).close();
});
