// Threads that end while their host is at work: nothing crashes, and nothing of them is left in the process.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';

import { openDescriptors, ringMappings } from '../nic/harness.js';
import { connected, DRIVERS, until, Wire } from '../support/twoHosts.js';

const byte = Uint8Array.of(1);
const ROUNDS = 4;
/** The frames of a NIC with the default options, bytes, and some. */
const FRAMES = 16 << 20;

async function start(wire: Wire): Promise<{ worker: Worker; address: string }> {
  const worker = new Worker(new URL('fixture/mortalWorker.mjs', import.meta.url), { workerData: wire.nic('b') });
  const [address] = (await once(worker, 'message')) as [string];
  return { worker, address };
}

/** Descriptors and rings of this process. */
const held = (): number[] => [openDescriptors(), ringMappings()];

/** Bytes in private mappings as large as the frames of a NIC; those of threads and of V8 are smaller. */
function largeMappings(): number {
  let bytes = 0;
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const [, from, to] = /^(\w+)-(\w+) rw-p 00000000 00:00 0 *$/.exec(line) ?? [];
    const length = from === undefined ? 0 : parseInt(to, 16) - parseInt(from, 16);
    if (length >= FRAMES / 2) bytes += length;
  }
  return bytes;
}

for (const driver of DRIVERS) {
  describe(`a thread whose host spins over ${driver}`, () => {
    const wire = Wire.forTests(driver);

    /** Runs a thread to its end several times; compares what the process has after the first and after the last. */
    async function leavesNothing(run: () => Promise<void>): Promise<void> {
      await run();
      const before = held();
      const memory = largeMappings();
      for (let i = 0; i < ROUNDS; i++) await run();
      expect(held()).toEqual(before);
      // The C library may keep the last one for the next.
      expect(largeMappings() - memory).toBeLessThan((ROUNDS / 2) * FRAMES);
      const [a, b] = await wire.hosts();
      expect((await (await connected(a, b)).client.close()).reason).toBe('ended');
    }

    test('may be terminated', () =>
      leavesNothing(async () => {
        const { worker } = await start(wire);
        await sleep(20);
        expect(await worker.terminate()).toBe(1);
      }));

    // Over memory nobody can send to another thread.
    if (driver === 'memory') return;

    /** A channel to the thread with echoes under way. */
    async function busy(address: string) {
      const host = await wire.host('a');
      const channel = await host.connect(address, 1);
      let echoes = 0;
      channel.onMessage = () => {
        echoes++;
        channel.send(byte);
      };
      for (let i = 0; i < 8; i++) channel.send(byte);
      await until(() => echoes > 100);
      return { host, channel };
    }

    test('may be terminated in the middle of messages', () =>
      leavesNothing(async () => {
        const { worker, address } = await start(wire);
        const { host } = await busy(address);
        expect(await worker.terminate()).toBe(1);
        await host.close({ force: true });
      }));

    test('may end itself in a handler', () =>
      leavesNothing(async () => {
        const { worker, address } = await start(wire);
        const exited = once(worker, 'exit');
        const { host, channel } = await busy(address);
        channel.send(byte, 1);
        expect(await exited).toEqual([0]);
        await host.close({ force: true });
      }));
  });
}
