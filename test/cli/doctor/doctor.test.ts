import { describe, expect, it } from 'vitest';

import { describe as text, examine } from '../../../src/cli/doctor.js';
import type { Machine } from '../../../src/cli/doctor/machine.js';
import type { LinkInfo } from '../../../src/nic/links.js';

interface Made extends Partial<Machine> {
  files?: Record<string, string>;
}

const CPU = '/sys/devices/system/cpu';

/** A machine on which all is well, save for what a test changes. An empty text stands for a file that is not there. */
function machine({ files = {}, ...rest }: Made = {}): Machine {
  const all: Record<string, string> = {
    '/proc/sys/kernel/osrelease': '6.12.1-generic',
    '/proc/net/protocols': 'protocol  size\nXDP  1\nPACKET  1\nUDP  1',
    '/proc/sys/kernel/unprivileged_bpf_disabled': '2',
    '/proc/sys/net/core/bpf_jit_enable': '1',
    '/proc/self/status': 'Name:\tnode\nCapEff:\t000001ffffffffff\n',
    '/proc/self/limits': 'Limit  Soft  Hard\nMax locked memory         8388608              8388608              bytes',
    '/proc/meminfo': 'HugePages_Total:      64\nHugePages_Free:       64\nHugepagesize:       2048 kB',
    '/proc/sys/net/core/rmem_max': '8388608',
    '/proc/sys/net/core/wmem_max': '8388608',
    '/proc/cpuinfo': 'flags\t\t: fpu tsc',
    [`${CPU}/cpu0/cpufreq/scaling_governor`]: 'performance',
    [`${CPU}/cpu0/cpuidle/state0/name`]: 'C1',
    [`${CPU}/cpu0/cpuidle/state0/latency`]: '2',
    [`${CPU}/cpu1/online`]: '1',
    [`${CPU}/isolated`]: '1',
    [`${CPU}/smt/active`]: '0',
    '/sys/devices/system/clocksource/clocksource0/current_clocksource': 'tsc',
    ...files,
  };
  return {
    read: (path) => all[path] || undefined,
    list: (path) => [
      ...new Set(
        Object.keys(all)
          .filter((file) => file.startsWith(`${path}/`))
          .map((file) => file.slice(path.length + 1).split('/')[0]),
      ),
    ],
    hasCommand: () => true,
    addonError: () => undefined,
    links: () => [link({})],
    wakeupLimit: () => undefined,
    staleTestbeds: () => [],
    nodeVersion: '20.20.2',
    node: '/usr/bin/node',
    script: '/opt/emp/emp.js',
    ...rest,
  };
}

function link(changes: Partial<LinkInfo>): LinkInfo {
  return {
    index: 2,
    name: 'eth0',
    type: 'ethernet',
    kind: undefined,
    address: '02:00:00:00:00:01',
    mtu: 1500,
    up: true,
    carrier: true,
    driver: 'ice',
    queues: { rx: 1, tx: 1, combined: 1 },
    speed: 100000,
    addresses: [],
    xdp: { attached: [], features: ['basic', 'zerocopy'], zerocopySegments: 1 },
    ...changes,
  };
}

const usable = (made: Machine): string[] =>
  examine(made)
    .drivers.filter((one) => one.usable)
    .map(({ driver }) => driver);

describe('a machine on which all is well', () => {
  it('has nothing but ok, and all drivers', () => {
    const { findings } = examine(machine());
    expect(findings.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(usable(machine())).toEqual(['xdp', 'packet', 'udp', 'memory']);
  });
});

describe('what takes drivers away', () => {
  it.each<[string, Made, string, string[]]>([
    [
      'no privileges',
      { files: { '/proc/self/status': 'CapEff:\t0000000000000000' } },
      'xdp privilege',
      ['udp', 'memory'],
    ],
    [
      'CAP_NET_RAW alone',
      { files: { '/proc/self/status': 'CapEff:\t0000000000002000' } },
      'xdp privilege',
      ['packet', 'udp', 'memory'],
    ],
    ['an old kernel', { files: { '/proc/sys/kernel/osrelease': '4.19.0' } }, 'kernel', ['packet', 'udp', 'memory']],
    ['no AF_XDP', { files: { '/proc/net/protocols': 'PACKET 1' } }, 'AF_XDP', ['packet', 'udp', 'memory']],
    ['no BPF', { files: { '/proc/sys/kernel/unprivileged_bpf_disabled': '' } }, 'BPF', ['packet', 'udp', 'memory']],
    ['no addon', { addonError: () => 'not found' }, 'addon emp_core', ['memory']],
    [
      'no libbpf',
      {
        addonError: (name) =>
          name === 'emp_xdp' ? 'libbpf.so.1: cannot open shared object file: No such file or directory' : undefined,
      },
      'addon emp_xdp',
      ['packet', 'udp', 'memory'],
    ],
    ['no Ethernet', { links: () => [link({ type: 'loopback' })] }, 'NICs', ['udp', 'memory']],
    ['an old Node', { nodeVersion: '18.20.0' }, 'Node', []],
    ['a Node 20 that is too old', { nodeVersion: '20.18.3' }, 'Node', []],
    ['interfaces that lead nowhere', { links: () => [link({ kind: 'ifb' })] }, 'NICs', ['udp', 'memory']],
  ])('%s', (_name, made, check, drivers) => {
    const finding = examine(machine(made)).findings.find((one) => one.check === check);
    expect(finding).toMatchObject({ status: 'fail', remedy: expect.stringMatching(/\S/) });
    expect(usable(machine(made))).toEqual(drivers);
  });

  it('CAP_SYS_ADMIN stands for CAP_BPF', () => {
    expect(usable(machine({ files: { '/proc/self/status': 'CapEff:\t0000000000203000' } }))).toContain('xdp');
  });
});

describe('what makes them worse', () => {
  const noIpcLock = { '/proc/self/status': 'CapEff:\t000001ffffffbfff' };
  it.each<[string, Made, string, string, RegExp]>([
    ['little memlock', { files: noIpcLock }, 'memlock', 'warn', /8192 KiB/],
    ['no huge pages', { files: { '/proc/meminfo': 'HugePages_Total:  0' } }, 'huge pages', 'info', /None/],
    [
      'a saving governor',
      { files: { [`${CPU}/cpu0/cpufreq/scaling_governor`]: 'powersave' } },
      'CPU frequency',
      'warn',
      /powersave/,
    ],
    [
      'deep sleep',
      { files: { [`${CPU}/cpu0/cpuidle/state3/name`]: 'C6', [`${CPU}/cpu0/cpuidle/state3/latency`]: '133' } },
      'C-states',
      'warn',
      /C6, 133 us/,
    ],
    [
      'a slow clock',
      { files: { '/sys/devices/system/clocksource/clocksource0/current_clocksource': 'hpet' } },
      'clock source',
      'warn',
      /hpet/,
    ],
    [
      'a virtual machine',
      { files: { '/proc/cpuinfo': 'flags\t: fpu hypervisor' } },
      'virtualisation',
      'info',
      /virtual/,
    ],
    ['SMT', { files: { [`${CPU}/smt/active`]: '1' } }, 'SMT', 'info', /share/],
    [
      'one core',
      { files: { [`${CPU}/cpu1/online`]: '' }, list: (path) => (path === CPU ? ['cpu0'] : []) },
      'cores',
      'warn',
      /One core/,
    ],
    ['no JIT', { files: { '/proc/sys/net/core/bpf_jit_enable': '0' } }, 'BPF', 'warn', /interpreted/],
    ['no ip', { hasCommand: (name) => name !== 'ip' }, 'iproute2', 'warn', /missing/],
    ['stale testbeds', { staleTestbeds: () => ['emp7'] }, 'testbeds', 'info', /emp7/],
    [
      'many queues',
      { links: () => [link({ queues: { rx: 0, tx: 0, combined: 8 } })] },
      'NIC eth0 queues',
      'info',
      /8 receive queues/,
    ],
    [
      'another XDP program',
      {
        links: () => [
          link({
            xdp: { attached: [{ mode: 'native', programId: 42 }], features: ['basic'], zerocopySegments: undefined },
          }),
        ],
      },
      'NIC eth0 XDP program',
      'warn',
      /Program 42/,
    ],
    [
      'generic XDP only',
      { links: () => [link({ xdp: { attached: [], features: [], zerocopySegments: undefined } })] },
      'NIC eth0 XDP',
      'warn',
      /generic/,
    ],
    [
      'a kernel that cannot tell',
      { links: () => [link({ xdp: { attached: [], features: undefined, zerocopySegments: undefined } })] },
      'NIC eth0 XDP',
      'info',
      /does not tell/,
    ],
    ['a small MTU, as in clouds', { links: () => [link({ mtu: 1460 })] }, 'NIC eth0 MTU', 'info', /1460.*leave it/],
    [
      'frames longer than a page, and a driver that takes none in pieces',
      { links: () => [link({ mtu: 9001, driver: 'ena' })] },
      'NIC eth0 MTU',
      'warn',
      /9001.*may refuse native XDP/,
    ],
    [
      'the same, where the kernel does not tell what the driver takes',
      {
        links: () => [link({ mtu: 3499, xdp: { attached: [], features: undefined, zerocopySegments: undefined } })],
      },
      'NIC eth0 MTU',
      'warn',
      /3499.*many drivers refuse native XDP/,
    ],
    ['a NIC that is down', { links: () => [link({ up: false })] }, 'NIC eth0', 'info', /Down/],
    ['no cable', { links: () => [link({ carrier: false })] }, 'NIC eth0', 'info', /No carrier/],
    [
      'a GRO timeout',
      { files: { '/sys/class/net/eth0/gro_flush_timeout': '20000' } },
      'NIC eth0 GRO timeout',
      'info',
      /20 us/,
    ],
  ])('%s', (_name, made, check, status, message) => {
    const verdict = examine(machine(made));
    expect(verdict.findings.find((one) => one.check === check)).toMatchObject({
      status,
      message: expect.stringMatching(message),
    });
    expect(verdict.drivers.every((one) => one.usable)).toBe(true);
  });

  it.each([
    ['212992', 'warn'],
    ['4194304', 'info'],
    ['8388608', 'ok'],
  ])('socket buffers of %s bytes: %s, without the privilege to have more', (bytes, status) => {
    const noNetAdmin = { '/proc/self/status': 'CapEff:\t000001ffffffefff' };
    const made = machine({ files: { ...noNetAdmin, '/proc/sys/net/core/rmem_max': bytes } });
    const found = examine(made).findings.find(({ check }) => check === 'socket buffers');
    expect(found?.status).toBe(status);
    if (status !== 'ok') expect(found?.remedy).toBe('As root: sysctl net.core.rmem_max=8388608');
    const privileged = machine({ files: { '/proc/sys/net/core/rmem_max': bytes } });
    expect(examine(privileged).findings.find(({ check }) => check === 'socket buffers')?.status).toBe('ok');
  });

  it('a limit on wake-up times keeps deep states from being used', () => {
    const files = { [`${CPU}/cpu0/cpuidle/state3/latency`]: '133' };
    const found = examine(machine({ files, wakeupLimit: () => 5 })).findings.find(({ check }) => check === 'C-states');
    expect(found?.status).toBe('ok');
  });
});

describe('an MTU that is right as it is', () => {
  const rxSg = { attached: [], features: ['basic', 'rx-sg'] as const, zerocopySegments: undefined };
  const generic = { attached: [], features: [], zerocopySegments: undefined };
  it.each<[string, Partial<LinkInfo>]>([
    ['the usual one', { mtu: 1500 }],
    ['the longest in a page', { mtu: 3498 }],
    ['a long one, of a driver that takes frames in pieces', { mtu: 9001, xdp: rxSg }],
    ['a long one, of a driver without native XDP', { mtu: 9001, xdp: generic }],
  ])('%s', (_name, changes) => {
    const { findings } = examine(machine({ links: () => [link(changes)] }));
    expect(findings.find(({ check }) => check === 'NIC eth0 MTU')).toBeUndefined();
  });
});

describe('a remedy that is a command can be run as it stands', () => {
  const remedyOf = (made: Made, check: string): string =>
    examine(machine(made)).findings.find((one) => one.check === check)?.remedy ?? '';
  const unprivileged = { '/proc/self/status': 'CapEff:\t0000000000000000' };

  it('capabilities go to a copy of node, never to node itself', () => {
    const remedy = remedyOf({ files: unprivileged, node: '/opt/my node/bin/node' }, 'xdp privilege');
    expect(remedy).toBe(
      "Run as root, or with a copy of node that may: install -m 700 '/opt/my node/bin/node' node-emp && " +
        'sudo setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep node-emp && ./node-emp /opt/emp/emp.js doctor',
    );
    expect(remedyOf({ files: unprivileged }, 'packet privilege')).toMatch(
      /install -m 700 \/usr\/bin\/node node-emp && sudo setcap cap_net_raw\+ep node-emp && /,
    );
  });

  it.each<[string, Made, string, RegExp]>([
    ['huge pages', { files: { '/proc/meminfo': 'HugePages_Total: 0\nHugepagesize: 2048 kB' } }, 'huge pages', /=32$/],
    [
      'one queue',
      { links: () => [link({ queues: { rx: 4, tx: 4, combined: 4 } })] },
      'NIC eth0 queues',
      /-L eth0 combined 1;/,
    ],
    [
      'one receive queue',
      { links: () => [link({ queues: { rx: 4, tx: 4, combined: 0 } })] },
      'NIC eth0 queues',
      /-L eth0 rx 1;/,
    ],
    [
      'the mode of the program that is to go',
      {
        links: () => [
          link({
            xdp: { attached: [{ mode: 'generic', programId: 7 }], features: ['basic'], zerocopySegments: undefined },
          }),
        ],
      },
      'NIC eth0 XDP program',
      /ip link set eth0 xdpgeneric off$/,
    ],
    [
      'cores by number',
      { files: { [`${CPU}/isolated`]: '', [`${CPU}/cpu2/online`]: '1', [`${CPU}/cpu3/online`]: '1' } },
      'isolated cores',
      /isolcpus=2,3$/,
    ],
    ['no cores where there are two', { files: { [`${CPU}/isolated`]: '' } }, 'isolated cores', /^$/],
    ['an MTU that fits', { links: () => [link({ mtu: 9001 })] }, 'NIC eth0 MTU', /ip link set eth0 mtu 3498$/],
    ['packages', { hasCommand: () => false }, 'iproute2', /apt install iproute2$/],
  ])('%s', (_name, made, check, remedy) => {
    expect(remedyOf(made, check)).toMatch(remedy);
  });
});

it('a machine about which nothing can be read is examined all the same', () => {
  const nothing = machine({ read: () => undefined, list: () => [] });
  expect(examine(nothing).drivers).toHaveLength(4);
});

it('every fail and warn has a remedy, and the text shows it', () => {
  const bad = machine({
    files: { '/proc/self/status': 'CapEff:\t0' },
    addonError: () => 'gone',
    hasCommand: () => false,
  });
  const verdict = examine(bad);
  for (const { status, remedy } of verdict.findings) {
    if (status === 'fail' || status === 'warn') expect(text(verdict)).toContain(`-> ${remedy}`);
  }
  expect(text(verdict)).toMatch(/^no {4}xdp/m);
});
