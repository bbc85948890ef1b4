import { EmpError, NicError } from '../../errors.js';
import type { RawLinkFacts, SystemCallError } from '../native.js';
import { isSystemCallError } from '../native.js';
import { ethernetOpenError, placeName } from '../openErrors.js';
import type { Layout } from './layout.js';
import { SINGLE_CHUNK_MTU } from './layout.js';

/** What was being opened, for the sentences. */
export interface Subject {
  readonly interface: string;
  readonly namespace: string | undefined;
  readonly queue: number;
  readonly etherType: number;
  readonly link: RawLinkFacts;
  readonly plan: Layout;
}

/** Queues that an AF_XDP socket can be bound to: the kernel's own rule. */
export function queueCount(link: RawLinkFacts): number {
  const { rx, tx, combined } = link.channels ?? { rx: link.rxQueues, tx: link.txQueues, combined: 0 };
  return combined + Math.max(rx, tx);
}

/** What else the addon had to say: libbpf's messages, or whose program is in the way. */
export function detailOf(error: unknown): string {
  return error instanceof Error && 'detail' in error && typeof error.detail === 'string' ? error.detail : '';
}

/** A failed step of opening, in words; errors that already have them pass. */
export function xdpOpenError(error: unknown, subject: Subject): unknown {
  if (error instanceof EmpError || !isSystemCallError(error)) return error;
  return byStep(error, subject) ?? ethernetOpenError(error, 'xdp', subject);
}

function byStep(error: SystemCallError, subject: Subject): NicError | undefined {
  if (error.code === 'EPERM' || error.code === 'EACCES') return noPermission(error, subject);
  switch (error.syscall) {
    case 'socket':
      return error.code === 'EAFNOSUPPORT' ? noAfXdp(error) : undefined;
    case 'mmap':
      return noMemory(error, subject);
    case 'XDP_UMEM_REG':
      return error.code === 'ENOBUFS' ? memlock(error, subject) : undefined;
    case 'bind':
      return bindError(error, subject);
    case 'foreign program':
      return foreignProgram(error, subject);
    case 'other EtherType':
      return otherEtherType(error, subject);
    case 'attach':
      return error.code === 'EBUSY' ? strayProgram(error, subject) : undefined;
    case 'load the XDP program':
      return new NicError('ERR_EMP_KERNEL_FEATURE', `This kernel does not load EMP's XDP program (${said(error)}).`, {
        remedy: 'Use Linux 5.10 or newer with CONFIG_XDP_SOCKETS and CONFIG_BPF_SYSCALL, or the packet driver.',
        cause: error,
      });
    default:
      return undefined;
  }
}

function said(error: SystemCallError): string {
  const detail = detailOf(error);
  return detail === '' ? error.message : `${error.message}: ${detail}`;
}

function noPermission(error: SystemCallError, subject: Subject): NicError | undefined {
  if (error.syscall === 'setns') return undefined;
  if (error.syscall === 'open the attached XDP program') {
    return new NicError(
      'ERR_EMP_PERMISSION',
      `Another process has an XDP program on ${placeName(subject)}, and sharing it needs CAP_SYS_ADMIN.`,
      { remedy: 'Run as root, open all queues in one process, or use the packet driver.', cause: error },
    );
  }
  return new NicError(
    'ERR_EMP_PERMISSION',
    `The xdp driver needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF (${error.message}).`,
    { remedy: 'Run as root, or use the udp driver.', cause: error },
  );
}

function noAfXdp(error: SystemCallError): NicError {
  return new NicError('ERR_EMP_KERNEL_FEATURE', `This kernel has no AF_XDP sockets (${error.message}).`, {
    remedy: 'Use a kernel with CONFIG_XDP_SOCKETS, or the packet driver.',
    cause: error,
  });
}

function noMemory(error: SystemCallError, { plan }: Subject): NicError {
  return new NicError('ERR_EMP_NO_MEMORY', `There is no memory for the frames, ${plan.bytes} bytes.`, {
    remedy: 'Ask for fewer frames with txFrames and rxFrames.',
    cause: error,
  });
}

function memlock(error: SystemCallError, { plan }: Subject): NicError {
  const kibibytes = Math.ceil(plan.registered / 1024);
  return new NicError(
    'ERR_EMP_MEMLOCK',
    `The frames take ${plan.registered} bytes of locked memory, more than this process may have.`,
    {
      remedy: `Raise the limit (ulimit -l ${kibibytes}, or unlimited), or ask for fewer frames (txFrames and rxFrames of the options of the NIC).`,
      cause: error,
    },
  );
}

function bindError(error: SystemCallError, subject: Subject): NicError | undefined {
  const { queue, link, plan } = subject;
  const queues = queueCount(link);
  if (error.code === 'EBUSY') {
    return new NicError(
      'ERR_EMP_QUEUE_BUSY',
      `Queue ${queue} of ${placeName(subject)} is in use by an AF_XDP socket.`,
      {
        remedy: 'Close that one, or choose another queue.',
        cause: error,
      },
    );
  }
  if (error.code !== 'EINVAL') return undefined;
  if (queue >= queues) {
    return new NicError('ERR_EMP_QUEUE_RANGE', `${placeName(subject)} has no queue ${queue}.`, {
      remedy:
        `It has ${queues}, counted from 0 (ethtool -l ${subject.interface}); ` +
        'choose one of them, or give it more with ethtool -L.',
      cause: error,
    });
  }
  if (!plan.jumbo) return undefined;
  return new NicError('ERR_EMP_MTU', `This kernel takes frames of at most ${SINGLE_CHUNK_MTU} bytes through AF_XDP.`, {
    remedy: `Set the option mtu to ${SINGLE_CHUNK_MTU} or less, or use Linux 6.6 or newer, which splits ${plan.mtu} bytes.`,
    cause: error,
  });
}

function foreignProgram(error: SystemCallError, subject: Subject): NicError {
  return new NicError(
    'ERR_EMP_XDP_BUSY',
    `${placeName(subject)} carries the XDP program ${detailOf(error)}, which is not EMP's.`,
    {
      remedy: `Stop what attached it, or detach it (${detachCommand(subject)}), or use the packet driver.`,
      cause: error,
    },
  );
}

/** EMP's program, attached by something that does not hold it by a link (`ip link set ... xdp object`): nobody can share it. */
function strayProgram(error: SystemCallError, subject: Subject): NicError {
  return new NicError('ERR_EMP_XDP_BUSY', `${placeName(subject)} carries an XDP program that cannot be shared.`, {
    remedy: `Detach it: ${detachCommand(subject)}.`,
    cause: error,
  });
}

function detachCommand({ namespace, interface: name }: Subject): string {
  return `ip${namespace === undefined ? '' : ` -n ${namespace}`} link set ${name} xdp off`;
}

function otherEtherType(error: SystemCallError, subject: Subject): NicError {
  const other = `0x${Number(detailOf(error)).toString(16)}`;
  return new NicError(
    'ERR_EMP_XDP_BUSY',
    `EMP's XDP program is on ${placeName(subject)} already, for EtherType ${other}.`,
    {
      remedy: `Open all queues of an interface with the same etherType: ${other}, or 0x${subject.etherType.toString(16)} everywhere.`,
      cause: error,
    },
  );
}
