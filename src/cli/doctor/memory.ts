// Memory that the rings need.
import { info, ok, warn, type Check } from './finding.js';
import { capabilitiesOf } from './software.js';

const MIB = 2 ** 20;
/** The rings and frames of one NIC with default options, rounded up. */
const NEEDED = 64 * MIB;

export const memlock: Check = (machine) => {
  if (capabilitiesOf(machine.read('/proc/self/status')).has('CAP_IPC_LOCK')) {
    return ok('memlock', 'No limit on locked memory (CAP_IPC_LOCK).');
  }
  const limit = /^Max locked memory\s+(\S+)/m.exec(machine.read('/proc/self/limits') ?? '')?.[1];
  if (limit === undefined) return info('memlock', 'The limit on locked memory is unknown.');
  if (limit === 'unlimited' || Number(limit) >= NEEDED) return ok('memlock', `Up to ${limit} bytes may be locked.`);
  return warn(
    'memlock',
    `Only ${Math.floor(Number(limit) / 1024)} KiB may be locked; the frames of one AF_XDP socket take up to ${NEEDED / MIB} MiB.`,
    'Raise it: ulimit -l unlimited, or memlock in /etc/security/limits.conf.',
  );
};

export const hugePages: Check = (machine) => {
  const meminfo = machine.read('/proc/meminfo') ?? '';
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0);
  const [total, free, kilobytes] = [field('HugePages_Total'), field('HugePages_Free'), field('Hugepagesize')];
  if (total === 0) {
    return info(
      'huge pages',
      'None are reserved; EMP uses normal pages.',
      'Fewer TLB misses with some: sysctl vm.nr_hugepages=64.',
    );
  }
  return (free * kilobytes * 1024 >= NEEDED ? ok : info)(
    'huge pages',
    `${free} of ${total} free, ${kilobytes} KiB each.`,
  );
};

export const socketBuffers: Check = (machine) => {
  const small = ['rmem_max', 'wmem_max'].filter(
    (name) => Number(machine.read(`/proc/sys/net/core/${name}`) ?? MIB) < MIB,
  );
  if (small.length === 0) return ok('socket buffers', 'Sockets may have buffers of 1 MiB and more.');
  return warn(
    'socket buffers',
    `Small limits (${small.join(', ')}) make the udp driver lose frames in bursts.`,
    `Set ${small.map((name) => `sysctl net.core.${name}=8388608`).join(' and ')}.`,
  );
};
