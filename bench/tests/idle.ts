import { ArgumentError } from '../../src/index.js';
import { ECHO_PORT } from '../ends/commands.js';
import type { Wait } from '../pingpong/commands.js';
import { scheduled } from './load.js';
import { closedLoop, pingpongFloor } from './requests.js';
import type { Point, Test, TestOptions } from './test.js';

const WAITS: readonly Wait[] = ['spin', 'adaptive', 'event'];
/** Requests/s that leave a host time to fall asleep. */
const SPARSE = 500;
/** A piece of other work of a busy server, µs. */
const WORK = 50;

/**
 * What waiting costs (C10), for each way of it: the processor while nothing happens; round trips one after the other; round trips so rare
 * that the host is asleep; and round trips while the server's event loop has other work.
 */
export const idle: Test = {
  name: 'idle',
  points: (driver, options) => {
    if (driver === 'memory') throw new ArgumentError('Both ends share one event loop, and never sleep.', NO_MEMORY);
    return options.sizes.flatMap((size) => WAITS.flatMap((wait) => pointsOf(size, wait, options)));
  },
};

const NO_MEMORY = { remedy: 'Measure idle over xdp, packet or udp.' };

function pointsOf(size: number, wait: Wait, options: TestOptions): Point[] {
  const { verify } = options;
  const { timed, ...loop } = closedLoop(options, { size, outstanding: 1 });
  const quiet = { port: ECHO_PORT, main: 'rtt_us', wait, floor: () => 'nothing to compare with' } as const;
  const closed = (activity: 'closed' | 'busy'): Point => ({
    ...loop,
    wait,
    main: 'rtt_us',
    floor: (info) => pingpongFloor(size, info),
    conditions: { size, activity, outstanding: 1, timed, verify },
  });
  return [
    { ...quiet, conditions: { size, activity: 'none' }, task: { kind: 'rest' }, figures: () => ({}) },
    {
      ...quiet,
      conditions: { size, activity: 'sparse', offered_per_s: SPARSE, verify },
      task: { kind: 'load', size, verify, rate: SPARSE },
      figures: () => ({}),
      floor: (info) => scheduled(SPARSE, size, info),
    },
    closed('closed'),
    ...(wait === 'spin' ? [] : [{ ...closed('busy'), work: WORK }]),
  ];
}
