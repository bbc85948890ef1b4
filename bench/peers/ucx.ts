// UCX's own measurement: https://openucx.readthedocs.io
import { Unreadable, type Bout, type Contest, type Figures, type Peer, type Words } from './contract.js';
import { onPath, versionOf } from './find.js';

const MIB = 2 ** 20;

export const ucxPerftest: Peer = {
  name: 'ucx_perftest',
  install: { by: 'apt', packages: ['ucx-utils'] },
  async find() {
    const program = onPath('ucx_perftest');
    if (program === undefined) return undefined;
    const version = await versionOf(['ucx_info', '-v'], /[Vv]ersion:? ([\d.]+)/);
    return { version, contests: [pingpong(program), throughput(program)] };
  },
};

function contest(program: string, test: string, rank: (bout: Bout) => Words): Omit<Contest, 'test' | 'note' | 'parse'> {
  return {
    transport: 'ucx tcp',
    listens: 'tcp',
    // Where there is no RDMA, it would otherwise look for shared memory first, past the wire.
    env: { UCX_TLS: 'tcp', UCX_LOG_LEVEL: 'error' },
    server: ({ port }) => [program, '-p', `${port}`],
    client: (bout) => [
      ...[program, bout.server.address, '-p', `${bout.port}`, '-t', test, '-s', `${bout.size}`],
      ...['-n', `${bout.count}`, '-w', `${bout.warmup}`, '-f', '-v', ...rank(bout)],
    ],
  };
}

function pingpong(program: string): Contest {
  return {
    ...contest(program, 'tag_lat', ({ slice }) => ['-R', slice % 2 === 0 ? '50' : '99']),
    test: 'pingpong',
    note: 'C, tagged messages, spins; p50 and p99 from every other slice, over its last rounds',
    parse: parseUcxLatency,
  };
}

function throughput(program: string): Contest {
  return {
    ...contest(program, 'tag_bw', () => []),
    test: 'throughput',
    note: 'C, tagged messages, spins',
    parse: parseUcxBandwidth,
  };
}

/** The one line of numbers, under their names. */
function columns(output: string): Map<string, number> {
  const lines = output.trim().split('\n');
  const at = lines.findIndex((line) => line.startsWith('iterations,'));
  const values = lines[at + 1]?.split(',').map(Number) ?? [];
  const names = lines[at]?.split(',') ?? [];
  if (names.length === 0 || values.length !== names.length || !values.every(Number.isFinite))
    throw new Unreadable('line of figures', output);
  return new Map(names.map((name, i) => [name, values[i]]));
}

/** It tells the time of one way, half of a round trip. */
export function parseUcxLatency(output: string): Figures {
  const figures = columns(output);
  const mean = figures.get('overall_lat');
  if (mean === undefined) throw new Unreadable('overall_lat', output);
  const median = figures.get('50.0_percentile_lat');
  const tail = figures.get('99.0_percentile_lat');
  return {
    rtt_us: {
      mean: 2 * mean,
      ...(median === undefined ? {} : { p50: 2 * median }),
      ...(tail === undefined ? {} : { p99: 2 * tail }),
    },
  };
}

/** Its MB are 2^20 bytes. */
export function parseUcxBandwidth(output: string): Figures {
  const megabytes = columns(output).get('overall_bw');
  if (megabytes === undefined) throw new Unreadable('overall_bw', output);
  return { gbit_per_s: (megabytes * MIB * 8) / 1e9 };
}
