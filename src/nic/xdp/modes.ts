/** How frames can reach the process, best first, and how each is asked for. */
import { ArgumentError, NicError } from '../../errors.js';
import type { XdpOptions } from '../contract.js';
import type { RawLinkFacts } from '../native.js';
import { isSystemCallError } from '../native.js';
import { placeName } from '../openErrors.js';
import type { XdpSocket } from './addon.js';
import { xdpProgram } from './addon.js';
import type { Subject } from './errors.js';
import { detailOf } from './errors.js';

/** native: the driver hands frames over before it makes packets of them; generic: the kernel does, after. */
export type XdpMode = 'native-zerocopy' | 'native-copy' | 'generic-copy';
export const XDP_MODES: readonly XdpMode[] = ['native-zerocopy', 'native-copy', 'generic-copy'];

// linux/if_xdp.h; XDP_USE_SG: Linux 6.6
const XDP_COPY = 1 << 1;
const XDP_ZEROCOPY = 1 << 2;
const XDP_USE_NEED_WAKEUP = 1 << 3;
const XDP_USE_SG = 1 << 4;

// linux/netdev.h
const NETDEV_XDP_ACT_XSK_ZEROCOPY = 1 << 3;

/** Failures that speak of a mode and not of everything else: the next mode is worth a try. */
const BIND_FALLBACK = new Set(['EOPNOTSUPP', 'EINVAL', 'ENODEV', 'ENOMEM']);
const ATTACH_FALLBACK = new Set(['EOPNOTSUPP', 'EINVAL', 'ERANGE', 'ENOSPC', 'ENOTCONN', 'EIO', 'ENOMEM']);

/** The modes to try: those asked for, without those that `require` forbids. */
export function modesFor(options: Pick<XdpOptions, 'modes' | 'require'>): readonly XdpMode[] {
  const { require } = options;
  if (require !== undefined && require !== 'zerocopy' && require !== 'native') {
    throw new ArgumentError(`require is ${String(require)}; expected 'zerocopy' or 'native'.`);
  }
  const modes: unknown = options.modes ?? XDP_MODES;
  if (!isModeList(modes)) {
    throw new ArgumentError(`modes is ${String(modes)}; expected a list of ${XDP_MODES.join(', ')}.`);
  }
  return modes.filter((mode) => {
    if (require === 'zerocopy') return mode === 'native-zerocopy';
    return require === undefined || mode !== 'generic-copy';
  });
}

function isModeList(value: unknown): value is readonly XdpMode[] {
  return Array.isArray(value) && value.length > 0 && value.every((mode) => XDP_MODES.includes(mode as XdpMode));
}

/** Why this mode cannot work here, if that is known before it is tried. */
export function knownObstacle(mode: XdpMode, link: RawLinkFacts): string | undefined {
  const { xdpFeatures, driver } = link;
  if (mode !== 'native-zerocopy' || xdpFeatures === undefined || (xdpFeatures & NETDEV_XDP_ACT_XSK_ZEROCOPY) !== 0) {
    return undefined;
  }
  return `the network driver ${driver} has no zero-copy`;
}

/** Binds and attaches in one mode. */
export function enterMode(socket: XdpSocket, mode: XdpMode, needWakeup: boolean, subject: Subject): void {
  const copy = mode === 'native-zerocopy' ? XDP_ZEROCOPY : XDP_COPY;
  socket.bind(copy | (needWakeup ? XDP_USE_NEED_WAKEUP : 0) | (subject.plan.jumbo ? XDP_USE_SG : 0));
  socket.attach(xdpProgram(), subject.etherType, mode === 'generic-copy');
}

/** The kernel's reason, if this failure only rules out the mode; undefined if no other mode would do better. */
export function modeFailure(error: unknown, mode: XdpMode, subject: Subject): string | undefined {
  if (!isSystemCallError(error)) return undefined;
  const { syscall, code, message } = error;
  if (syscall === 'bind' && mode === 'native-zerocopy' && BIND_FALLBACK.has(code)) return `${message}`;
  if (syscall === 'other mode') return `EMP's program is on the interface already, in ${detailOf(error)} mode`;
  if (syscall !== 'attach' || !ATTACH_FALLBACK.has(code)) return undefined;
  const hint = vethHint(code, subject.link);
  return `${message}${hint}`;
}

/** What veth means by its errors (its own words do not reach a program). */
function vethHint(code: string, { kind }: RawLinkFacts): string {
  if (kind !== 'veth') return '';
  if (code === 'ENOTCONN') return ' (its peer is gone)';
  if (code === 'ENOSPC') return ' (its peer has more transmit queues than it has receive queues)';
  if (code === 'ERANGE') return " (the peer's MTU is too large for this kernel)";
  return '';
}

/** No mode was to be had. */
export function noModeError(tried: readonly string[], subject: Subject, options: XdpOptions): NicError {
  const wanted = options.require === undefined ? 'AF_XDP' : `AF_XDP with require: '${options.require}'`;
  const remedy =
    options.require === undefined && options.modes === undefined
      ? 'Use the packet driver.'
      : 'Allow another mode, or use the packet driver.';
  const reasons = tried.length === 0 ? 'the options rule out every mode' : tried.join('; ');
  return new NicError('ERR_EMP_XDP_MODE', `${placeName(subject)} cannot do ${wanted}: ${reasons}.`, { remedy });
}
