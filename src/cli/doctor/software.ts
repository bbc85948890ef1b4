// The kernel, what this process may do, and what is installed.
import { fail, info, ok, warn, type Check } from './finding.js';
import type { Machine } from './machine.js';

/** XDP programs held by a link, which the kernel drops with the process: Linux 5.9; 5.10 is the first long-term kernel with it. */
const NEEDED: Version = [5, 10];
const MULTI_BUFFER: Version = [6, 6];
const NODE: Version = [20, 19];
type Version = readonly [number, number];

export const kernel: Check = (machine) => {
  const release = machine.read('/proc/sys/kernel/osrelease') ?? 'unknown';
  const version = parseVersion(release);
  if (version === undefined) return info('kernel', `Linux of unknown version (${release}).`);
  if (isBefore(version, NEEDED)) {
    return fail('kernel', `Linux ${release} is too old for AF_XDP as EMP uses it.`, 'Upgrade to Linux 5.10 or later.', [
      'xdp',
    ]);
  }
  const jumbo = isBefore(version, MULTI_BUFFER) ? '; frames over several buffers (jumbo) need Linux 6.6' : '';
  return ok('kernel', `Linux ${release}${jumbo}.`);
};

function parseVersion(release: string): Version | undefined {
  const match = /^(\d+)\.(\d+)/.exec(release);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}

function isBefore(a: Version, b: Version): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

/** The kernel lists its socket types by the names of their protocols. */
export const sockets: Check = (machine) => {
  const protocols = machine.read('/proc/net/protocols');
  if (protocols === undefined) return info('sockets', 'The kernel does not list its protocols.');
  const names = protocols.split('\n').map((line) => line.split(' ')[0]);
  const xdp = names.includes('XDP')
    ? ok('AF_XDP', 'The kernel has AF_XDP sockets.')
    : fail('AF_XDP', 'The kernel has no AF_XDP sockets.', 'Use a kernel with CONFIG_XDP_SOCKETS=y.', ['xdp']);
  const packet = names.includes('PACKET')
    ? ok('AF_PACKET', 'The kernel has AF_PACKET sockets.')
    : info(
        'AF_PACKET',
        'The kernel has no AF_PACKET sockets yet; it may load them on demand.',
        'If not: modprobe af_packet',
      );
  return [xdp, packet];
};

export const bpf: Check = (machine) => {
  if (machine.read('/proc/sys/kernel/unprivileged_bpf_disabled') === undefined) {
    return fail('BPF', 'The kernel has no bpf system call.', 'Use a kernel with CONFIG_BPF_SYSCALL=y.', ['xdp']);
  }
  const jit = machine.read('/proc/sys/net/core/bpf_jit_enable');
  if (jit === '0') return warn('BPF', 'BPF programs are interpreted.', 'As root: sysctl net.core.bpf_jit_enable=1');
  return ok('BPF', 'The kernel runs BPF programs.');
};

export const udpOffload: Check = (machine) => {
  const version = parseVersion(machine.read('/proc/sys/kernel/osrelease') ?? '');
  if (version !== undefined && isBefore(version, [5, 0])) {
    return warn('UDP offload', 'The kernel lacks UDP_GRO.', 'Upgrade to Linux 5.0 or later for faster UDP.');
  }
  return ok('UDP offload', 'The kernel has UDP_SEGMENT and UDP_GRO.');
};

// linux/capability.h
const CAPABILITY = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_IPC_LOCK: 14, CAP_SYS_ADMIN: 21, CAP_BPF: 39 } as const;
type CapabilityName = keyof typeof CAPABILITY;

export function capabilitiesOf(status: string | undefined): Set<CapabilityName> {
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1] ?? '0'}`);
  const names = Object.keys(CAPABILITY) as CapabilityName[];
  return new Set(names.filter((name) => ((bits >> BigInt(CAPABILITY[name])) & 1n) === 1n));
}

/** A copy of node for this user alone: whoever can run node itself would have its capabilities, and an upgrade takes them away. */
function privileged({ node, script }: Machine, needed: string): string {
  const command = `install -m 700 ${quoted(node)} node-emp && sudo setcap ${needed}+ep node-emp`;
  return `Run as root, or with a copy of node that may: ${command} && ./node-emp ${quoted(script)} doctor`;
}

function quoted(path: string): string {
  return /^[\w/.+@-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

export const capabilities: Check = (machine) => {
  const held = capabilitiesOf(machine.read('/proc/self/status'));
  const has = (name: CapabilityName): boolean => held.has(name) || (name === 'CAP_BPF' && held.has('CAP_SYS_ADMIN'));
  const remedy = (needed: string): string => privileged(machine, needed);
  const xdp = (['CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_BPF'] as const).filter((name) => !has(name));
  return [
    held.has('CAP_NET_RAW')
      ? ok('packet privilege', 'AF_PACKET sockets may be opened.')
      : fail('packet privilege', 'AF_PACKET needs CAP_NET_RAW.', remedy('cap_net_raw'), ['packet']),
    xdp.length === 0
      ? ok('xdp privilege', 'AF_XDP sockets may be opened, and XDP programs attached.')
      : fail(
          'xdp privilege',
          `AF_XDP needs ${xdp.join(', ')}.`,
          remedy('cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock'),
          ['xdp'],
        ),
    held.has('CAP_SYS_ADMIN') && held.has('CAP_NET_ADMIN')
      ? ok('namespaces', 'Network namespaces may be made and entered (emp testbed).')
      : info('namespaces', 'Testbeds and --namespace need CAP_SYS_ADMIN and CAP_NET_ADMIN.', 'Run as root.'),
  ];
};

export const commands: Check = (machine) => [
  machine.hasCommand('ip')
    ? ok('iproute2', 'The command ip is there.')
    : warn('iproute2', 'The command ip, which emp testbed needs, is missing.', 'As root: apt install iproute2'),
  machine.hasCommand('tshark') || machine.hasCommand('wireshark')
    ? ok('Wireshark', 'Captures can be read here.')
    : info(
        'Wireshark',
        'Neither wireshark nor tshark is here to read captures (optional).',
        'As root: apt install tshark',
      ),
];

export const addons: Check = (machine) => {
  const core = machine.addonError('emp_core');
  const xdp = machine.addonError('emp_xdp');
  return [
    core === undefined
      ? ok('addon emp_core', 'It loads.')
      : fail('addon emp_core', core, 'Build it: npm run build', ['xdp', 'packet', 'udp']),
    xdp === undefined ? ok('addon emp_xdp', 'It loads, and libbpf with it.') : xdpAddon(xdp),
  ];
};

function xdpAddon(error: string) {
  const needsLibrary = /libbpf\.so/.test(error);
  const remedy = needsLibrary ? 'As root: apt install libbpf1' : 'As root: apt install libbpf-dev; then: npm run build';
  return fail('addon emp_xdp', error, remedy, ['xdp']);
}

export const node: Check = ({ nodeVersion }) => {
  const version = parseVersion(nodeVersion);
  if (version === undefined || !isBefore(version, NODE)) return ok('Node', `Node ${nodeVersion}.`);
  const remedy = `Use Node ${NODE.join('.')} or later.`;
  return fail('Node', `Node ${nodeVersion} is too old.`, remedy, ['xdp', 'packet', 'udp', 'memory']);
};

export const testbeds: Check = (machine) => {
  const stale = machine.staleTestbeds();
  if (stale.length === 0) return [];
  return info(
    'testbeds',
    `Killed processes left testbeds behind: ${stale.join(', ')}.`,
    'Remove them, as root: emp testbed down',
  );
};
