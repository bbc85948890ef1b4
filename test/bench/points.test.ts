import { describe, expect, it } from 'vitest';

import { connections, depth } from '../../bench/tests/requests.js';
import { load } from '../../bench/tests/load.js';
import { loss } from '../../bench/tests/loss.js';
import { rate } from '../../bench/tests/rate.js';
import type { BenchResult } from '../../bench/tests/result.js';
import type { Floor, Probe, TestOptions } from '../../bench/tests/test.js';
import { limitOf } from '../../bench/tests/test.js';
import { throughput } from '../../bench/tests/throughput.js';
import { MAX_MESSAGE } from '../../src/channel/options.js';
import type { NicInfo } from '../../src/index.js';

const OPTIONS: TestOptions = {
  sizes: [16],
  wait: 'spin',
  verify: false,
  seconds: 3,
  warmup: 200,
  slices: 3,
  baseline: true,
  seed: 1,
  outstanding: 64,
  depths: [1, 8],
  channels: [1, 4],
  losses: [0, 0.1],
  rates: [1000, -0.5],
};
const none: Probe = () => Promise.resolve({});
const info = (driver: string, mtu = 1500): NicInfo => ({ driver, mtu, mode: 'native-copy' }) as NicInfo;

describe('the points of a test', () => {
  it('throughput: a buffer longer than a message may be goes as several, all alike', async () => {
    const [one, two] = await throughput.points('udp', { ...OPTIONS, sizes: [MAX_MESSAGE, 2.5 * MAX_MESSAGE] }, none);
    expect(one.conditions.message).toBeUndefined();
    expect(two.conditions.message).toBe(Math.ceil((2.5 * MAX_MESSAGE) / 3));
    expect(two.task).toMatchObject({ size: two.conditions.message });
  });

  it('rate: bare C sends a frame for each message, none below 64 bytes, and no message of several frames', async () => {
    const floor = async (size: number, driver: string): Promise<Floor | string> => {
      const [point] = await rate.points('xdp', { ...OPTIONS, sizes: [size] }, none);
      return point.floor(info(driver), OPTIONS);
    };
    expect(await floor(16, 'xdp')).toEqual({ program: 'flood', size: 64, mode: 'native-copy' });
    expect(await floor(1000, 'packet')).toEqual({ program: 'flood', size: 1018 });
    expect(await floor(1000, 'udp')).toEqual({ program: 'flood', size: 1004 });
    expect(await floor(1497, 'packet')).toMatch(/more than one frame/);
  });

  it('load: percents are of what a closed loop reaches', async () => {
    const points = await load.points('xdp', OPTIONS, () => Promise.resolve({ requests_per_s: 654_321 }));
    expect(points.map(({ conditions }) => conditions.offered_per_s)).toEqual([1000, 330_000]);
  });

  it('depth and connections: a point for each', async () => {
    expect((await depth.points('xdp', OPTIONS, none)).map(({ conditions }) => conditions.depth)).toEqual([1, 8]);
    const points = await connections.points('xdp', OPTIONS, none);
    expect(points.map(({ conditions: { channels, outstanding } }) => [channels, outstanding])).toEqual([
      [1, 1],
      [1, 64],
      [4, 1],
      [4, 64],
    ]);
  });

  it('loss: goodput is the share of the lossless bandwidth', () => {
    const results = [
      { loss: 0, size: 9, gbit_per_s: 8 },
      { loss: 0.1, size: 9, gbit_per_s: 2 },
      { loss: 0.1, size: 7 },
    ] as BenchResult[];
    loss.conclude!(results);
    expect(results.map(({ goodput }) => goodput)).toEqual([1, 0.25, undefined]);
  });

  it('last as long as asked, slices together', () => {
    expect(limitOf(OPTIONS)).toEqual({ unit: 'us', warmup: 200_000, measured: 1_000_000 });
    expect(limitOf({ ...OPTIONS, rounds: 3000 })).toEqual({ unit: 'messages', warmup: 100, measured: 1000 });
  });
});
