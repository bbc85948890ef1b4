// How often each latency was measured, beside the bare C program of the same path.
import { decades } from '../axes.js';
import { lineChart, type Line, type Point } from '../chart.js';
import type { Figure } from '../figure.js';
import { bytesWithUnit, percent, us } from '../format.js';
import type { Figures, Run } from '../run.js';
import { floorLook, floorName, seriesOf } from '../series.js';
import { bySize } from './groups.js';

export function histogramFigures(runs: readonly Run[]): Figure[] {
  return bySize(runs.filter((run) => run.test === 'pingpong' && (run.histogram?.length ?? 0) > 1)).flatMap(
    ({ size, runs: group }) =>
      seriesOf(group).map(({ name, look, runs: [run] }, i) => {
        const lines: Line[] = [
          { name, look: { ...look, dash: 'none', marker: null }, points: stairs(name, run), steps: true },
        ];
        if ((run.baseline?.histogram?.length ?? 0) > 1) {
          const floor = floorName(run);
          lines.push({
            name: floor,
            look: floorLook({ ...look, dash: '3 3', marker: null }),
            points: stairs(floor, run.baseline!),
            steps: true,
          });
        }
        const points = lines.flatMap((line) => line.points);
        const title = `Distribution of round trips, ${name}, ${bytesWithUnit(size)}`;
        return {
          id: `histogram-${size}-${i}`,
          title,
          svg: lineChart(title, {
            x: { label: 'round trip (µs)', scale: 'log', ...decades(points.map(({ x }) => x)), format: String },
            y: {
              label: 'share of round trips (%)',
              scale: 'linear',
              domain: [0, Math.max(...points.map(({ y }) => y)) * 1.05],
              format: String,
            },
            lines,
          }),
          legend: lines,
          table: {
            columns: ['series', 'from (µs)', 'share'],
            rows: lines.flatMap((line) =>
              line.points.flatMap(({ x, y, title: told }) =>
                told === undefined ? [] : [[line.name, us(x), percent(y / 100)]],
              ),
            ),
          },
        };
      }),
  );
}

/** From the ground to the ground; a stair begins where its bucket does. The last bucket has no end: it gets the width of the one before. */
function stairs(name: string, { histogram = [] }: Figures): Point[] {
  const buckets = histogram.filter(([from]) => from > 0);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  const points = buckets.map(([from, count], i): Point => {
    const share = count / total;
    const to = buckets[i + 1]?.[0];
    const range = to === undefined ? `from ${us(from)} µs` : `${us(from)} to ${us(to)} µs`;
    return { x: from, y: 100 * share, title: `${name}, ${range}: ${percent(share)}` };
  });
  const [[before], [last]] = buckets.slice(-2);
  return [{ x: points[0].x, y: 0 }, ...points, { x: (last * last) / before, y: 0 }];
}
