import { EmpError, NicError } from '../errors.js';
import { namespaceError } from './namespace.js';
import type { SystemCallError } from './native.js';
import { isSystemCallError } from './native.js';
import { formatUdpAddress } from './udpAddress.js';
import type { UdpEnd } from './udpAddress.js';

/** What went wrong while the udp driver was opened, in words; errors that already have them pass. */
export function udpOpenError(error: unknown, local: UdpEnd, namespace: string | undefined): unknown {
  if (error instanceof EmpError || !isSystemCallError(error)) return error;
  return namespaceError(error, namespace) ?? byCode(error, local, namespace);
}

function byCode(cause: SystemCallError, local: UdpEnd, namespace: string | undefined): NicError {
  const address = formatUdpAddress(local);
  const where = namespace === undefined ? 'this machine' : `namespace ${namespace}`;
  const ip = namespace === undefined ? 'ip' : `ip -n ${namespace}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new NicError('ERR_EMP_ADDRESS_IN_USE', `${address} is in use on ${where}.`, {
        remedy: 'Choose another port (0 lets the kernel choose), or end the program that has it: `ss -ulpn` names it.',
        cause,
      });
    case 'EADDRNOTAVAIL':
    case 'ENODEV':
      return new NicError('ERR_EMP_ADDRESS', `${local.ip} is not an address of ${where}.`, {
        remedy: `Use one that \`${ip} address\` lists.`,
        cause,
      });
    case 'EACCES':
    case 'EPERM':
      return new NicError('ERR_EMP_PERMISSION', `Port ${local.port} may not be used.`, {
        remedy: 'Ports below 1024 need CAP_NET_BIND_SERVICE: choose a higher one.',
        cause,
      });
    case 'EAFNOSUPPORT':
      return new NicError('ERR_EMP_KERNEL_FEATURE', `This kernel does not speak the protocol of ${address}.`, {
        remedy: 'Use an IPv4 address.',
        cause,
      });
    case 'ENOMEM':
      return new NicError('ERR_EMP_NO_MEMORY', `The kernel has no memory for the frames (${cause.message}).`, {
        remedy: 'Ask for fewer frames with txFrames and rxFrames.',
        cause,
      });
    default:
      return new NicError('ERR_EMP_NIC_FAILED', `${address} could not be opened (${cause.message}).`, {
        remedy: 'Run `emp doctor` for what this machine can do.',
        cause,
      });
  }
}
