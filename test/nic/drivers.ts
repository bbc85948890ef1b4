import type { MemoryOptions, Nic, NicOptions, UdpOptions } from '../../src/nic/contract.js';
import { openNic } from '../../src/nic/open.js';
import { MultiNic } from '../../src/path/multiNic.js';
import { resolvePathOptions, type PathPolicy } from '../../src/path/options.js';
import type { TestbedLink } from '../../src/testbed/testbed.js';

/** One row for each driver, and for each mode of it that behaves in its own way: `contract.test.ts` runs against all. */
export interface DriverCase {
  readonly name: string;
  readonly wire: 'ethernet' | 'udp' | 'memory';
  /** MTU of the testbed it needs (and with it root); undefined: it needs none. */
  readonly testbedMtu?: number;
  /** What opens one end of a connected pair. */
  options(end: End, link: TestbedLink): NicOptions;
  /** Not by its options alone: in this process. */
  open?(options: NicOptions): Nic;
  /** Texts that are no address of a machine for this driver. */
  readonly badAddresses: readonly string[];
  /** Its kernel counts frames that were lost together, joined into one datagram, as one. */
  readonly losesJoined?: boolean;
}

export type End = 'a' | 'b';

const BAD_ETHERNET = [
  '',
  'nonsense',
  '02:00:00:00:00',
  '02:00:00:00:00:01:02',
  '02:00:00:00:00:0g',
  '2:0:0:0:0:1',
  '198.18.0.1:34997',
  'memory:a',
  'ff:ff:ff:ff:ff:ff',
  '01:00:5e:00:00:01',
  '00:00:00:00:00:00',
];

const BAD_UDP = [
  '',
  'nonsense',
  'localhost:34997',
  '198.18.0:34997',
  '198.18.0.1:',
  '198.18.0.1:65536',
  '198.18.0.1:-1',
  '198.18.0.1:0',
  '198.18.0.256:1',
  '[198.18.0.1]:1',
  'fd00::1%lo',
  '[fd00::1',
  'fe80::1',
  '[fe80::1%nowhere]:34997',
  '0.0.0.0:34997',
  '[::]:34997',
  '255.255.255.255:34997',
  '224.0.0.1:34997',
  '[ff02::1]:34997',
  '[::ffff:198.18.0.1]:34997',
  '02:00:00:00:00:01',
  'memory:a',
];

/** On loopback two ports tell the ends apart; not the default ones, which a program on this machine may be using. */
const PORT = 10_000 + 2 * (process.pid % 10_000);
const loopback = (end: End, address: string): UdpOptions => ({
  driver: 'udp',
  address,
  port: end === 'a' ? PORT : PORT + 1,
});

const udpOver = (end: End, link: TestbedLink, family: 'ipv4' | 'ipv6'): UdpOptions => ({
  driver: 'udp',
  namespace: link[end].namespace,
  address: link[end][family],
});

/** Several NICs as one, which is a NIC. */
function severalMemories(policy: PathPolicy): DriverCase {
  const clock = { cell: new Float64Array(1), read: () => void (clock.cell[0] = performance.now() * 1000) };
  let drawn = 0;
  // No two machines have the same number.
  const random = (): number => Math.imul(++drawn, 0x9e3779b1);
  return {
    name: `several NICs, ${policy}`,
    wire: 'memory',
    options: (end) => ({ driver: 'memory', name: `contract-${end}` }),
    open: (options) => {
      const { name, ...sizes } = options as MemoryOptions;
      const nics = [0, 1].map((i) => openNic({ ...sizes, name: `${name}-${i}` }));
      return new MultiNic(nics, resolvePathOptions({ policy }), { clock, random });
    },
    badAddresses: ['', 'memory:', 'contract-a', '02:00:00:00:00:01', '198.18.0.1:34997'],
  };
}

const place = (end: End, link: TestbedLink): { namespace: string; interface: string } => ({
  namespace: link[end].namespace,
  interface: link[end].interface,
});

export const DRIVERS: readonly DriverCase[] = [
  {
    name: 'memory',
    wire: 'memory',
    options: (end) => ({ driver: 'memory', name: `contract-${end}` }),
    badAddresses: ['', 'memory:', 'contract-a', '02:00:00:00:00:01', '198.18.0.1:34997'],
  },
  severalMemories('failover'),
  severalMemories('stripe'),
  {
    name: 'packet',
    wire: 'ethernet',
    testbedMtu: 1500,
    options: (end, link) => ({ driver: 'packet', ...place(end, link) }),
    badAddresses: BAD_ETHERNET,
  },
  {
    name: 'packet, jumbo frames',
    wire: 'ethernet',
    testbedMtu: 9216,
    options: (end, link) => ({ driver: 'packet', ...place(end, link) }),
    badAddresses: BAD_ETHERNET,
  },
  {
    name: 'xdp, native copy',
    wire: 'ethernet',
    testbedMtu: 1500,
    options: (end, link) => ({ driver: 'xdp', ...place(end, link), modes: ['native-copy'] }),
    badAddresses: BAD_ETHERNET,
  },
  {
    name: 'xdp, generic copy',
    wire: 'ethernet',
    testbedMtu: 1500,
    options: (end, link) => ({ driver: 'xdp', ...place(end, link), modes: ['generic-copy'] }),
    badAddresses: BAD_ETHERNET,
  },
  {
    name: 'xdp, jumbo frames',
    wire: 'ethernet',
    testbedMtu: 9000,
    options: (end, link) => ({ driver: 'xdp', ...place(end, link), modes: ['native-copy'] }),
    badAddresses: BAD_ETHERNET,
  },
  {
    name: 'xdp, jumbo frames, generic copy',
    wire: 'ethernet',
    testbedMtu: 9000,
    options: (end, link) => ({ driver: 'xdp', ...place(end, link), modes: ['generic-copy'] }),
    badAddresses: BAD_ETHERNET,
  },
  {
    name: 'xdp, the longest frames',
    wire: 'ethernet',
    testbedMtu: 65535,
    options: (end, link) => ({ driver: 'xdp', ...place(end, link), modes: ['native-copy'] }),
    badAddresses: BAD_ETHERNET,
  },
  {
    name: 'udp4, loopback',
    wire: 'udp',
    options: (end) => loopback(end, '127.0.0.1'),
    badAddresses: [...BAD_UDP, '[fd00::1]:34997'],
    losesJoined: true,
  },
  {
    name: 'udp4, loopback, without offload',
    wire: 'udp',
    options: (end) => ({ ...loopback(end, '127.0.0.1'), offload: false }),
    badAddresses: BAD_UDP,
  },
  {
    name: 'udp6, loopback',
    wire: 'udp',
    options: (end) => loopback(end, '::1'),
    badAddresses: [...BAD_UDP, '198.18.0.1:34997'],
    losesJoined: true,
  },
  {
    name: 'udp4, two namespaces',
    wire: 'udp',
    testbedMtu: 1500,
    options: (end, link) => udpOver(end, link, 'ipv4'),
    badAddresses: BAD_UDP,
    losesJoined: true,
  },
  {
    name: 'udp4, two namespaces, without offload',
    wire: 'udp',
    testbedMtu: 1500,
    options: (end, link) => ({ ...udpOver(end, link, 'ipv4'), offload: false }),
    badAddresses: BAD_UDP,
  },
  {
    name: 'udp6, two namespaces, jumbo frames',
    wire: 'udp',
    testbedMtu: 9000,
    options: (end, link) => udpOver(end, link, 'ipv6'),
    badAddresses: BAD_UDP,
    losesJoined: true,
  },
];
