// What all examples share: the flags that choose a network interface and how to wait (the same as those of the command `emp`), help,
// and how errors are told.
import { isIPv4, isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';

const HOST_FLAGS = {
  driver: { type: 'string', short: 'd', default: 'udp' },
  interface: { type: 'string', short: 'i' },
  namespace: { type: 'string', short: 'n' },
  queue: { type: 'string', short: 'q' },
  require: { type: 'string' },
  local: { type: 'string', short: 'l' },
  wait: { type: 'string', default: 'adaptive' },
  help: { type: 'boolean', short: 'h' },
};

const HOST_HELP = `
  -d, --driver NAME      udp (default, needs no root), packet or xdp
  -i, --interface NAME   network interface, for packet and xdp
  -n, --namespace NAME   network namespace to open it in, as of \`ip netns\` (needs root)
  -q, --queue N          its receive and transmit queue, for xdp (default 0)
  --require MODE         zerocopy or native: fail rather than fall back, for xdp
  -l, --local IP[:PORT]  own address, for udp: 127.0.0.1, 192.0.2.1:34997 or [::1]:34997; port 0 is any that is free
  --wait STRATEGY        how to wait for frames: spin, event or adaptive (default)
  -h, --help`;

/** The flags that each driver has a use for, besides those that all have. */
const DRIVERS = { udp: ['local'], packet: ['interface'], xdp: ['interface', 'queue', 'require'] };
const OWN_FLAGS = [...new Set(Object.values(DRIVERS).flat())];
const WAITS = ['spin', 'event', 'adaptive'];

class UsageError extends Error {}

export function usageError(text) {
  return new UsageError(text);
}

/** Reads the command line; prints help and ends when that is asked for. */
export function commandLine(help, flags = {}) {
  let parsed;
  try {
    parsed = parseArgs({ options: { ...HOST_FLAGS, ...flags }, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error.message);
  }
  if (parsed.values.help) {
    console.log(`${help}${HOST_HELP}`);
    process.exit(0);
  }
  return parsed;
}

/** The whole number that a flag was given. */
export function wholeNumber(values, flag, least, most = Number.MAX_SAFE_INTEGER) {
  const value = /^\d+$/.test(values[flag]) ? Number(values[flag]) : NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${flag} is '${values[flag]}'; expected a whole number from ${least} to ${most}.`);
}

/**
 * The options for `Host.open`. `peer`: who will be connected to. Without one it is a server, and has a UDP port that
 * others know; a client takes one that is free, on the address that leads to its peer.
 */
export function hostOptions(values, peer) {
  const { driver, wait, namespace } = values;
  const own = DRIVERS[driver];
  if (own === undefined) throw new UsageError(`--driver is '${driver}'; expected udp, packet or xdp.`);
  if (!WAITS.includes(wait)) throw new UsageError(`--wait is '${wait}'; expected ${WAITS.join(', ')}.`);
  const useless = OWN_FLAGS.find((flag) => values[flag] !== undefined && !own.includes(flag));
  if (useless !== undefined) throw new UsageError(`The driver ${driver} has no option --${useless}.`);
  const nic = driver === 'udp' ? udpOptions(values, peer) : ethernetOptions(values);
  return { nic: { driver, ...nic, ...(namespace === undefined ? {} : { namespace }) }, wait };
}

function udpOptions({ local }, peer) {
  const server = peer === undefined;
  const port = server ? 34997 : 0;
  if (local === undefined) {
    if (server) return { port };
    return { address: isIPv6(peer) || peer.startsWith('[') ? '::' : '0.0.0.0', port };
  }
  return localAddress(local, port);
}

/** `192.0.2.1`, `192.0.2.1:34997`, `::1`, `[::1]`, `[::1]:34997` */
function localAddress(text, defaultPort) {
  if (isIPv6(text)) return { address: text, port: defaultPort };
  const [, six, four, port = defaultPort] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  if ((isIPv6(six) || isIPv4(four)) && Number(port) <= 65535) return { address: six ?? four, port: Number(port) };
  const forms = '192.0.2.1, 192.0.2.1:34997, ::1 or [::1]:34997';
  throw new UsageError(`--local is '${text}'; expected an IP address, with or without a port: ${forms}.`);
}

function ethernetOptions(values) {
  const { driver, interface: name, queue, require: mode } = values;
  if (name === undefined) throw new UsageError(`--driver ${driver} needs --interface; \`emp nics\` lists them.`);
  return {
    interface: name,
    ...(queue === undefined ? {} : { queue: wholeNumber(values, 'queue', 0, 4095) }),
    ...(mode === undefined ? {} : { require: mode }),
  };
}

/** Runs an example: errors are told in a sentence and an exit code (1 failed, 2 usage), not in a stack trace. */
export async function run(main) {
  try {
    await main();
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\nTry --help.`);
      process.exitCode = 2;
      return;
    }
    const known = error.code !== undefined && !error.message.startsWith(error.code);
    console.error(known ? `${error.code}: ${error.message}` : error.message);
    process.exitCode = 1;
  }
}

/** Calls `stop` at Ctrl-C and when the process is asked to end. */
export function onStop(stop) {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
}
