// Which NICs the two ends open, for each driver; and the same for the bare C programs.
import type { DriverName, NicOptions } from '../../src/index.js';
import type { Testbed } from '../../src/testbed/testbed.js';
import type { FloorEnd } from '../program.js';

export interface Setup {
  readonly client: NicOptions;
  readonly server: NicOptions;
  /** Undefined: this path has no bare C program. */
  readonly floor: { readonly client: FloorEnd; readonly server: FloorEnd } | undefined;
  /** Where the wire is, for the header. */
  readonly wire: string;
}

/** Port 0: whatever is free. On loopback the usual port may be taken. */
const ANY = 0;
const UDP_PORT = 34997;

export function setupOf(driver: DriverName, testbed: Testbed | undefined): Setup {
  if (driver === 'memory') return memory();
  if (testbed !== undefined) return onTestbed(driver, testbed);
  return loopback();
}

function onTestbed(driver: 'xdp' | 'packet' | 'udp', { links }: Testbed): Setup {
  const { a, b } = links[0];
  const wire = `a veth pair between ${a.namespace} and ${b.namespace}`;
  if (driver === 'udp') {
    return {
      client: { driver, namespace: a.namespace, address: a.ipv4, port: ANY },
      server: { driver, namespace: b.namespace, address: b.ipv4, port: UDP_PORT },
      floor: {
        client: { namespace: a.namespace, peer: `${b.ipv4}:${ANY}` },
        server: { namespace: b.namespace, local: `${b.ipv4}:${ANY}` },
      },
      wire,
    };
  }
  return {
    client: { driver, namespace: a.namespace, interface: a.interface },
    server: { driver, namespace: b.namespace, interface: b.interface },
    floor: {
      client: { namespace: a.namespace, interface: a.interface, peer: b.mac },
      server: { namespace: b.namespace, interface: b.interface },
    },
    wire,
  };
}

function loopback(): Setup {
  const address = '127.0.0.1';
  return {
    client: { driver: 'udp', address, port: ANY },
    server: { driver: 'udp', address, port: ANY },
    floor: { client: { peer: `${address}:${ANY}` }, server: { local: `${address}:${ANY}` } },
    wire: 'loopback',
  };
}

function memory(): Setup {
  return {
    client: { driver: 'memory', name: 'client' },
    server: { driver: 'memory', name: 'server' },
    floor: undefined,
    wire: 'memory of one process',
  };
}
