// libfabric's ping-pong: https://ofiwg.github.io/libfabric/
import { Unreadable, numberIn, type Contest, type Figures, type Peer } from './contract.js';
import { onPath, versionOf } from './find.js';

/** What the udp provider takes, which sends no fragments. */
const MAX_DATAGRAM = 1472;

export const fiPingpong: Peer = {
  name: 'fi_pingpong',
  install: { by: 'apt', packages: ['libfabric-bin'] },
  async find() {
    const program = onPath('fi_pingpong');
    if (program === undefined) return undefined;
    const version = await versionOf(['fi_info', '--version'], /libfabric: ([\d.]+)/);
    return { version, contests: [contest(program, 'udp', 'dgram'), contest(program, 'tcp', 'msg')] };
  },
};

function contest(program: string, provider: 'udp' | 'tcp', endpoint: string): Contest {
  const words = [program, '-p', provider, '-e', endpoint];
  return {
    test: 'pingpong',
    transport: `libfabric ${provider}`,
    note: 'C, spins; tells the mean alone; no warm-up',
    refuses: (size) =>
      provider === 'udp' && size > MAX_DATAGRAM
        ? `its messages have at most ${MAX_DATAGRAM} bytes over udp`
        : undefined,
    listens: 'tcp', // the two ends agree over TCP
    server: ({ size, count, port }) => [...words, '-I', `${count}`, '-S', `${size}`, '-B', `${port}`],
    client: ({ size, count, port, server }) => [
      ...words,
      ...['-I', `${count}`, '-S', `${size}`, '-P', `${port}`, server.address],
    ],
    parse: parseFiPingpong,
  };
}

/**
 * A line of: bytes, sent, acknowledged, total, time, MB/s, µs a transfer, millions of transfers a second. A round trip is two transfers. The
 * time of a transfer has two digits, its rate fewer: the time is the better source.
 */
export function parseFiPingpong(output: string): Figures {
  if (!/usec\/xfer/.test(output)) throw new Unreadable('table', output);
  const transfer = numberIn(output, /^\S+ +\S+ +=\S+ +\S+ +\S+ +\S+ +([\d.]+) +[\d.]+\s*$/m, 'time of a transfer');
  return { rtt_us: { mean: 2 * transfer } };
}
