import { MAX_MESSAGE } from '../../src/channel/options.js';
import type { NicInfo } from '../../src/index.js';
import { hasIperf3 } from './floors.js';
import { ETHERNET_HEADER, flood } from './flood.js';
import type { Floor, Test } from './test.js';

/** Up to here a frame is in one page in every mode of AF_XDP. */
const PAGE_MTU = 3498;

/** A flood of long buffers over one channel (E11). Beside it bare C with frames of the same length; over udp what a TCP socket carries. */
export const throughput: Test = {
  name: 'throughput',
  points: (_driver, { sizes, verify }) =>
    sizes.map((size) => {
      // A buffer that is longer than a message may be goes as several.
      const message = Math.ceil(size / Math.ceil(size / MAX_MESSAGE));
      return {
        ...flood(message, verify),
        conditions: { size, ...(message === size ? {} : { message }), verify },
        main: 'gbit_per_s',
        figures: ({ bytes, elapsed }) => ({ gbit_per_s: (8 * bytes) / elapsed / 1000 }),
        floor: (info, { floorMode }) => fullFrames(info, floorMode),
      };
    }),
};

function fullFrames({ driver, mode, mtu }: NicInfo, floorMode: string | undefined): Floor | string {
  if (driver === 'udp') {
    if (floorMode === undefined && hasIperf3()) return { program: 'iperf3', size: 0 };
    return { program: 'flood', size: mtu, mode: floorMode ?? 'gso' };
  }
  if (driver === 'xdp' && mtu > PAGE_MTU) {
    return `with an MTU above ${PAGE_MTU} frames are longer than a page, which the bare C program over xdp cannot take`;
  }
  const way = driver === 'xdp' ? mode : floorMode;
  return { program: 'flood', size: ETHERNET_HEADER + mtu, ...(way === undefined ? {} : { mode: way }) };
}
