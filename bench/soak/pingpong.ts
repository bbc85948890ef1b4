/**
 * A million ping-pongs over each driver, each message checked: none lost, doubled or out of order. The server is a thread of its own; each side spins.
 */
import { parentPort, Worker } from 'node:worker_threads';

import type { Channel } from '../../src/host/channel.js';
import { Host } from '../../src/host/host.js';
import type { DriverName, NicOptions } from '../../src/nic/contract.js';
import type { Testbed } from '../../src/testbed/testbed.js';

/** The program that this is a part of: bundled, it is one file. */
const MAIN = new URL(import.meta.url);
const PORT = 1;
const BYTES = 16;

interface Outcome {
  readonly driver: DriverName;
  readonly mode: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  readonly damaged: number;
  readonly channel: Record<string, number>;
}

/** Sends every message back, from the frame it came in to the frame it goes out in. */
function echo(channel: Channel): void {
  channel.onMessage = (_bytes, offset, length) => {
    const to = channel.reserve(length);
    if (to < 0) throw new Error('no room for an echo');
    channel.bytes.copyWithin(to, offset, offset + length);
    channel.commit(length);
  };
}

/** A ping says its number twice; a pong that says another one is counted as what it is. */
class Referee {
  next = 0;
  lost = 0;
  doubled = 0;
  reordered = 0;
  damaged = 0;
  readonly #words: DataView;

  constructor(
    readonly channel: Channel,
    readonly rounds: number,
  ) {
    this.#words = new DataView(channel.bytes.buffer, channel.bytes.byteOffset);
    channel.onMessage = (_bytes, offset, length) => this.#pong(offset, length);
  }

  #pong(offset: number, length: number): void {
    const number = this.#words.getUint32(offset, true);
    if (length !== BYTES || this.#words.getUint32(offset + 12, true) !== ~number >>> 0) this.damaged++;
    else if (number === this.next - 1) this.doubled++;
    else if (number < this.next) this.reordered++;
    else this.lost += number - this.next;
    this.next = Math.max(this.next, number + 1);
    if (this.next < this.rounds) this.ping();
  }

  ping(): void {
    const at = this.channel.reserve(BYTES);
    if (at < 0) throw new Error('no room for a ping');
    this.#words.setUint32(at, this.next, true);
    this.#words.setUint32(at + 12, ~this.next >>> 0, true);
    this.channel.commit(BYTES);
  }
}

function soak(host: Host, channel: Channel, rounds: number, helper: (() => void) | undefined): Outcome {
  const referee = new Referee(channel, rounds);
  const start = performance.now();
  referee.ping();
  host.spin(() => {
    helper?.();
    return referee.next >= rounds || !channel.writable;
  });
  const seconds = (performance.now() - start) / 1000;
  const { next, lost, doubled, reordered, damaged } = referee;
  const { driver, mode } = host.info;
  const missing = lost + rounds - next;
  return {
    driver,
    mode,
    rounds: next,
    seconds,
    lost: missing,
    doubled,
    reordered,
    damaged,
    channel: channel.counters(),
  };
}

async function inOneThread(rounds: number): Promise<Outcome> {
  const server = await Host.open({ nic: { driver: 'memory', name: 'soak-server' }, wait: 'spin' });
  const client = await Host.open({ nic: { driver: 'memory', name: 'soak-client' }, wait: 'spin' });
  server.listen(PORT, { onChannel: echo });
  const channel = await client.connect(server.address, PORT);
  const outcome = soak(client, channel, rounds, () => server.poll());
  await Promise.all([client.close({ force: true }), server.close({ force: true })]);
  return outcome;
}

async function betweenThreads(nics: { server: NicOptions; client: NicOptions }, rounds: number): Promise<Outcome> {
  const worker = new Worker(MAIN, { workerData: nics.server });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const address = await new Promise<string>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const host = await Host.open({ nic: nics.client, wait: 'spin' });
  const channel = await host.connect(address, PORT);
  const outcome = soak(host, channel, rounds, undefined);
  await channel.close();
  await host.close();
  await ended;
  return outcome;
}

/** The server's thread. */
export async function serve(nic: NicOptions): Promise<void> {
  const host = await Host.open({ nic, wait: 'spin' });
  let over = false;
  host.listen(PORT, {
    onChannel: (channel) => {
      echo(channel);
      channel.onClose = () => (over = true);
    },
  });
  parentPort!.postMessage(host.address);
  await new Promise((resolve) => setImmediate(resolve)); // the address leaves before the thread begins to spin
  host.spin(() => over);
  await host.close();
}

export function nicsOf(driver: DriverName, testbed: Testbed | undefined): { server: NicOptions; client: NicOptions } {
  if (testbed === undefined) return { server: { driver: 'udp', port: 0 }, client: { driver: 'udp', port: 0 } };
  const { a, b } = testbed.links[0];
  const nic = ({ namespace, interface: name, ipv4 }: typeof a): NicOptions =>
    driver === 'udp' ? { driver, namespace, address: ipv4 } : { driver: driver as 'xdp', namespace, interface: name };
  return { server: nic(a), client: nic(b) };
}

/** Returns whether all was well. */
export async function pingPongs(
  rounds: number,
  drivers: readonly DriverName[],
  testbed: Testbed | undefined,
): Promise<boolean> {
  let isWell = true;
  for (const driver of drivers) {
    const outcome = await (driver === 'memory' ? inOneThread(rounds) : betweenThreads(nicsOf(driver, testbed), rounds));
    const { mode, seconds, lost, doubled, reordered, damaged, channel } = outcome;
    console.log(
      `${driver} (${mode}): ${outcome.rounds} ping-pongs in ${seconds.toFixed(1)} s, ` +
        `${lost} lost, ${doubled} doubled, ${reordered} reordered, ${damaged} damaged`,
    );
    const counted = Object.entries(channel).filter(([, count]) => count > 0);
    console.log(`  ${counted.map(([name, count]) => `${name} ${count}`).join(', ')}`);
    if (outcome.rounds !== rounds || lost + doubled + reordered + damaged > 0) isWell = false;
  }
  return isWell;
}
