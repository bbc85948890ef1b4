import { lineChart, type Line } from '../report/chart.js';
import type { Look } from '../report/series.js';
import { standalone } from '../report/picture.js';
import type { SoakResult } from './storms.js';
import type { Sample } from './watch.js';

const SERIES: readonly { name: string; look: Look; of: (sample: Sample) => number }[] = [
  { name: 'resident', look: solid('var(--xdp)', 'none'), of: ({ rss }) => rss },
  { name: 'outside of the heap', look: solid('var(--udp)', '3 3'), of: ({ external }) => external },
  { name: "JavaScript's heap", look: solid('var(--memory)', '9 4'), of: ({ heap }) => heap },
];

function solid(color: string, dash: string): Look {
  return { color, dash, marker: null, hollow: false };
}

/** Memory over time, as an SVG that stands alone. */
export function graph({ samples, storms, messages, growth }: SoakResult): string {
  const lines: Line[] = SERIES.map(({ name, look, of }) => ({
    name,
    look,
    points: samples.map((sample) => ({ x: sample.seconds / 60, y: of(sample) / 2 ** 20 })),
  }));
  const points = lines.flatMap((line) => line.points);
  const title = 'Memory of a process between storms';
  const svg = lineChart(title, {
    x: { label: 'minutes', scale: 'linear', domain: [0, Math.max(...points.map(({ x }) => x), 0.01)], format: String },
    y: { label: 'MiB', scale: 'linear', domain: [0, Math.max(...points.map(({ y }) => y), 1) * 1.1], format: String },
    lines,
  });
  const slope = (growth.slope * 60) / 2 ** 20;
  const caption = `${storms} storms, ${messages} messages. After the first third, resident memory grows by ${slope.toFixed(2)} MiB a minute.`;
  return standalone({ title, svg, legend: lines, caption });
}
