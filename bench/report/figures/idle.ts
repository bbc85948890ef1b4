// What waiting costs: processor time while nothing happens, and the round trip of one who was idle or busy.
import { barChart, type Bar } from '../chart.js';
import type { Figure } from '../figure.js';
import { percent, us } from '../format.js';
import type { Run } from '../run.js';
import { conditionsOf, nameOf } from '../series.js';

export function idleFigures(runs: readonly Run[]): Figure[] {
  const idle = runs.filter(({ test }) => test === 'idle');
  const cpu = idle.flatMap((run): Bar[] =>
    (['client', 'server'] as const).flatMap((end) => {
      const share = run.cpu?.[end];
      if (share === undefined) return [];
      return { name: `${labelIn(idle, run)}: ${end}`, value: 100 * share, text: percent(share), ours: true };
    }),
  );
  const times = idle.flatMap((run): Bar[] => {
    const p50 = run.rtt_us?.p50;
    return p50 === undefined ? [] : [{ name: labelIn(idle, run), value: p50, text: `${us(p50)} µs`, ours: true }];
  });
  return [
    ...barsFigure('idle-cpu', 'Processor time', 'of a core (%)', cpu),
    ...barsFigure('idle-latency', 'Round trip, p50', 'round trip, p50 (µs)', times),
  ];
}

function barsFigure(id: string, title: string, x: string, bars: readonly Bar[]): Figure[] {
  if (bars.length === 0) return [];
  const table = { columns: ['run', x], rows: bars.map(({ name, text }) => [name, text]) };
  return [{ id, title, svg: barChart(title, { x, bars }), legend: [], table }];
}

/** With whatever words and marks tell this run from the others: who is idle may be told in a field of the test's own. */
function labelIn(runs: readonly Run[], run: Run): string {
  const own = Object.entries(run.raw).flatMap(([name, value]) => {
    const differs = new Set(runs.map(({ raw }) => raw[name])).size > 1;
    if (!differs || ['driver', 'wait', 'mode', 'noisy', 'wire', 'baseline_note'].includes(name)) return [];
    if (value === true) return [name.replaceAll('_', ' ')];
    return typeof value === 'string' ? [value] : [];
  });
  return [nameOf(run), ...own, ...conditionsOf(run).slice(0, 1)].join(', ');
}
