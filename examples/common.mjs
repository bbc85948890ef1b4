// What all examples share: the flags that choose a network interface, help, and how errors are told.
import { parseArgs } from 'node:util';

const NIC_FLAGS = {
  driver: { type: 'string', default: 'udp' },
  interface: { type: 'string' },
  namespace: { type: 'string' },
  queue: { type: 'string' },
  local: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
};

const NIC_HELP = `
  --driver NAME      udp (default, needs no root), packet or xdp
  --interface NAME   the network interface, for packet and xdp
  --queue N          its receive queue, for xdp (default 0)
  --namespace NAME   the network namespace to be in (needs root)
  --local ADDRESS    own address, for udp: 127.0.0.1, 127.0.0.1:34997 or [::1]:34997; port 0 is any that is free
  -h, --help`;

class UsageError extends Error {}

export function usageError(text) {
  return new UsageError(text);
}

/** Reads the command line; prints help and ends when that is asked for. */
export function commandLine(help, flags = {}) {
  let parsed;
  try {
    parsed = parseArgs({ options: { ...NIC_FLAGS, ...flags }, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error.message);
  }
  if (parsed.values.help) {
    console.log(`${help}${NIC_HELP}`);
    process.exit(0);
  }
  return parsed;
}

/** The options for `Host.open`. `port`: the UDP port when none is given; 0 is any that is free. */
export function nicOptions({ driver, interface: name, namespace, queue, local }, port = 0) {
  const place = namespace === undefined ? {} : { namespace };
  if (driver === 'udp') {
    const [, address, localPort] = /^(.*?)(?::(\d+))?$/.exec(
      /^[^[]*:.*:/.test(local ?? '') ? `[${local}]` : (local ?? ''),
    );
    const bare = address.replace(/^\[|\]$/g, '');
    return { driver, ...place, ...(bare === '' ? {} : { address: bare }), port: Number(localPort ?? port) };
  }
  if (name === undefined) throw new UsageError(`--driver ${driver} needs --interface; \`emp nics\` lists them.`);
  return { driver, ...place, interface: name, ...(queue === undefined ? {} : { queue: Number(queue) }) };
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
