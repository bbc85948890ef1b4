import type { NicInfo } from '../../src/index.js';
import { ECHO_PORT, type Outcome } from '../ends/commands.js';
import { floodFloor } from './flood.js';
import type { Figures } from './result.js';
import type { Floor, Point, Test, TestOptions } from './test.js';

/** More outstanding than this: one request in 16 is timed. */
const FEW = 4;

/** A closed loop over some channels: what the client does, and where. */
export function closedLoop(
  { verify, seed }: TestOptions,
  { size, outstanding, channels = 1 }: { size: number; outstanding: number; channels?: number },
): Pick<Point, 'port' | 'task' | 'figures'> & { timed: number } {
  const timed = outstanding > FEW ? 16 : 1;
  return {
    port: ECHO_PORT,
    task: { kind: 'requests', size, outstanding, channels, verify, timed, seed },
    figures: requestsPerSecond,
    timed,
  };
}

function requestsPerSecond({ count, elapsed }: Outcome): Figures {
  return { requests_per_s: (1e6 * count) / elapsed };
}

/** The bare C ping-pong, with a message of this size. */
export function pingpongFloor(size: number, { mtu, driver, mode }: NicInfo): Floor | string {
  if (size + 4 > mtu) return `a message of ${size} bytes is more than one frame, which is all the bare C program sends`;
  return { program: 'pingpong', size, ...(driver === 'xdp' ? { mode } : {}) };
}

/** So many requests are outstanding; an answer is followed by the next request. Beside it bare C that only sends, a frame for each. */
export const requests: Test = {
  name: 'requests',
  points: (_driver, options) =>
    options.sizes.map((size) => {
      const { outstanding, verify } = options;
      const { timed, ...loop } = closedLoop(options, { size, outstanding });
      return {
        ...loop,
        conditions: { size, outstanding, timed, verify },
        main: 'requests_per_s',
        floor: (info) => floodFloor(size, info, options.floorMode),
      };
    }),
};

/** The same against how many are outstanding (A10). */
export const depth: Test = {
  name: 'depth',
  points: (_driver, options) =>
    options.sizes.flatMap((size) =>
      options.depths.map((outstanding) => {
        const { timed, ...loop } = closedLoop(options, { size, outstanding });
        return {
          ...loop,
          conditions: { size, depth: outstanding, timed, verify: options.verify },
          main: 'requests_per_s',
          floor: (info) => floodFloor(size, info, options.floorMode),
        };
      }),
    ),
};

/** A channel by chance for each request (C10): one outstanding for the round trip, many for the rate. */
export const connections: Test = {
  name: 'connections',
  points: (_driver, options) =>
    options.sizes.flatMap((size) =>
      options.channels.flatMap((channels) =>
        [1, options.outstanding].map((outstanding) => {
          const { timed, ...loop } = closedLoop(options, { size, outstanding, channels });
          return {
            ...loop,
            conditions: { size, channels, outstanding, timed, verify: options.verify },
            main: outstanding === 1 ? ('rtt_us' as const) : ('requests_per_s' as const),
            floor: (info: NicInfo) =>
              outstanding === 1 ? pingpongFloor(size, info) : floodFloor(size, info, options.floorMode),
          };
        }),
      ),
    ),
};
