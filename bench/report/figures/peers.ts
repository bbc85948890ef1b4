// Other tools and libraries beside ours, on the same wire and cores in the same run: a figure for each test and size.
import { barChart, type Bar } from '../chart.js';
import type { Figure } from '../figure.js';
import { bytesWithUnit, digits, us } from '../format.js';
import type { Run } from '../run.js';

export function peerFigures(runs: readonly Run[]): Figure[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs.filter(({ peer }) => peer !== undefined)) {
    // A round trip between those that sleep takes so much longer that the others would be lost beside it.
    const asleep = run.sleeps === true && run.test === 'pingpong' ? '-asleep' : '';
    const key = `${run.test}-${run.size ?? 0}${asleep}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups].flatMap(([key, group]) => groupFigure(key, group));
}

function groupFigure(key: string, group: readonly Run[]): Figure[] {
  const [{ test, size }] = group;
  const bandwidth = group.some(({ gbit_per_s }) => gbit_per_s !== undefined);
  const value = ({ rtt_us, gbit_per_s }: Run): number | undefined =>
    bandwidth ? gbit_per_s : (rtt_us?.p50 ?? rtt_us?.mean);
  const measured = group
    .filter((run) => value(run) !== undefined)
    .sort((a, b) => (bandwidth ? -1 : 1) * (value(a)! - value(b)!));
  const bars = measured.map((run): Bar => {
    // A tool that tells no median is shown by its mean, and marked.
    const mark = !bandwidth && run.rtt_us?.p50 === undefined ? '~' : '';
    return {
      name: [[run.peer, run.version].join(' ').trim(), run.transport].filter(Boolean).join(' · '),
      value: value(run)!,
      text: mark + (bandwidth ? digits : us)(value(run)!),
      ours: run.peer === 'emp',
    };
  });
  if (bars.length === 0) return [];
  const x = bandwidth ? 'payload (Gbit/s)' : 'round trip, p50 (µs)';
  const others = key.endsWith('-asleep') ? 'others that sleep while they wait' : 'others';
  const title = `${bandwidth ? 'Bandwidth' : 'Round trip'} beside ${others}, ${bytesWithUnit(size ?? 0)}`;
  return [
    {
      id: `peers-${key}`,
      title: test === 'pingpong' || test === 'throughput' ? title : `${title} (${test})`,
      caption: `${bandwidth ? 'More' : 'Less'} is better.${bars.some(({ text }) => text.startsWith('~')) ? ' ~: the tool tells no percentiles; its mean.' : ''}`,
      svg: barChart(title, { x, bars }),
      legend: [],
      table: {
        columns: ['program', x, 'what it does'],
        rows: group.map((run) => {
          const bar = bars[measured.indexOf(run)] as Bar | undefined;
          const name = bar?.name ?? [run.peer, run.transport].filter(Boolean).join(' · ');
          return [name, bar?.text ?? 'failed', run.error ?? run.note ?? ''];
        }),
      },
    },
  ];
}
