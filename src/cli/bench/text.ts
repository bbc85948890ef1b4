// Results as a table for people: a line a result, then what they have to know.
import type { BenchResult } from '../../../bench/tests/result.js';
import { table } from '../output.js';

/** With a thousands' separator, or three significant digits. */
export function quantity(value: number): string {
  return value >= 1000
    ? Math.round(value).toLocaleString('en').replaceAll(',', ' ')
    : String(Number(value.toPrecision(3)));
}

const CONDITIONS = ['wait', 'activity', 'size', 'outstanding', 'depth', 'channels', 'offered_per_s', 'loss'] as const;

const COLUMNS: readonly [string, (result: BenchResult) => number | undefined][] = [
  ['messages/s', ({ messages_per_s }) => messages_per_s],
  ['requests/s', ({ requests_per_s }) => requests_per_s],
  ['Gbit/s', ({ gbit_per_s }) => gbit_per_s],
  ['p50 us', ({ rtt_us }) => rtt_us?.p50],
  ['p99 us', ({ rtt_us }) => rtt_us?.p99],
  ['p99.9 us', ({ rtt_us }) => rtt_us?.p999],
  ['p99.99 us', (result) => percentileOf(result, 0.9999)],
  ['p99.999 us', (result) => percentileOf(result, 0.99999)],
  ['p99.9999 us', (result) => percentileOf(result, 0.999999)],
  ['goodput', ({ goodput }) => goodput],
  ['cpu client', ({ test, cpu }) => (test === 'idle' ? cpu.client : undefined)],
  ['cpu server', ({ test, cpu }) => (test === 'idle' ? (cpu.server ?? undefined) : undefined)],
];

export function resultTable(results: readonly BenchResult[]): string {
  const differ = (name: (typeof CONDITIONS)[number]): boolean =>
    name === 'size' || new Set(results.map((result) => result[name])).size > 1;
  const conditions = CONDITIONS.filter((name) => results.some((result) => result[name] !== undefined) && differ(name));
  const columns = COLUMNS.filter(([, of]) => results.some((result) => of(result) !== undefined));
  const header = ['driver', ...conditions, ...columns.map(([title]) => title), 'bare C', 'ratio', ''];
  const rows = results.map((result) => [
    result.driver,
    ...conditions.map((name) => (result[name] === undefined ? '' : String(result[name]))),
    ...columns.map(([, of]) => cell(of(result))),
    baseline(result),
    ratio(result),
    result.noisy ? `noisy: ${result.noise.join(', ')}` : '',
  ]);
  return table(header, rows);
}

/** Undefined: there are too few samples to tell. */
function percentileOf({ percentiles }: BenchResult, share: number): number | undefined {
  return percentiles?.find(([at]) => at === share)?.[1];
}

function cell(value: number | undefined): string {
  return value === undefined ? '' : quantity(value);
}

function baseline({ baseline: compared, messages_per_s, requests_per_s }: BenchResult): string {
  if (compared === null) return '';
  const { frames_per_s, gbit_per_s = NaN, rtt_us, size, mode } = compared;
  const counts = (messages_per_s ?? requests_per_s) !== undefined;
  const figure =
    rtt_us !== undefined
      ? `${quantity(rtt_us.p50)} us`
      : counts && frames_per_s !== undefined
        ? `${quantity(frames_per_s)}/s`
        : `${quantity(gbit_per_s)} Gbit/s`;
  return `${figure} (${compared.program} ${mode}, ${size} B)`;
}

function ratio({ ratio: middle, ratio_low, ratio_high }: BenchResult): string {
  return middle === null ? '' : `${middle.toFixed(2)} (${ratio_low!.toFixed(2)} to ${ratio_high!.toFixed(2)})`;
}

/** What went wrong, and why nothing is compared, each once. */
export function remarks(results: readonly BenchResult[]): string[] {
  const lines = results.flatMap(
    ({ driver, lost, doubled, reordered, corrupted, offered_per_s, unsent = 0, baseline_note, notes }) => [
      ...(lost + doubled + reordered + corrupted === 0
        ? []
        : [`${driver}: lost ${lost}, doubled ${doubled}, reordered ${reordered}, corrupted ${corrupted}`]),
      ...(unsent === 0
        ? []
        : [
            `${driver}, ${quantity(offered_per_s!)}/s: ${quantity(unsent)} requests were due but not sent before the end`,
          ]),
      ...(baseline_note === null ? [] : [`${driver}, no baseline: ${baseline_note}`]),
      ...notes.map((note) => `${driver}: ${note}`),
    ],
  );
  return [...new Set(lines)];
}
