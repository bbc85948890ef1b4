// https://software.es.net/iperf/
import { Unreadable, type Figures, type Peer } from './contract.js';
import { onPath, versionOf } from './find.js';

export const iperf3: Peer = {
  name: 'iperf3',
  install: { by: 'apt', packages: ['iperf3'] },
  async find() {
    const program = onPath('iperf3');
    if (program === undefined) return undefined;
    return {
      version: await versionOf([program, '--version'], /iperf ([\d.]+)/),
      contests: [
        {
          test: 'throughput',
          transport: 'tcp',
          note: 'C, sockets, blocks; a second to warm up; the size is that of a write',
          refuses: (size) => (size > MAX_BLOCK ? `its writes have at most ${MAX_BLOCK} bytes` : undefined),
          listens: 'tcp',
          server: ({ server, port }) => [program, '-s', '-1', '-B', server.address, '-p', `${port}`],
          client: ({ server, port, size, seconds }) => [
            ...[program, '-c', server.address, '-p', `${port}`, '-J'],
            ...['-l', `${size}`, '-O', '1', '-t', `${seconds}`],
          ],
          parse: parseIperf3,
        },
      ],
    };
  },
};

const MAX_BLOCK = 2 ** 20;

interface Report {
  error?: string;
  end?: { sum_received?: { bits_per_second?: number } };
}

/** What arrived. */
export function parseIperf3(output: string): Figures {
  const report = read(output);
  if (report.error !== undefined) throw new Error(report.error);
  const rate = report.end?.sum_received?.bits_per_second;
  if (rate === undefined) throw new Unreadable('end.sum_received.bits_per_second', output);
  return { gbit_per_s: rate / 1e9 };
}

function read(output: string): Report {
  try {
    return JSON.parse(output) as Report;
  } catch {
    throw new Unreadable('JSON', output);
  }
}
