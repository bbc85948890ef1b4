// The other end of a tap: reads its stream in whole blocks, so that what is written of it is a valid file at any time.
import { connect, type Socket } from 'node:net';

import { EmpError } from '../../errors.js';
import { readBlock, readPrologue } from '../../wire/pcapng.js';
import type { TapSocket } from './directory.js';

export interface TapReaderOptions {
  /** Stop after this many frames. Default: never. */
  count?: number;
  signal?: AbortSignal;
  /** Gets whole blocks. A promise holds the stream back. */
  onBlocks: (blocks: Uint8Array) => Promise<void> | void;
}

export interface TapResult {
  frames: number;
  /** Frames that the host dropped because this reader was slow. */
  dropped: number;
  bytes: number;
}

const ANSWER_MILLISECONDS = 500;

export async function readTap(tap: TapSocket, options: TapReaderOptions): Promise<TapResult> {
  const { count = Infinity, signal, onBlocks } = options;
  const result: TapResult = { frames: 0, dropped: 0, bytes: 0 };
  const socket = await open(tap);
  const stop = (): void => void socket.destroy();
  signal?.addEventListener('abort', stop);
  if (signal?.aborted === true) stop();
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = countBlocks(bytes, result, count);
      await onBlocks(bytes.subarray(0, end));
      result.bytes += end;
      rest = bytes.subarray(end);
      if (result.frames >= count) break;
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    socket.destroy();
  }
  return result;
}

/** Which NIC a host has; undefined if the host is gone, or does not answer because it never leaves its loop. */
export async function describeTap(tap: TapSocket): Promise<{ name: string; description: string } | undefined> {
  try {
    const socket = await open(tap);
    socket.setTimeout(ANSWER_MILLISECONDS, () => socket.destroy());
    for await (const chunk of socket as AsyncIterable<Buffer>) return readPrologue(chunk);
  } catch {
    // said below
  }
  return undefined;
}

/** Counts whole blocks until there are enough frames; returns where they end. */
function countBlocks(bytes: Buffer, result: TapResult, count: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (result.frames < count) {
    const block = readBlock(view, at);
    if (block === undefined) break;
    at += block.length;
    if (block.isPacket) result.frames += 1;
    result.dropped += block.dropped;
  }
  return at;
}

function open({ pid, path }: TapSocket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.once('error', (cause) => {
      const remedy = 'See which hosts there are: emp capture, without --pid.';
      reject(new EmpError('ERR_EMP_CLOSED', `The host of process ${pid} is gone.`, { remedy, cause }));
    });
  });
}
