// The figures that are one measure against one condition.
import type { Line } from '../chart.js';
import { bytesWithUnit } from '../format.js';
import { BANDWIDTH, MESSAGES, P50, RATE, REQUESTS, type Sweep } from './sweep.js';

export const SIZE: Sweep = {
  id: 'latency-size',
  test: 'pingpong',
  title: 'Round trip against message size',
  x: 'size',
  y: P50,
};

export const RATES: readonly Sweep[] = [
  { id: 'rate-size', test: 'rate', title: 'One-way messages against message size', x: 'size', y: MESSAGES },
  {
    id: 'bandwidth-size',
    test: 'rate',
    title: 'Bandwidth against message size',
    x: 'size',
    y: BANDWIDTH,
    caption: halfOfPeak,
  },
  {
    id: 'throughput-size',
    test: 'throughput',
    title: 'Bandwidth against buffer size',
    x: 'size',
    xLabel: 'buffer size (bytes)',
    y: BANDWIDTH,
  },
  { id: 'rate-depth', test: 'depth', title: 'Rate against depth', x: 'depth', y: RATE },
  { id: 'latency-depth', test: 'depth', title: 'Round trip against depth', x: 'depth', y: P50 },
  {
    id: 'requests-outstanding',
    test: 'requests',
    title: 'Requests and replies against those outstanding',
    x: 'outstanding',
    y: REQUESTS,
  },
];

export const CHANNELS: readonly Sweep[] = [
  { id: 'latency-channels', test: 'connections', title: 'Round trip against channels', x: 'channels', y: P50 },
  { id: 'requests-channels', test: 'connections', title: 'Requests against channels', x: 'channels', y: REQUESTS },
];

export const LOSS_LATENCY: Sweep = {
  id: 'latency-loss',
  test: 'loss',
  title: 'Round trip against loss',
  x: 'loss',
  y: P50,
};

/** The smallest size that was measured with at least half of the line's best. */
function halfOfPeak(lines: readonly Line[]): string | undefined {
  const ours = lines.filter(({ look }) => look.color !== 'var(--floor)');
  const names = new Map<number, string[]>();
  for (const { name, points } of ours) {
    const half = Math.max(...points.map(({ y }) => y)) / 2;
    const size = points.find(({ y }) => y >= half)?.x;
    if (size !== undefined) names.set(size, [...(names.get(size) ?? []), name.replace('emp over ', '')]);
  }
  const found = [...names].map(([size, who]) => `${bytesWithUnit(size)} (${who.join(', ')})`);
  return found.length === 0 ? undefined : `Half of the peak is reached with messages of ${found.join(', ')}.`;
}
