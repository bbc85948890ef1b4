import { ECHO_PORT } from '../ends/commands.js';
import type { NicInfo } from '../../src/index.js';
import { closedLoop, pingpongFloor } from './requests.js';
import type { Floor, Test } from './test.js';

/** Rounded so that a reader can remember them: two digits. */
const DIGITS = 2;
/** The bare C program has one request under way at a time: at more than this it would measure its own queue. */
const ONE_AT_A_TIME = 50_000;

/** An open loop: requests are due at a given rate, and their time counts from then. */
export const load: Test = {
  name: 'load',
  async points(_driver, options, probe) {
    const { rates, sizes, verify, outstanding } = options;
    const [size] = sizes;
    const { timed, ...loop } = closedLoop(options, { size, outstanding });
    // Even if no rate is a share of it: an open loop that begins before its code is compiled never catches up.
    const most = await probe({ ...loop, conditions: { size, timed }, main: 'requests_per_s', floor: () => 'a probe' });
    const asked = rates.map((rate) =>
      rate < 0 ? Number((-rate * (most.requests_per_s ?? NaN)).toPrecision(DIGITS)) : rate,
    );
    return sizes.flatMap((bytes) =>
      asked.map((rate) => ({
        conditions: { size: bytes, offered_per_s: rate, verify },
        port: ECHO_PORT,
        task: { kind: 'load' as const, size: bytes, verify, rate },
        main: 'rtt_us' as const,
        figures: ({ count, elapsed, unsent = 0 }) => ({ requests_per_s: (1e6 * count) / elapsed, unsent }),
        floor: (info) => scheduled(rate, bytes, info),
      })),
    );
  },
};

/** The bare C ping-pong, on the same schedule. */
export function scheduled(rate: number, size: number, info: NicInfo): Floor | string {
  if (rate > ONE_AT_A_TIME) return `bare C, with one request at a time, is compared up to ${ONE_AT_A_TIME}/s`;
  const floor = pingpongFloor(size, info);
  return typeof floor === 'string' ? floor : { ...floor, rate };
}
