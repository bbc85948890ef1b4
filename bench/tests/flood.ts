import type { NicInfo } from '../../src/index.js';
import { SINK_PORT, VERIFYING_SINK_PORT } from '../ends/commands.js';
import type { Floor, Point } from './test.js';

export const ETHERNET_HEADER = 14;
const SEQUENCE = 4;
const SMALLEST_FRAME = 64;

/** What the client does, and where, in every one-way flood. */
export function flood(size: number, verify: boolean): Pick<Point, 'port' | 'task'> {
  return { port: verify ? VERIFYING_SINK_PORT : SINK_PORT, task: { kind: 'flood', size, verify } };
}

/** A flood of frames that have room for such a message, none below 64 bytes. */
export function floodFloor(size: number, { driver, mtu, mode }: NicInfo, floorMode?: string): Floor | string {
  if (size + SEQUENCE > mtu)
    return `a message of ${size} bytes is more than one frame, which is all the bare C program sends`;
  const header = driver === 'udp' ? 0 : ETHERNET_HEADER;
  const frame = Math.max(SMALLEST_FRAME, header + SEQUENCE + size);
  const way = driver === 'xdp' ? mode : floorMode;
  return { program: 'flood', size: frame, ...(way === undefined ? {} : { mode: way }) };
}
