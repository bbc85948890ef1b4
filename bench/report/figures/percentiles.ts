// Latency by percentile, as HdrHistogram draws it: each step to the right is a tenfold rarer round trip.
import { decades } from '../axes.js';
import { lineChart, type Line, type Point } from '../chart.js';
import type { Figure } from '../figure.js';
import { bytesWithUnit, percentileName, us } from '../format.js';
import type { Figures, Run } from '../run.js';
import { floorLook, floorName, seriesOf } from '../series.js';
import { bySize } from './groups.js';

const SUMMARY = [
  ['min', 0],
  ['p50', 0.5],
  ['p90', 0.9],
  ['p99', 0.99],
  ['p999', 0.999],
  ['p9999', 0.9999],
] as const;

/** Where a marker is, and a row of the table. */
const TOLD = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999];

/** [share, µs]: all that is known, or the summary. The maximum has no place on an axis of shares. */
export function curve({ percentiles, rtt_us }: Figures): [number, number][] {
  const summary = SUMMARY.flatMap(([key, share]): [number, number][] =>
    rtt_us?.[key] === undefined ? [] : [[share, rtt_us[key]]],
  );
  return (percentiles ?? summary).filter(([share, time]) => share < 1 && time > 0);
}

/** How much rarer than every round trip: 1, 10 (p90), 100 (p99). */
const rarity = (share: number): number => 1 / (1 - share);

export function percentileFigures(runs: readonly Run[]): Figure[] {
  return bySize(runs.filter((run) => run.test === 'pingpong' && curve(run).length > 1)).map(({ size, runs: group }) => {
    const lines = seriesOf(group).flatMap(({ name, look, runs: [run] }): Line[] => {
      const floor = run.baseline === undefined ? [] : curve(run.baseline);
      return [
        { name, look, points: curve(run).map((point) => pointOf(name, point)) },
        ...(floor.length === 0
          ? []
          : [{ name: floorName(run), look: floorLook(look), points: floor.map((at) => pointOf(floorName(run), at)) }]),
      ];
    });
    const points = lines.flatMap((line) => line.points);
    const rarest = 10 ** Math.ceil(Math.log10(Math.max(10, ...points.map(({ x }) => x))) - 1e-9);
    const nines = Array.from({ length: Math.round(Math.log10(rarest)) + 1 }, (_, i) => 10 ** i);
    const title = `Round trip by percentile, ${bytesWithUnit(size)}`;
    return {
      id: `percentiles-${size}`,
      title,
      caption: 'Each step to the right leaves out nine of ten round trips. Lower and flatter is better.',
      svg: lineChart(title, {
        x: {
          label: 'percentile (%)',
          scale: 'log',
          domain: [1, rarest],
          ticks: nines,
          format: (x) => percentileName(1 - 1 / x),
        },
        y: { label: 'round trip (µs)', scale: 'log', ...decades(points.map(({ y }) => y)), format: String },
        lines,
      }),
      legend: lines,
      table: {
        columns: ['series', 'percentile', 'round trip (µs)'],
        rows: lines.flatMap(({ name, points: of }) =>
          of.flatMap(({ x, y, title: told }) => (told === undefined ? [] : [[name, percentileName(1 - 1 / x), us(y)]])),
        ),
      },
    };
  });
}

function pointOf(name: string, [share, time]: [number, number]): Point {
  const told = TOLD.some((one) => Math.abs(one - share) < 1e-9);
  const place = { x: rarity(share), y: time };
  return told ? { ...place, title: `${name}, p${percentileName(share)}: ${us(time)} µs` } : place;
}
