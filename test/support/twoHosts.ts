import { afterAll, afterEach, beforeAll, expect } from 'vitest';

import { Host } from '../../src/host/host.js';
import type { ConnectOptions, HostChannelOptions, HostOptions } from '../../src/host/host.js';
import type { Channel } from '../../src/host/channel.js';
import type { Listener } from '../../src/host/listener.js';
import type { ListenOptions } from '../../src/host/listener.js';
import type { DriverName, NicOptions } from '../../src/nic/contract.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { isRoot } from './root.js';

/** Drivers that can be tested here: without root, udp runs over loopback and the Ethernet drivers are left out. */
export const DRIVERS: readonly DriverName[] = isRoot ? ['memory', 'packet', 'udp', 'xdp'] : ['memory', 'udp'];
/** Those that cross a (virtual) wire. */
export const REAL_DRIVERS = DRIVERS.filter((driver) => driver !== 'memory');

export type Side = 'a' | 'b';
let names = 0;

/** A wire with two sides, and the hosts that were opened on it: all go with it. */
export class Wire implements AsyncDisposable {
  /** Undefined for memory, and for udp without root. */
  testbed: Testbed | undefined = undefined;
  readonly #hosts: Host[] = [];
  readonly #name = `${process.pid}.${++names}`;

  private constructor(readonly driver: DriverName) {}

  static async up(driver: DriverName): Promise<Wire> {
    const wire = new Wire(driver);
    await wire.#up();
    return wire;
  }

  /** For the tests of a `describe`: up before the first, without hosts after each, gone after the last. */
  static forTests(driver: DriverName): Wire {
    const wire = new Wire(driver);
    beforeAll(() => wire.#up());
    afterEach(() => wire.clear());
    afterAll(() => wire[Symbol.asyncDispose]());
    return wire;
  }

  async #up(): Promise<void> {
    if (this.driver !== 'memory' && isRoot) this.testbed = await Testbed.up();
  }

  /** What opens a NIC on one side. */
  nic(side: Side): NicOptions {
    const { driver, testbed } = this;
    if (driver === 'memory') return { driver, name: `${side}-${this.#name}` };
    if (testbed === undefined) return { driver: 'udp', port: 0 };
    const { namespace, interface: name, ipv4 } = testbed.links[0][side];
    return driver === 'udp' ? { driver, namespace, address: ipv4 } : { driver, namespace, interface: name };
  }

  async host(side: Side, options: Omit<HostOptions, 'nic'> = {}): Promise<Host> {
    const host = await Host.open({ nic: this.nic(side), ...options });
    this.#hosts.push(host);
    return host;
  }

  async hosts(options: Omit<HostOptions, 'nic'> = {}): Promise<[Host, Host]> {
    return [await this.host('a', options), await this.host('b', options)];
  }

  /** Closes the hosts, for the next test. */
  async clear(): Promise<void> {
    await Promise.all(this.#hosts.splice(0).map((host) => host.close({ force: true })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clear();
    await this.testbed?.down();
  }
}

export interface Pair {
  readonly client: Channel;
  readonly server: Channel;
  readonly listener: Listener;
}

export interface PairOptions {
  connect?: ConnectOptions;
  listen?: ListenOptions & HostChannelOptions;
}

/** A channel from `from` to `to`, both of its ends. */
export async function connected(from: Host, to: Host, port = 1, options: PairOptions = {}): Promise<Pair> {
  let accepted!: (channel: Channel) => void;
  const accepting = new Promise<Channel>((resolve) => (accepted = resolve));
  const listener = to.listen(port, {
    ...options.listen,
    onChannel: (channel) => {
      options.listen?.onChannel?.(channel);
      accepted(channel);
    },
  });
  const client = await from.connect(to.address, port, options.connect);
  return { client, server: await accepting, listener };
}

/** Messages still pass, and the channel ends in peace. */
export async function expectUnharmed({ client, server }: Pair): Promise<void> {
  let got = 0;
  server.onMessage = () => got++;
  for (let i = 0; i < 10; i++) await client.write(Uint8Array.of(i));
  expect((await client.close()).reason).toBe('ended');
  expect(got).toBe(10);
}

/** Waits for something that is going to happen; the test's own time limit ends it if it does not. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Bytes that say where they belong, so that a mix-up shows. */
export function pattern(length: number, salt = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16) + salt) & 0xff;
  return bytes;
}
