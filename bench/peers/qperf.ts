// https://github.com/linux-rdma/qperf
import { numberIn, type Contest, type Figures, type Peer } from './contract.js';
import { onPath, versionOf } from './find.js';

const MAX_DATAGRAM = 65507;

export const qperf: Peer = {
  name: 'qperf',
  install: { by: 'apt', packages: ['qperf'] },
  async find() {
    const program = onPath('qperf');
    if (program === undefined) return undefined;
    const asleep = { test: 'pingpong', note: 'C, sockets, blocks; tells the mean alone', sleeps: true } as const;
    const contests: Contest[] = [
      { ...contest(program, 'udp', 'udp_lat'), ...asleep, parse: parseQperfLatency },
      { ...contest(program, 'tcp', 'tcp_lat'), ...asleep, parse: parseQperfLatency },
      {
        ...contest(program, 'tcp', 'tcp_bw'),
        test: 'throughput',
        note: 'C, sockets, blocks',
        parse: parseQperfBandwidth,
      },
    ];
    return { version: await versionOf([program, '--version'], /qperf ([\d.]+)/), contests };
  },
};

function contest(program: string, transport: 'udp' | 'tcp', test: string): Omit<Contest, 'test' | 'note' | 'parse'> {
  return {
    transport,
    refuses(size) {
      if (size === 0) return 'its messages have at least 1 byte';
      return transport === 'udp' && size > MAX_DATAGRAM
        ? `its datagrams have at most ${MAX_DATAGRAM} bytes`
        : undefined;
    },
    listens: 'tcp', // where the two ends agree on a test
    server: ({ port }) => [program, '-lp', `${port}`],
    client: ({ server, port, size, seconds }) => [
      ...[program, server.address, '-lp', `${port}`, '-t', `${seconds}`, '-m', `${size}`],
      ...['-uu', '-ub', '-e', '6', test], // plain units, bits, digits
    ],
  };
}

/** It tells the time of one way, half of a round trip. */
export function parseQperfLatency(output: string): Figures {
  return { rtt_us: { mean: (2 * numberIn(output, /^ +latency += +([\d.]+) ns$/m, 'latency in ns')) / 1000 } };
}

export function parseQperfBandwidth(output: string): Figures {
  return { gbit_per_s: numberIn(output, /^ +bw += +([\d.]+) bits\/sec$/m, 'bandwidth in bits/sec') / 1e9 };
}
