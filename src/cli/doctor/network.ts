// The network interfaces.
import type { LinkInfo } from '../../nic/links.js';
import { fail, info, ok, warn, type Check, type Finding } from './finding.js';
import type { Machine } from './machine.js';

const USUAL_MTU = 1500;
/** A frame in one page, beside what the kernel keeps there: the limit of native XDP in drivers without rx-sg, by the lowest known (ena). */
const PAGE_MTU = 3498;
/** Kinds of Ethernet interfaces that lead nowhere. */
const NOWHERE = ['dummy', 'ifb'];

export const nics: Check = (machine) => {
  let links: LinkInfo[];
  try {
    links = machine.links();
  } catch (error) {
    return info('NICs', `They cannot be listed: ${error instanceof Error ? error.message : String(error)}`);
  }
  const usable = links.filter(({ type, kind }) => type === 'ethernet' && !NOWHERE.includes(kind ?? ''));
  if (usable.length > 0) return usable.flatMap((link) => nic(link, machine));
  return fail(
    'NICs',
    'There is no Ethernet interface.',
    'The udp driver works on loopback; for the others make a testbed, as root: emp testbed up',
    ['xdp', 'packet'],
  );
};

function nic(link: LinkInfo, machine: Machine): Finding[] {
  const check = `NIC ${link.name}`;
  const facts = `${link.driver ?? 'no driver name'}, MTU ${link.mtu}, ${link.speed ? `${link.speed} Mbit/s` : 'speed unknown'}`;
  if (!link.up) return [info(check, `Down; ${facts}.`, `To use it, as root: ip link set ${link.name} up`)];
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
      `Have one, as root: ethtool -L ${name} ${combined > 0 ? 'combined' : 'rx'} 1; ` +
        `or steer EMP to it, if the NIC can: ethtool -N ${name} flow-type ether proto 0x88b5 action 0`,
    ),
  ];
}

const DETACH = { native: 'xdp', generic: 'xdpgeneric', offload: 'xdpoffload' } as const;

function attached({ name, xdp }: LinkInfo): Finding[] {
  return xdp.attached.map(({ mode, programId }) =>
    warn(
      `NIC ${name} XDP program`,
      `Program ${programId} is attached (${mode}); a second one cannot be. EMP's own, emp_xdp, is shared.`,
      `See whose it is: bpftool prog show id ${programId}; if nobody's, as root: ip link set ${name} ${DETACH[mode]} off`,
    ),
  );
}

function mtu({ name, mtu: bytes, xdp: { features } }: LinkInfo): Finding[] {
  const check = `NIC ${name} MTU`;
  if (bytes < USUAL_MTU) {
    return [
      info(
        check,
        `${bytes} bytes: long messages take more frames. Clouds and tunnels carry no more; leave it there.`,
        `On a network of your own, as root, on all its machines: ip link set ${name} mtu ${USUAL_MTU}`,
      ),
    ];
  }
  // Who has no native XDP loses none; who has rx-sg takes frames in pieces.
  if (bytes <= PAGE_MTU || features?.includes('basic') === false || features?.includes('rx-sg') === true) return [];
  return [
    warn(
      check,
      `${bytes} bytes: ${features === undefined ? 'many drivers refuse' : 'this driver may refuse'} native XDP for frames ` +
        `longer than a page, and --driver xdp falls back to generic-copy.`,
      `If it does, as root, at both ends: ip link set ${name} mtu ${PAGE_MTU}`,
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
      `For latency: echo 0 | sudo tee /sys/class/net/${name}/gro_flush_timeout`,
    ),
  ];
}
