import { ArgumentError, NicError } from '../errors.js';

/** Checks shared by the drivers. Each says what was wrong, what was expected and what to do. */

const MAX_FRAMES = 1 << 16;

/** Refuses option names that the driver does not know: a misspelt option must not be ignored. */
export function knownOptions(driver: string, options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (name === 'driver' || names.includes(name)) continue;
    throw new ArgumentError(`The ${driver} driver has no option '${name}'.`, {
      remedy: `Its options are: ${names.join(', ')}.`,
    });
  }
}

export function integerOption(name: string, value: unknown, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ArgumentError(`${name} is ${show(value)}; expected a whole number from ${least} to ${most}.`);
}

/** The number of frames of a ring or a pool. */
export function framesOption(name: string, value: unknown, fallback = 4096, least = 16, most = MAX_FRAMES): number {
  const frames = integerOption(name, value, fallback, least, most);
  if ((frames & (frames - 1)) === 0) return frames;
  throw new ArgumentError(`${name} is ${frames}; expected a power of two.`);
}

/** A name the kernel could give to an interface: 1 to 15 bytes without blanks and slashes. */
export function interfaceOption(value: unknown): string {
  if (
    typeof value === 'string' &&
    /^[^\s/:]+$/.test(value) &&
    Buffer.byteLength(value) <= 15 &&
    !/^\.\.?$/.test(value)
  ) {
    return value;
  }
  throw new ArgumentError(`interface is ${show(value)}; expected the name of a network interface.`, {
    remedy: '`ip link` lists those there are.',
  });
}

/** IEEE 802: values below 0x600 are lengths, not types. */
export function etherTypeOption(value: unknown): number {
  return integerOption('etherType', value, 0x88b5, 0x600, 0xffff);
}

/** The smallest frame that is worth a channel, bytes: a header and 64 of payload. */
export const SMALLEST_MTU = 96;

/** The frame size wanted, or all that fits. `limit`: what `source` ("the MTU of eth0") allows. */
export function mtuOption(value: unknown, limit: number, source: string): number {
  if (limit < SMALLEST_MTU) {
    throw new NicError('ERR_EMP_MTU', `Frames of ${SMALLEST_MTU} bytes do not fit: ${source} allows ${limit}.`, {
      remedy: `Raise the limit to ${SMALLEST_MTU} or more, at both ends: no channel works with less.`,
    });
  }
  const mtu = integerOption('mtu', value, limit, SMALLEST_MTU, 65535);
  if (mtu <= limit) return mtu;
  throw new NicError('ERR_EMP_MTU', `Frames of ${mtu} bytes do not fit: ${source} allows ${limit}.`, {
    remedy: `Ask for ${limit} or less, or raise the limit at both ends.`,
  });
}

/** Frames are named by 32-bit offsets, so a NIC's memory ends at 2 GiB. */
export function checkFrameMemory(mtu: number, bytes: number): void {
  if (bytes < 2 ** 31) return;
  throw new ArgumentError(`Frames of ${mtu} bytes in these numbers need ${bytes} bytes; one NIC can have 2 GiB.`, {
    remedy: 'Ask for fewer frames with txFrames and rxFrames, or for a smaller mtu.',
  });
}

/** The smallest power of two that holds `bytes`. */
export function powerOfTwoFor(bytes: number): number {
  return bytes <= 1 ? 1 : 1 << (32 - Math.clz32(bytes - 1));
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
