import { flood, floodFloor } from './flood.js';
import type { Test } from './test.js';

/** A flood of small messages over one channel, counted where they arrive. Beside it bare C, a message a frame. */
export const rate: Test = {
  name: 'rate',
  points: (_driver, { sizes, verify }) =>
    sizes.map((size) => ({
      ...flood(size, verify),
      conditions: { size, verify },
      main: 'messages_per_s',
      figures: ({ count, bytes, elapsed }) => ({
        messages_per_s: (1e6 * count) / elapsed,
        gbit_per_s: (8 * bytes) / elapsed / 1000,
      }),
      floor: (info, { floorMode }) => floodFloor(size, info, floorMode),
    })),
};
