// The report: one page that needs nothing else. It has no script; the results are in it as JSON for whoever wants to go on.
import { figureHtml, type Figure } from './figure.js';
import { histogramFigures } from './figures/histograms.js';
import { idleFigures } from './figures/idle.js';
import { loadFigures } from './figures/load.js';
import { goodputFigure } from './figures/loss.js';
import { peerFigures } from './figures/peers.js';
import { percentileFigures } from './figures/percentiles.js';
import { sweepFigure, type Sweep } from './figures/sweep.js';
import { CHANNELS, LOSS_LATENCY, RATES, SIZE } from './figures/sweeps.js';
import { embedded, escape } from './html.js';
import { machineHtml } from './machine.js';
import type { Results } from './read.js';
import type { Run } from './run.js';
import { STYLE } from './style.js';
import { headlines, isKnown, rawTable, summaryTable } from './summary.js';
import { targetsHtml } from './targets.js';

const SECTIONS: readonly [string, (ours: readonly Run[], all: readonly Run[]) => (Figure | undefined)[]][] = [
  ['Latency', (runs) => [...percentileFigures(runs), ...histogramFigures(runs), sweepFigure(runs, SIZE)]],
  ['Latency under load', loadFigures],
  ['Rate and bandwidth', (runs) => sweeps(runs, RATES)],
  ['Many channels', (runs) => sweeps(runs, CHANNELS)],
  ['Lost frames', (runs) => [goodputFigure(runs), sweepFigure(runs, LOSS_LATENCY)]],
  ['Idle and busy', idleFigures],
  ['Beside others', (_, all) => peerFigures(all)],
];

function sweeps(runs: readonly Run[], all: readonly Sweep[]): (Figure | undefined)[] {
  return all.map((sweep) => sweepFigure(runs, sweep));
}

export interface PageOptions {
  title?: string;
  /** When the results were made, or read. */
  date?: Date;
}

/** Every figure that the results have the data for. */
export function figuresOf({ runs }: Results): Figure[] {
  const ours = oursOf(runs);
  return SECTIONS.flatMap(([, of]) => of(ours, runs)).filter((figure) => figure !== undefined);
}

function oursOf(runs: readonly Run[]): Run[] {
  return runs.filter((run) => run.peer === undefined && isKnown(run));
}

export function reportPage({ runs, absent }: Results, { title = 'EMP, measured', date }: PageOptions = {}): string {
  const ours = oursOf(runs);
  const sections = SECTIONS.map(([name, of]) => sectionHtml(name, of(ours, runs)));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escape(title)}</title>
<style>${STYLE}
</style>
</head>
<body>
<header>
<h1>${escape(title)}</h1>
<p class="quiet">${escape(lead(runs, date))}</p>
</header>
<main>
<h2>Machine</h2>
${machineHtml(runs)}
${summaryHtml(ours)}${targetsHtml(runs)}${remarks(runs, absent)}
${sections.join('\n')}
${others(runs.filter((run) => !isKnown(run)))}
</main>
<script type="application/json" id="results">${embedded(runs.map(({ raw }) => raw))}</script>
</body>
</html>
`;
}

function lead(runs: readonly Run[], date: Date | undefined): string {
  const noisy = runs.filter((run) => run.noisy === true).length;
  return [
    'Ethernet Message Passing for Node.js.',
    `${runs.length} result${runs.length === 1 ? '' : 's'}${date === undefined ? '' : `, ${date.toISOString().slice(0, 10)}`}.`,
    ...(noisy === 0
      ? []
      : [`${noisy} marked as noisy: measure again before you rely on ${noisy === 1 ? 'it' : 'them'}.`]),
  ].join(' ');
}

function summaryHtml(runs: readonly Run[]): string {
  if (runs.length === 0) return '';
  const first = headlines(runs);
  const every = `<details><summary>All ${runs.length} results</summary>${summaryTable(runs)}</details>`;
  return `<h2>Summary</h2>\n${summaryTable(first)}\n${first.length === runs.length ? '' : every}`;
}

function others(runs: readonly Run[]): string {
  return runs.length === 0 ? '' : `<h2>Other results</h2>\n${rawTable(runs)}`;
}

function remarks(runs: readonly Run[], absent: readonly string[]): string {
  const notes = runs.flatMap(({ driver, notes: said = [], baseline_note: why }) => [
    ...said.map((note) => (driver === undefined ? note : `${driver}: ${note}`)),
    ...(why === undefined ? [] : [`${driver ?? 'emp'}, no baseline: ${why}`]),
  ]);
  const lines = [...new Set([...absent, ...notes])];
  if (lines.length === 0) return '';
  return `\n<ul class="quiet">${lines.map((line) => `<li>${escape(line)}</li>`).join('')}</ul>`;
}

function sectionHtml(name: string, figures: readonly (Figure | undefined)[]): string {
  const drawn = figures.filter((figure) => figure !== undefined);
  if (drawn.length === 0) return '';
  return `<h2>${escape(name)}</h2>\n<div class="figures">\n${drawn.map(figureHtml).join('\n')}\n</div>`;
}
