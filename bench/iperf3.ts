// Runs iperf3 over TCP: what a socket carries in bulk, for paths where that is what people would use instead.
import { EmpError } from '../src/index.js';
import { firstLine, output, startProgram, stopProgram, type FloorEnd } from './program.js';

export interface Iperf3Options {
  client: FloorEnd;
  server: FloorEnd;
  /** s; it takes whole ones. */
  seconds: number;
  signal?: AbortSignal;
}

const PORT = 35201;
/** Its own, for TCP: bytes of a write. */
export const IPERF3_WRITE = 128 * 1024;

/** What arrived, Gbit/s, after a second to warm up. */
export async function runIperf3({ client, server, seconds, signal }: Iperf3Options): Promise<number> {
  const address = server.local!.replace(/:\d+$/, '');
  const common = ['-p', `${PORT}`, '-B'];
  const there = startProgram([...place(server), 'iperf3', '-s', '-1', '--forceflush', ...common, address]);
  try {
    await firstLine(there);
    const length = ['-J', '-O', '1', '-t', `${Math.max(1, Math.round(seconds))}`];
    const here = startProgram([...place(client), 'iperf3', '-c', address, '-p', `${PORT}`, ...length]);
    try {
      return received(await output(here, signal));
    } finally {
      await stopProgram(here);
    }
  } finally {
    await stopProgram(there);
  }
}

/** Words before a command that put it into a namespace, on a core; the process keeps its id. */
function place({ namespace, core }: FloorEnd): string[] {
  return [
    ...(namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]),
    ...(core === undefined ? [] : ['taskset', '-c', `${core}`]),
  ];
}

function received(text: string): number {
  const report = JSON.parse(text) as { end?: { sum_received?: { bits_per_second?: number } } };
  const rate = report.end?.sum_received?.bits_per_second;
  if (rate !== undefined) return rate / 1e9;
  throw new EmpError('ERR_EMP_TOOL_FAILED', 'iperf3 did not say how much arrived.', {
    remedy: 'Measure without it: --no-baseline.',
  });
}
