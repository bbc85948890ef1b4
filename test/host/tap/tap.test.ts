import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';

import { tapSockets, type TapSocket } from '../../../src/host/tap/directory.js';
import { describeTap, readTap } from '../../../src/host/tap/tapReader.js';
import { TapServer, type TapSink } from '../../../src/host/tap/tapServer.js';
import type { NicInfo } from '../../../src/nic/contract.js';
import { Direction, readBlock } from '../../../src/wire/pcapng.js';

const info: NicInfo = {
  driver: 'memory',
  mode: 'memory',
  interface: undefined,
  namespace: undefined,
  queue: undefined,
  address: 'memory:left',
  mtu: 1500,
  overhead: 0,
  frameSize: 2048,
  txFrames: 1,
  rxFrames: 1,
  hugePages: false,
  notes: [],
};

let server: TapServer | undefined;
/** What the host of the current test holds; an earlier one's readers may still be leaving. */
let host: { sink: TapSink | undefined };

async function open(): Promise<TapSocket> {
  const mine = { sink: undefined as TapSink | undefined };
  host = mine;
  server = await TapServer.open({ info, clock: () => performance.now() * 1000, onSink: (sink) => (mine.sink = sink) });
  const { path } = server;
  return tapSockets().find((tap) => tap.path === path)!;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

const frame = Uint8Array.from({ length: 100 }, (_, i) => i);
const send = (length = 100): void =>
  host.sink?.(Direction.outbound, frame, 0, length, performance.now() * 1000, 'memory:right');

afterEach(() => server?.close());

describe('a tap', () => {
  it('has a socket that only its user can open, and that goes with it', async () => {
    const tap = await open();
    expect(tap.pid).toBe(process.pid);
    expect(statSync(tap.path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(tap.path)).mode & 0o777).toBe(0o700);
    server?.close();
    server?.close();
    expect(existsSync(tap.path)).toBe(false);
  });

  it('of a killed process is removed', async () => {
    const { path } = await open();
    const left = join(dirname(path), `${2 ** 31}-1.sock`); // a number that no process has
    writeFileSync(left, '');
    expect(tapSockets().map((tap) => tap.path)).toContain(path);
    expect(existsSync(left)).toBe(false);
  });

  it('costs nothing while nobody watches, and nothing any more when the last has left', async () => {
    const tap = await open();
    expect(host.sink).toBeUndefined();
    const controller = new AbortController();
    const reading = readTap(tap, { signal: controller.signal, onBlocks: () => undefined });
    await until(() => host.sink !== undefined);
    controller.abort();
    await reading;
    await until(() => host.sink === undefined);
  });

  it('passes every frame on, behind a link header, and stops at the count', async () => {
    const tap = await open();
    const blocks: Uint8Array[] = [];
    const reading = readTap(tap, { count: 3, onBlocks: (part) => void blocks.push(part) });
    await until(() => host.sink !== undefined);
    for (let length = 60; length < 65; length++) send(length);
    expect(await reading).toMatchObject({ frames: 3, dropped: 0 });

    const bytes = Buffer.concat(blocks);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const lengths: number[] = [];
    for (let at = 0, block = readBlock(view, at); block !== undefined; block = readBlock(view, (at += block.length))) {
      if (!block.isPacket) continue;
      const captured = view.getUint32(at + 20, true);
      expect(bytes.subarray(at + 28, at + 42).toString('latin1')).toBe('\x02right\x02left\0\x88\xb5');
      expect([...bytes.subarray(at + 42, at + 28 + captured)]).toEqual([...frame.subarray(0, captured - 14)]);
      lengths.push(captured - 14);
    }
    expect(lengths).toEqual([60, 61, 62]);
  });

  it('serves several readers', async () => {
    const tap = await open();
    const readings = [1, 2].map((count) => readTap(tap, { count, onBlocks: () => undefined }));
    const timer = setInterval(send, 1);
    expect((await Promise.all(readings)).map(({ frames }) => frames)).toEqual([1, 2]);
    clearInterval(timer);
  });

  it('drops and counts what a slow reader has no room for, and never waits for it', async () => {
    const tap = await open();
    const socket = connect(tap.path).pause(); // reads nothing at all
    await until(() => host.sink !== undefined);
    const frames = 200_000; // some 35 MB
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < frames; i++) send();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(24 * 2 ** 20);
    let seen = 0;
    let dropped = 0;
    const timer = setInterval(send, 5); // the count comes with the next frame that finds room
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      const view = new DataView(rest.buffer, rest.byteOffset, rest.length);
      let at = 0;
      for (let block = readBlock(view, at); block !== undefined; block = readBlock(view, at)) {
        at += block.length;
        if (block.isPacket) seen += 1;
        dropped += block.dropped;
      }
      rest = rest.subarray(at);
    });
    socket.resume();
    await until(() => seen + dropped >= frames);
    clearInterval(timer);
    expect(dropped).toBeGreaterThan(0);
    socket.destroy();
  });

  it('ends its readers when the host closes, after the last frame', async () => {
    const tap = await open();
    const reading = readTap(tap, { onBlocks: () => undefined });
    await until(() => host.sink !== undefined);
    send();
    server?.close();
    expect(await reading).toMatchObject({ frames: 1, dropped: 0 });
  });

  it('tells which NIC it shows', async () => {
    const tap = await open();
    expect(await describeTap(tap)).toEqual({ name: 'memory', description: 'memory, memory, memory:left' });
    server?.close();
    expect(await describeTap(tap)).toBeUndefined();
    await expect(readTap(tap, { onBlocks: () => undefined })).rejects.toMatchObject({ code: 'ERR_EMP_CLOSED' });
  });
});
