/** What the tests of the udp driver share. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';

import { afterEach, expect } from 'vitest';

import type { UdpOptions } from '../../src/nic/contract.js';
import { openUdp } from '../../src/nic/udp.js';
import type { UdpNic } from '../../src/nic/udp.js';
import { collect, fill, flushAll, matches, mustAlloc } from './harness.js';

const opened: UdpNic[] = [];
afterEach(() => {
  for (const nic of opened.splice(0)) nic.close();
});

/** On a port of the kernel's choice, so that tests need none in particular. */
export function open(options: Partial<UdpOptions> = {}): UdpNic {
  const nic = openUdp({ driver: 'udp', port: 0, ...options });
  opened.push(nic);
  return nic;
}

/** Queues frames of these lengths, numbered from `first`, and sends them in one burst. */
export function sendBurst(nic: UdpNic, peers: readonly number[], lengths: readonly number[], first = 0): void {
  lengths.forEach((length, i) => {
    const frame = mustAlloc(nic);
    fill(nic, frame, length, first + i);
    expect(nic.send(frame, length, peers[i % peers.length])).toBe(true);
    nic.free(frame);
  });
  flushAll(nic);
}

/** Receives frames of these lengths, numbered from `first`, in order. */
export async function expectFrames(nic: UdpNic, lengths: readonly number[], first = 0): Promise<void> {
  const seen: number[] = [];
  await collect(nic, lengths.length, (frame, length) => {
    expect(matches(nic, frame, length, first + seen.length)).toBe(true);
    seen.push(length);
  });
  expect(seen).toEqual(lengths);
}

export const repeat = (length: number, times: number): number[] => new Array<number>(times).fill(length);

/** A plain UDP socket that is not ours. */
export class Stranger {
  private constructor(private readonly socket: Socket) {}

  static async open(): Promise<Stranger> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Stranger(socket);
  }

  send(to: UdpNic, bytes: Buffer): Promise<void> {
    const port = Number(to.info.address.split(':').at(-1));
    return new Promise((resolve, reject) =>
      this.socket.send(bytes, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error))),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    await once(this.socket, 'close');
  }
}
