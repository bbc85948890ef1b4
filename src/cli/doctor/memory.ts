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
    'Raise it, then log in again: echo "$USER - memlock unlimited" | sudo tee /etc/security/limits.d/emp.conf',
  );
};

export const hugePages: Check = (machine) => {
  const meminfo = machine.read('/proc/meminfo') ?? '';
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0);
  const [total, free, kilobytes] = [field('HugePages_Total'), field('HugePages_Free'), field('Hugepagesize')];
  if (total === 0) {
    const enough = Math.ceil(NEEDED / 1024 / (kilobytes || 2048));
    return info(
      'huge pages',
      'None are reserved; EMP uses normal pages.',
      `Fewer TLB misses with some, for one NIC, as root: sysctl vm.nr_hugepages=${enough}`,
    );
  }
  return (free * kilobytes * 1024 >= NEEDED ? ok : info)(
    'huge pages',
    `${free} of ${total} free, ${kilobytes} KiB each.`,
  );
};

/** What the udp driver asks for. Below `LITTLE` it loses frames whenever there are many. */
const SOCKET_BUFFER = 8 * MIB;
const LITTLE = MIB;

export const socketBuffers: Check = (machine) => {
  if (capabilitiesOf(machine.read('/proc/self/status')).has('CAP_NET_ADMIN')) {
    return ok('socket buffers', 'No limit on the buffers of sockets (CAP_NET_ADMIN).');
  }
  const limits = ['rmem_max', 'wmem_max'].map((name) => ({
    name: `net.core.${name}`,
    bytes: Number(machine.read(`/proc/sys/net/core/${name}`) ?? SOCKET_BUFFER),
  }));
  const small = limits.filter(({ bytes }) => bytes < SOCKET_BUFFER);
  if (small.length === 0)
    return ok('socket buffers', 'Sockets may have buffers of 8 MiB, which the udp driver asks for.');
  return (small.some(({ bytes }) => bytes < LITTLE) ? warn : info)(
    'socket buffers',
    `${small.map(({ name, bytes }) => `${name} is ${bytes}`).join(', ')}: the udp driver may lose frames in bursts.`,
    `As root: sysctl ${small.map(({ name }) => `${name}=${SOCKET_BUFFER}`).join(' ')}`,
  );
};
