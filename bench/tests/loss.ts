import { digits } from '../statistics.js';
import { flood } from './flood.js';
import { closedLoop } from './requests.js';
import type { Point, Test } from './test.js';

const SMALL = 16;
const NO_PROGRAM = 'bare C resends nothing';

/** Frames are lost by chance, both ways (A10): what is left of the bandwidth, and of the round trip. */
export const loss: Test = {
  name: 'loss',
  points: (_driver, options) =>
    options.losses.flatMap((share) => {
      const { verify } = options;
      const bulk = options.sizes.map((size): Point => ({
        ...flood(size, verify),
        loss: share,
        conditions: { size, loss: share, verify },
        main: 'gbit_per_s',
        figures: ({ bytes, elapsed }) => ({ gbit_per_s: (8 * bytes) / elapsed / 1000 }),
        floor: () => NO_PROGRAM,
      }));
      const { timed, ...loop } = closedLoop(options, { size: SMALL, outstanding: 1 });
      const trip: Point = {
        ...loop,
        loss: share,
        conditions: { size: SMALL, outstanding: 1, loss: share, timed, verify },
        main: 'rtt_us',
        floor: () => NO_PROGRAM,
      };
      return [...bulk, trip];
    }),
  conclude(results) {
    for (const result of results) {
      const lossless = results.find(({ loss: share, size }) => share === 0 && size === result.size);
      if (result.gbit_per_s === undefined || lossless?.gbit_per_s === undefined) continue;
      result.goodput = digits(result.gbit_per_s / lossless.gbit_per_s, 4);
    }
  },
};
