import { describe, expect, it } from 'vitest';

import { coresPair, drivers, ranges } from '../../src/cli/bench/options.js';

describe('sizes', () => {
  it.each([
    ['16', [16]],
    ['16,64,1K', [16, 64, 1024]],
    ['16..128', [16, 32, 64, 128]],
    ['16..1024*4', [16, 64, 256, 1024]],
    ['0..48+16', [0, 16, 32, 48]],
    ['1M..4m,7', [1048576, 2097152, 4194304, 7]],
    ['10..25', [10, 20]],
  ])('%s', (text, numbers) => {
    expect(ranges(0, 2 ** 30)(text)).toEqual(numbers);
  });

  it.each(['', 'x', '16,', '-1', '2..1', '0..16', '1..2*1', '1..9+0', '0..1000000+1', '1..2..3', '2G'])(
    'refuse %j',
    (text) => {
      expect(() => ranges(0, 2 ** 30)(text)).toThrow(/Expected whole numbers from 0 to 1073741824/);
    },
  );
});

describe('lists', () => {
  it('of drivers, of cores', () => {
    expect(drivers('xdp,udp')).toEqual(['xdp', 'udp']);
    expect(() => drivers('xdp,tcp')).toThrow(/Expected drivers of xdp, packet, udp, memory/);
    expect(coresPair('2,3')).toEqual([2, 3]);
    for (const text of ['2', '2,2', '2,3,4', 'a,b']) expect(() => coresPair(text)).toThrow(/two cores/);
  });
});
