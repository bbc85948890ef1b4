import { EmpError, NicError } from '../errors.js';
import { namespaceError } from './namespace.js';
import type { LinkFacts, SystemCallError } from './native.js';
import { isSystemCallError } from './native.js';

interface Place {
  readonly interface: string;
  readonly namespace?: string | undefined;
}

const ARPHRD_ETHER = 1;

/** `eth0`, or `eth0 of namespace lab`. */
export function placeName({ interface: name, namespace }: Place): string {
  return namespace === undefined ? name : `${name} of namespace ${namespace}`;
}

/** An Ethernet driver needs an Ethernet interface that is switched on. */
export function checkEthernetLink(link: Pick<LinkFacts, 'up' | 'hardwareType'>, place: Place): void {
  if (link.hardwareType !== ARPHRD_ETHER) {
    throw new NicError(
      'ERR_EMP_NO_INTERFACE',
      `${placeName(place)} is not an Ethernet interface (hardware type ${link.hardwareType}).`,
      { remedy: 'Choose an Ethernet interface (`emp nics` lists them), or use the udp driver.' },
    );
  }
  if (!link.up) throw interfaceDown(place);
}

/** What went wrong while an Ethernet driver was opened, in words; errors that already have them pass. */
export function ethernetOpenError(error: unknown, driver: string, place: Place): unknown {
  if (error instanceof EmpError || !isSystemCallError(error)) return error;
  return (
    namespaceError(error, place.namespace) ??
    (error.syscall === 'bind' && error.code === 'ENETDOWN' ? interfaceDown(place, error) : undefined) ??
    byCode(error, driver, place)
  );
}

export function noInterface(place: Place, cause?: unknown): NicError {
  const where = place.namespace === undefined ? '' : ` --namespace ${place.namespace}`;
  return new NicError('ERR_EMP_NO_INTERFACE', `There is no interface ${placeName(place)}.`, {
    cause,
    remedy: `List those there are with \`emp nics${where}\`, and choose one.`,
  });
}

function byCode(error: SystemCallError, driver: string, place: Place): NicError {
  const options = { cause: error };
  switch (error.code) {
    case 'ENODEV':
    case 'ENXIO':
      return noInterface(place, error);
    case 'EPERM':
    case 'EACCES':
      return new NicError('ERR_EMP_PERMISSION', `The ${driver} driver needs CAP_NET_RAW.`, {
        ...options,
        remedy:
          'Run as root, or use the udp driver; `emp doctor` has the commands (install, setcap) that give it to a copy of node.',
      });
    case 'ENOMEM':
    case 'ENOBUFS':
      return new NicError('ERR_EMP_NO_MEMORY', `The kernel has no memory for the rings (${error.message}).`, {
        ...options,
        remedy: 'Ask for fewer frames with txFrames and rxFrames.',
      });
    case 'EAFNOSUPPORT':
    case 'ENOPROTOOPT':
    case 'EPROTONOSUPPORT':
      return new NicError(
        'ERR_EMP_KERNEL_FEATURE',
        `This kernel lacks what the ${driver} driver needs (${error.message}).`,
        {
          ...options,
          remedy: 'Use Linux 5.0 or newer with CONFIG_PACKET, or the udp driver.',
        },
      );
    default:
      return new NicError('ERR_EMP_NIC_FAILED', `${placeName(place)} could not be opened (${error.message}).`, {
        ...options,
        remedy: 'Run `emp doctor` for what this machine can do.',
      });
  }
}

function interfaceDown(place: Place, cause?: unknown): NicError {
  const inside = place.namespace === undefined ? '' : ` -n ${place.namespace}`;
  return new NicError('ERR_EMP_INTERFACE_DOWN', `${placeName(place)} is down.`, {
    remedy: `Switch it on: ip${inside} link set ${place.interface} up.`,
    cause,
  });
}
