/** Counters for Prometheus, of one's own hosts. */
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';

import { collectMetrics } from '../../../src/host/stat/metrics.js';
import { connected, until, Wire } from '../../support/twoHosts.js';
import { parseMetrics } from '../../support/prometheus.js';

const wire = Wire.forTests('memory');

describe('collectMetrics', () => {
  test('gives what a host has counted, at the moment of collection', async () => {
    const [a, b] = await wire.hosts();
    const register = new Registry();
    await collectMetrics(a, { register });
    const { client, server } = await connected(a, b);
    let got = 0;
    server.onMessage = () => got++;
    for (let round = 1; round <= 2; round++) {
      for (let i = 0; i < 10; i++) await client.write(new Uint8Array(100));
      await until(() => got === 10 * round);
      const metrics = parseMetrics(await register.metrics());
      const labels = { driver: 'memory', interface: '', queue: '', address: a.address };
      expect(metrics.value('emp_messages_sent_total', labels)).toBe(10 * round);
      expect(metrics.value('emp_bytes_sent_total', labels)).toBe(1000 * round);
      expect(metrics.value('emp_channels', labels)).toBe(1);
      expect(metrics.value('emp_resends_total', { ...labels, cause: 'fast' })).toBe(0);
      expect(metrics.value('emp_stalls_total', { ...labels, cause: 'credit' })).toBe(0);
      expect(metrics.value('emp_rejected_frames_total', { ...labels, reason: 'headerCheck' })).toBe(0);
      expect(metrics.value('emp_nic_tx_frames_total', labels)).toBe(a.counters().nic.txFrames);
      expect(metrics.names().filter((name) => name.startsWith('emp_channel_'))).toEqual([]);
    }
  });

  test('gives histograms that add up', async () => {
    const [a, b] = await wire.hosts();
    const register = new Registry();
    await collectMetrics(a, { register });
    const { client, server } = await connected(a, b);
    server.onMessage = () => server.send(Uint8Array.of(1));
    let got = 0;
    client.onMessage = () => got++;
    for (let i = 0; i < 50; i++) {
      client.send(Uint8Array.of(1));
      await until(() => got > i);
    }
    const metrics = parseMetrics(await register.metrics());
    const { total, roundTrips } = a.counters();
    expect(metrics.type('emp_round_trip_seconds')).toBe('histogram');
    const labels = { address: a.address };
    expect(metrics.value('emp_round_trip_seconds_count', labels)).toBe(total.roundTrips);
    expect(metrics.value('emp_round_trip_seconds_sum', labels)).toBeCloseTo(total.roundTripSum / 1e6, 9);
    const buckets = metrics.samples('emp_round_trip_seconds_bucket').map(({ value }) => value);
    expect(buckets).toEqual([...buckets].sort((x, y) => x - y));
    expect(buckets.at(-1)).toBe(total.roundTrips);
    const below = roundTrips.reduce((sum, { to, count }) => (to <= 1024 ? sum + count : sum), 0);
    expect(metrics.value('emp_round_trip_seconds_bucket', { le: '0.001024' })).toBe(below);
  });

  test('takes several hosts in one registry, and lets those go that are closed', async () => {
    const [a, b] = await wire.hosts();
    const register = new Registry();
    await collectMetrics(a, { register });
    await collectMetrics(b, { register });
    const addresses = async (): Promise<unknown[]> =>
      parseMetrics(await register.metrics())
        .samples('emp_channels')
        .map(({ labels }) => labels['address']);
    expect(await addresses()).toEqual([a.address, b.address]);
    await a.close();
    await new Promise((resolve) => setImmediate(resolve)); // of one collection, all is of one moment
    expect(await addresses()).toEqual([b.address]);
  });

  test('has series of channels for who asks for them', async () => {
    const [a, b] = await wire.hosts();
    const register = new Registry();
    await collectMetrics(a, { register });
    await collectMetrics(a, { register, perChannel: true });
    expect(parseMetrics(await register.metrics()).samples('emp_channel_messages_sent_total')).toEqual([]);
    const { client, server } = await connected(a, b, 9);
    server.onMessage = () => undefined;
    await client.write(Uint8Array.of(1));
    await until(() => client.counters().roundTrips > 0);
    const metrics = parseMetrics(await register.metrics());
    const labels = { channel: client.id.toString(16), peer: b.address, port: '9' };
    expect(metrics.value('emp_channel_messages_sent_total', labels)).toBe(1);
    expect(metrics.value('emp_channel_resends_total', { ...labels, cause: 'timeout' })).toBe(0);
    const { roundTripMax } = client.counters();
    expect(metrics.value('emp_channel_round_trip_max_seconds', labels)).toBeCloseTo(roundTripMax / 1e6, 9);
    await client.close();
    await until(() => a.channels.length === 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(parseMetrics(await register.metrics()).samples('emp_channel_messages_sent_total')).toEqual([]);
  });

  test('refuses options that it does not know', async () => {
    const host = await wire.host('a');
    await expect(collectMetrics(host, { registry: new Registry() } as object)).rejects.toMatchObject({
      code: 'ERR_EMP_ARGUMENT',
    });
  });
});
