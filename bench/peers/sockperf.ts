// https://github.com/Mellanox/sockperf
import { numberIn, type Bout, type Contest, type Figures, type Peer, type Words } from './contract.js';
import { onPath, versionOf } from './find.js';

const MIN_SIZE = 14; // its header
const MAX_SIZE = { udp: 65507, tcp: 1048575 };
/** It warms up, and cuts off the end, within its time. */
const MARGIN = 1;

export const sockperf: Peer = {
  name: 'sockperf',
  install: { by: 'apt', packages: ['sockperf'] },
  async find() {
    const program = onPath('sockperf');
    if (program === undefined) return undefined;
    const version = await versionOf([program, '--version'], /version ([\d.]+)/);
    return { version, contests: [pingpong(program, 'udp'), pingpong(program, 'tcp'), throughput(program)] };
  },
};

function refuses(transport: 'udp' | 'tcp'): (size: number) => string | undefined {
  const most = MAX_SIZE[transport];
  return (size) => (size < MIN_SIZE || size > most ? `its messages have ${MIN_SIZE} to ${most} bytes` : undefined);
}

function common({ server, port, size }: Bout, transport: string): Words {
  const tcp = transport === 'tcp' ? ['--tcp'] : [];
  return ['-i', server.address, '-p', `${port}`, '-m', `${size}`, '--nonblocked', ...tcp];
}

function pingpong(program: string, transport: 'udp' | 'tcp'): Contest {
  return {
    test: 'pingpong',
    transport,
    note: 'C, sockets, spins (--nonblocked)',
    refuses: refuses(transport),
    listens: transport,
    server: (bout) => [program, 'server', ...common(bout, transport)],
    client: (bout) => [program, 'ping-pong', ...common(bout, transport), ...time(bout), '--full-rtt'],
    parse: parseSockperf,
  };
}

function throughput(program: string): Contest {
  return {
    test: 'throughput',
    transport: 'tcp',
    note: 'C, sockets, spins; counts what was sent',
    refuses: refuses('tcp'),
    listens: 'tcp',
    server: (bout) => [program, 'server', ...common(bout, 'tcp')],
    client: (bout) => [program, 'throughput', ...common(bout, 'tcp'), ...time(bout)],
    parse: parseSockperfBandwidth,
  };
}

function time({ seconds }: Bout): Words {
  return ['-t', `${seconds + MARGIN}`];
}

/** Times of round trips: it was asked for these, not for halves. */
export function parseSockperf(output: string): Figures {
  const at = (percent: string): number =>
    numberIn(output, new RegExp(`percentile ${percent.replace('.', '\\.')} = +([\\d.]+)`), `percentile ${percent}`);
  return {
    rtt_us: {
      min: numberIn(output, /<MIN> observation = +([\d.]+)/, 'minimum'),
      p50: at('50.000'),
      p90: at('90.000'),
      p99: at('99.000'),
      p999: at('99.900'),
      p9999: at('99.990'),
      max: numberIn(output, /<MAX> observation = +([\d.]+)/, 'maximum'),
      mean: numberIn(output, /avg-rtt=([\d.]+)/, 'mean'),
    },
  };
}

/** The number in brackets: its MB are 2^20 bytes, its Mbit 2^20 bits. */
export function parseSockperfBandwidth(output: string): Figures {
  return { gbit_per_s: (numberIn(output, /BandWidth is .*\(([\d.]+) Mbps\)/, 'bandwidth') * 2 ** 20) / 1e9 };
}
