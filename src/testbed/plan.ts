import { ArgumentError } from '../errors.js';

/** One end of a link. Addresses are fixed, so that a capture or a log line reads at a glance. */
export interface TestbedEnd {
  readonly namespace: string;
  readonly interface: string;
  readonly mac: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

export interface TestbedLink {
  readonly a: TestbedEnd;
  readonly b: TestbedEnd;
}

/** Everything that decides how a testbed looks; what is written down in its record. */
export interface TestbedShape {
  readonly name: string;
  readonly links: number;
  readonly mtu: number;
  readonly queues: number;
  /** Each link goes through a switch, in a third namespace: what is unplugged at one end is not seen at the other. */
  readonly switched: boolean;
}

export const TESTBED_NAMES = "Start it with 'emp', followed by at most 40 letters, digits, '.', '_' or '-'.";

export function isTestbedName(name: string): boolean {
  return /^emp[A-Za-z0-9._-]{0,40}$/.test(name);
}

export function checkShape(shape: TestbedShape): TestbedShape {
  if (!isTestbedName(shape.name)) {
    throw new ArgumentError(`'${shape.name}' is not a name for a testbed.`, { remedy: TESTBED_NAMES });
  }
  checkRange('links', shape.links, 1, 200);
  checkRange('mtu', shape.mtu, 1280, 65535); // IPv6 needs 1280
  checkRange('queues', shape.queues, 1, 64);
  return shape;
}

function checkRange(what: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new ArgumentError(`${what} is ${value}; expected a whole number from ${low} to ${high}.`);
}

export function namespacesOf(name: string): readonly [string, string] {
  return [`${name}-a`, `${name}-b`];
}

/** Those that there may be. */
export function allNamespacesOf(name: string): readonly string[] {
  return [...namespacesOf(name), switchNamespaceOf(name)];
}

/** Where the switches are. */
export function switchNamespaceOf(name: string): string {
  return `${name}-s`;
}

/** The ports of the switch of a link: the one that leads to a, the one that leads to b. */
export function switchPortsOf(link: number): { readonly a: string; readonly b: string } {
  return { a: `emp${link}a`, b: `emp${link}b` };
}

export function linksOf({ name, links }: TestbedShape): TestbedLink[] {
  const [a, b] = namespacesOf(name);
  return Array.from({ length: links }, (_, link) => ({ a: endOf(a, link, 1), b: endOf(b, link, 2) }));
}

function endOf(namespace: string, link: number, host: 1 | 2): TestbedEnd {
  return {
    namespace,
    interface: `emp${link}`,
    mac: `02:e0:00:00:${link.toString(16).padStart(2, '0')}:0${host}`,
    ipv4: `198.18.${link}.${host}`,
    ipv6: link === 0 ? `fd00:198:18::${host}` : `fd00:198:18:${link.toString(16)}::${host}`, // canonical
  };
}

/**
 * Commands of `ip -batch` that make the namespaces and the links between them. The queues of both ends are equal and
 * explicit: native XDP on veth wants as many receive queues as the other end has transmit queues.
 */
export function creation(shape: TestbedShape): string[] {
  const { mtu, queues, switched } = shape;
  const size = `mtu ${mtu} numtxqueues ${queues} numrxqueues ${queues}`;
  const veth = (end: TestbedEnd, name: string, namespace: string, address = ''): string =>
    `link add ${end.interface} address ${end.mac} ${size} netns ${end.namespace} type veth ` +
    `peer name ${name} ${address} ${size} netns ${namespace}`;
  const made = namespacesOf(shape.name).map((namespace) => `netns add ${namespace}`);
  if (!switched) {
    const pairs = linksOf(shape).map(({ a, b }) => veth(a, b.interface, b.namespace, `address ${b.mac}`));
    return [...made, ...pairs];
  }
  const namespace = switchNamespaceOf(shape.name);
  const cables = linksOf(shape).flatMap(({ a, b }, link) => {
    const ports = switchPortsOf(link);
    return [veth(a, ports.a, namespace), veth(b, ports.b, namespace)];
  });
  return [...made, `netns add ${namespace}`, ...cables];
}

/** Commands of `ip -batch`, inside the namespace of the switches, that join the two cables of each link. They say nothing of their own. */
export function switching(shape: TestbedShape): string[] {
  return linksOf(shape).flatMap((_, link) => {
    const { a, b } = switchPortsOf(link);
    const bridge = `empbr${link}`;
    return [
      `link add ${bridge} mtu ${shape.mtu} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      ...[bridge, a, b].map((name) => `link set ${name} multicast off addrgenmode none`),
      ...[a, b].map((name) => `link set ${name} master ${bridge}`),
      ...[bridge, a, b].map((name) => `link set ${name} up`),
    ];
  });
}

/**
 * Commands of `ip -batch`, inside one namespace, that address one side and bring it up. The wire is kept silent, so that
 * counters and latencies show the traffic under test alone: the neighbours are known beforehand (no ARP, no neighbour
 * discovery; `arp off` also keeps IPv6 from joining, and reporting, multicast groups), and there is no link-local
 * address (no router solicitation).
 */
export function configuration(shape: TestbedShape, side: 'a' | 'b'): string[] {
  return ['link set lo up', ...linksOf(shape).flatMap((link) => plugging(link, side))];
}

/** Of one link; also after it was down, when the kernel has forgotten the neighbours and the IPv6 address. */
export function plugging(link: TestbedLink, side: 'a' | 'b'): string[] {
  const mine = link[side];
  const peer = link[side === 'a' ? 'b' : 'a'];
  return [
    `link set ${mine.interface} arp off multicast off addrgenmode none`,
    `link set ${mine.interface} up`,
    `address replace ${mine.ipv4}/24 dev ${mine.interface}`,
    `address replace ${mine.ipv6}/64 dev ${mine.interface} nodad`,
    `neighbour replace ${peer.ipv4} lladdr ${peer.mac} dev ${mine.interface} nud permanent`,
    `neighbour replace ${peer.ipv6} lladdr ${peer.mac} dev ${mine.interface} nud permanent`,
  ];
}

/** Commands that remove the namespaces. The links go first, see `linkRemoval`. */
export function removal(name: string): string[] {
  return allNamespacesOf(name).map((namespace) => `netns delete ${namespace}`);
}

/**
 * Commands, inside namespace a, that delete the links. A namespace lives on, unnamed, while a socket of some process is in
 * it; deleting the links first makes sure that at least no traffic does.
 */
export function linkRemoval(shape: TestbedShape): string[] {
  return linksOf(shape).map(({ a }) => `link delete ${a.interface}`);
}
