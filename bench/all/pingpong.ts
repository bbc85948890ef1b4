import type { DriverName } from '../../src/index.js';
import { pingpong, type PingpongOptions } from '../pingpong/run.js';
import type { Part } from './part.js';

/** Of further sizes, and of everything that is no target, so many of the rounds. */
const FEWER = 0.1;
const FURTHER = [64, 256, 1024];
/** Sizes at which the cost of checking payloads is measured: the smallest worth it, and a frame that is nearly full. */
const CHECKED = [16, 1400];

/** Every driver beside bare C, with the collectors watched; then what differs from it. */
export async function measurePingpong(part: Part): Promise<void> {
  const working: DriverName[] = [];
  for (const driver of part.drivers) {
    await part.attempt(driver, async () => {
      await measure(part, { driver, sizes: [16] });
      working.push(driver);
    });
  }
  for (const driver of working) await fewer(part, { driver, sizes: FURTHER });
  // The other bare C program for AF_PACKET: recv instead of the ring.
  if (working.includes('packet')) await fewer(part, { driver: 'packet', sizes: [16], floorMode: 'recv' });
  if (working[0] === undefined) return;
  for (const payloadCheck of [false, true]) await fewer(part, { driver: working[0], sizes: CHECKED, payloadCheck });
}

type Varied = Partial<PingpongOptions> & Pick<PingpongOptions, 'driver' | 'sizes'>;

function fewer(part: Part, options: Varied): Promise<void> {
  return part.attempt(options.driver, () =>
    measure(part, { ...options, rounds: Math.ceil(FEWER * part.rounds), slices: 2 }),
  );
}

async function measure(part: Part, options: Varied): Promise<void> {
  await pingpong({
    ...{ rounds: part.rounds, warmup: part.warmup, wait: 'spin', slices: 4, payloadCheck: false },
    ...{ baseline: true, checkAllocations: true, pin: true },
    ...options,
    signal: part.signal,
    ...(part.onProgress === undefined ? {} : { onProgress: part.onProgress }),
    onResult: ({ result }) => part.take(result),
  });
}
