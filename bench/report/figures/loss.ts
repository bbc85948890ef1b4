// What is left of the lossless rate when frames are lost.
import type { Figure } from '../figure.js';
import { percent } from '../format.js';
import type { Run } from '../run.js';
import { seriesOf } from '../series.js';
import { BANDWIDTH, joined, linesFigure, RATE } from './sweep.js';

export function goodputFigure(runs: readonly Run[]): Figure | undefined {
  const lines = seriesOf(
    runs.filter(({ test }) => test === 'loss'),
    'loss',
  ).map(({ name, look, runs: group }) => ({
    name,
    look,
    points: joined(group, 'loss', ratioIn(group)).map(([x, y]) => ({
      x,
      y: 100 * y,
      title: `${name}, ${percent(x)} of the frames lost: ${percent(y)} of the lossless goodput`,
    })),
  }));
  return linesFigure({
    id: 'goodput-loss',
    title: 'Goodput against loss',
    caption: 'Goodput is what is delivered, each message once and in order.',
    x: 'loss',
    y: { label: 'of the lossless goodput (%)', scale: 'linear', format: (y) => String(Number(y.toPrecision(3))) },
    lines: lines.filter(({ points }) => points.length > 0),
  });
}

/** As the result says, else of the lossless run of the same series. */
function ratioIn(group: readonly Run[]): (run: Run) => number | undefined {
  const goodput = (run: Run): number | undefined => BANDWIDTH.of(run) ?? RATE.of(run);
  const lossless = group.filter(({ loss }) => loss === 0).map(goodput)[0];
  return (run) => {
    const mine = goodput(run);
    return run.goodput ?? (mine === undefined || lossless === undefined ? undefined : mine / lossless);
  };
}
