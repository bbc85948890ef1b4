// The network interfaces.
import type { LinkInfo } from '../../nic/links.js';
import { fail, info, ok, warn, type Check, type Finding } from './finding.js';
import type { Machine } from './machine.js';

const USUAL_MTU = 1500;

export const nics: Check = (machine) => {
  let links: LinkInfo[];
  try {
    links = machine.links();
  } catch (error) {
    return info('NICs', `They cannot be listed: ${error instanceof Error ? error.message : String(error)}`);
  }
  const usable = links.filter((link) => link.type === 'ethernet');
  if (usable.length > 0) return usable.flatMap((link) => nic(link, machine));
  return fail(
    'NICs',
    'There is no Ethernet interface.',
    'Try on a testbed: emp testbed up; the udp driver works on loopback.',
    ['xdp', 'packet'],
  );
};

function nic(link: LinkInfo, machine: Machine): Finding[] {
  const check = `NIC ${link.name}`;
  const facts = `${link.driver ?? 'no driver name'}, MTU ${link.mtu}, ${link.speed ? `${link.speed} Mbit/s` : 'speed unknown'}`;
  if (!link.up) return [info(check, `Down; ${facts}.`, `To use it: ip link set ${link.name} up.`)];
  if (!link.carrier) return [info(check, `No carrier; ${facts}.`, 'Plug the cable in, or bring the other end up.')];
  return [
    ok(check, `Up; ${facts}.`),
    xdpMode(link),
    ...queues(link),
    ...attached(link),
    ...mtu(link),
    ...coalescing(link, machine),
  ];
}

function xdpMode({ name, xdp: { features, zerocopySegments } }: LinkInfo): Finding {
  const check = `NIC ${name} XDP`;
  if (features === undefined) return info(check, 'The kernel does not tell what the driver can do (Linux before 6.3).');
  if (features.includes('zerocopy')) {
    const jumbo = (zerocopySegments ?? 1) > 1 ? `, ${zerocopySegments} buffers per frame` : '';
    return ok(check, `Native, with zero-copy${jumbo}.`);
  }
  if (features.includes('basic')) return ok(check, 'Native; the driver has no zero-copy, frames are copied once.');
  return warn(
    check,
    'Only generic XDP: slower, after the kernel has made its own copy.',
    'Use --driver packet, or a NIC whose driver has native XDP.',
  );
}

/** An AF_XDP socket hears one queue; which frames come to it is the NIC's decision. */
function queues({ name, queues: { rx, combined } }: LinkInfo): Finding[] {
  const count = Math.max(rx, combined);
  if (count <= 1) return [];
  return [
    info(
      `NIC ${name} queues`,
      `${count} receive queues: the NIC spreads frames over them, and --driver xdp hears one.`,
      `Use one (ethtool -L ${name} combined 1), or steer EtherType 0x88B5 to it with ethtool -N.`,
    ),
  ];
}

function attached({ name, xdp }: LinkInfo): Finding[] {
  return xdp.attached.map(({ mode, programId }) =>
    warn(
      `NIC ${name} XDP program`,
      `Program ${programId} is attached (${mode}); a second one cannot be.`,
      `See whose it is (bpftool prog show id ${programId}); if nobody's, ip link set ${name} xdp off.`,
    ),
  );
}

function mtu(link: LinkInfo): Finding[] {
  if (link.mtu >= USUAL_MTU) return [];
  return [
    warn(
      `NIC ${link.name} MTU`,
      `Only ${link.mtu} bytes.`,
      `Raise it on all machines: ip link set ${link.name} mtu 1500.`,
    ),
  ];
}

function coalescing({ name }: LinkInfo, machine: Machine): Finding[] {
  const microseconds = Number(machine.read(`/sys/class/net/${name}/gro_flush_timeout`) ?? 0) / 1000;
  if (microseconds === 0) return [];
  return [
    info(
      `NIC ${name} GRO timeout`,
      `Frames may wait ${microseconds} us to be merged.`,
      `For latency: echo 0 > /sys/class/net/${name}/gro_flush_timeout.`,
    ),
  ];
}
