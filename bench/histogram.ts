// A histogram of round-trip times for the terminal: rows of equal ratio (a latency has a long tail), one column of bars for
// each run that is compared.
import { percentile } from './samples.js';

export interface Series {
  readonly name: string;
  /** Sorted. */
  readonly samples: Float64Array;
}

const ROWS = 16;
const BAR = 26;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** The last row begins at most here, in medians: a long tail must not press the rest into one row. */
const TAIL = 10;

/**
 * Edges of the rows: equal ratios from the fastest sample to the slowest p99.9 of all series. What is slower is in the last
 * row, without an end.
 */
export function edges(series: readonly Series[], rows = ROWS): number[] {
  const low = Math.max(0.001, Math.min(...series.map(({ samples }) => samples[0] ?? 1)));
  const slowest = (share: number): number => Math.max(...series.map(({ samples }) => percentile(samples, share)));
  const high = Math.max(low * 1.05, Math.min(slowest(0.999), TAIL * slowest(0.5)));
  const ratio = (high / low) ** (1 / (rows - 1));
  return Array.from({ length: rows }, (_, row) => low * ratio ** row);
}

/** How many samples are in each row; row i begins at from[i] and ends where the next begins. */
export function count(samples: Float64Array, from: readonly number[]): number[] {
  const counts = new Array<number>(from.length).fill(0);
  let row = 0;
  for (const sample of samples) {
    while (row + 1 < from.length && sample >= from[row + 1]) row += 1;
    counts[row] += 1;
  }
  return counts;
}

function bar(share: number): string {
  // What is not zero is seen.
  const eighths = share === 0 ? 0 : Math.max(1, Math.round(share * BAR * 8));
  return ('█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]).padEnd(BAR);
}

function cell(amount: number, total: number, most: number): string {
  const percent = amount === 0 ? '' : `${((100 * amount) / total).toFixed(amount / total < 0.01 ? 3 : 1)}%`;
  return `${percent.padStart(7)} ${bar(amount / most)}`;
}

export function plot(series: readonly Series[]): string {
  const from = edges(series);
  const counts = series.map(({ samples }) => count(samples, from));
  const most = counts.map((of) => Math.max(1, ...of));
  const labels = from.map((edge, row) => `${row === from.length - 1 ? '≥' : ''}${edge.toFixed(2)}`);
  const width = Math.max(8, ...labels.map(({ length }) => length));
  const header = ['us'.padStart(width), ...series.map(({ name }) => `${' '.repeat(8)}${name.padEnd(BAR)}`)].join(' ');
  const rows = labels.map((label, row) =>
    [label.padStart(width), ...series.map((one, i) => cell(counts[i][row], one.samples.length, most[i]))].join(' '),
  );
  return [header, ...rows].map((line) => line.trimEnd()).join('\n');
}
