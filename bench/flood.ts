// Runs a bare C flood (bench/c): what a path carries for programs that send a message a frame.
import {
  endFlags,
  firstLine,
  flagWords,
  floorProgram,
  output,
  startProgram,
  stopProgram,
  type FloorEnd,
  type FloorPath,
} from './program.js';

export interface FloodOptions {
  path: FloorPath;
  mode?: string;
  client: FloorEnd;
  server: FloorEnd;
  /** Of a frame with its Ethernet header (xdp, packet), or of a datagram (udp). */
  size: number;
  /** ms */
  warmup: number;
  /** ms */
  measured: number;
  signal?: AbortSignal;
}

export interface Flood {
  readonly mode: string;
  readonly frames: number;
  readonly lost: number;
  readonly seconds: number;
  readonly frames_per_s: number;
  readonly gbit_per_s: number;
  /** The longest time that the server's loop stood still, without that in which the kernel gave its core to others. */
  readonly stall_ms: number;
}

/** One run of a server, which counts, and a client, which sends until the server is done. */
export async function runFlood(options: FloodOptions): Promise<Flood> {
  const { path, mode, size, warmup, measured, signal } = options;
  const start = (role: string, end: FloorEnd) =>
    startProgram([
      floorProgram(path, 'flood'),
      ...flagWords({ role, mode, size, warmup, ms: measured, ...endFlags(end) }),
    ]);
  const server = start('server', options.server);
  try {
    const [, port] = (await firstLine(server)).split(' ');
    const peer = options.client.peer?.replace(/:0$/, `:${port}`);
    const client = start('client', { ...options.client, ...(peer === undefined ? {} : { peer }) });
    try {
      const failed = new Promise<never>((_, reject) => void output(client, undefined).catch(reject));
      return JSON.parse(await Promise.race([output(server, signal), failed])) as Flood;
    } finally {
      await stopProgram(client);
    }
  } finally {
    await stopProgram(server);
  }
}
