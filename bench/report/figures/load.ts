// Latency against load: requests leave by a schedule, and are counted from it, so a stall is not hidden. A figure for each driver.
import type { Line } from '../chart.js';
import type { Figure } from '../figure.js';
import { si, us } from '../format.js';
import type { Run, Times } from '../run.js';
import { DASHES, look, seriesOf } from '../series.js';
import { joined, linesFigure } from './sweep.js';

const KEYS: readonly [keyof Times, string][] = [
  ['p50', 'p50'],
  ['p99', 'p99'],
  ['p999', 'p99.9'],
];

export function loadFigures(runs: readonly Run[]): Figure[] {
  return seriesOf(
    runs.filter(({ test }) => test === 'load'),
    'offered_per_s',
  ).flatMap(({ name, runs: group }, i) => {
    const lines = KEYS.map(([key, title], nth): Line => {
      // Of one driver, so markers and dashes are free to tell percentiles apart.
      const { marker } = look('xdp', nth);
      return {
        name: title,
        look: { ...look(group[0].driver), marker, dash: DASHES[nth], hollow: nth > 0 },
        points: joined(group, 'offered_per_s', ({ rtt_us }) => rtt_us?.[key]).map(([x, y]) => ({
          x,
          y,
          title: `${title} with ${si(x)} requests/s: ${us(y)} µs`,
        })),
      };
    }).filter(({ points }) => points.length > 0);
    const figure = linesFigure({
      id: `load-${i}`,
      title: `Latency against load, ${name}`,
      x: 'offered_per_s',
      y: { label: 'from the scheduled time to the reply (µs)', scale: 'log', format: us },
      lines,
    });
    return figure ?? [];
  });
}
