// A result as text: what was measured, the percentiles, a histogram.
import { plot } from '../histogram.js';
import { machineLine } from '../machine.js';
import type { Summary } from '../samples.js';
import type { Measured, PingpongResult, Skipped } from './result.js';

const COLUMNS: readonly [keyof Summary, string][] = [
  ['min', 'min'],
  ['p50', 'p50'],
  ['p90', 'p90'],
  ['p99', 'p99'],
  ['p999', 'p99.9'],
  ['p9999', 'p99.99'],
  ['p99999', 'p99.999'],
  ['p999999', 'p99.9999'],
  ['max', 'max'],
  ['mean', 'mean'],
];

export function report({ result, samples, baselineSamples }: Measured): string {
  const series = [{ name: 'emp', samples: samples.slice().sort() }];
  if (baselineSamples !== undefined) series.push({ name: 'bare C', samples: baselineSamples.slice().sort() });
  return [header(result), percentiles(result), plot(series), ...remarks(result)].join('\n\n');
}

function header(result: PingpongResult): string {
  const { driver, mode, size, wait, cores, rounds, warmup, slices, wire, machine } = result;
  const lines: [string, string][] = [
    [
      'ping-pong',
      `${size} bytes${result.payload_check ? ', payloads checked,' : ''} over ${driver} (${mode}), waiting by ${wait}, ${wire}`,
    ],
    [
      'cores',
      cores === null
        ? 'not pinned'
        : `client on ${cores.client}, server ${cores.server === null ? 'elsewhere' : `on ${cores.server}`}`,
    ],
    ['machine', machineLine(machine)],
    [
      'rounds',
      `${group(rounds)} in ${slices} slice${slices === 1 ? '' : 's'}, each after ${group(warmup)} to warm up; ` +
        `lost ${result.lost}, doubled ${result.doubled}, reordered ${result.reordered}, corrupted ${result.corrupted}`,
    ],
  ];
  return lines.map(([name, text]) => `${name.padEnd(10)} ${text}`).join('\n');
}

function group(count: number): string {
  return count.toLocaleString('en').replaceAll(',', ' ');
}

function percentiles({ rtt_us, baseline }: PingpongResult): string {
  const row = (name: string, cells: readonly string[]): string =>
    name.padEnd(8) + cells.map((cell) => cell.padStart(11)).join('');
  const columns = COLUMNS.filter(([key]) => rtt_us[key] !== undefined);
  const times = (summary: Summary): string[] => columns.map(([key]) => (summary[key] ?? NaN).toFixed(2));
  const rows = [
    row(
      'us',
      columns.map(([, title]) => title),
    ),
    row('emp', times(rtt_us)),
  ];
  if (baseline !== null) {
    rows.push(
      row('bare C', times(baseline.rtt_us)),
      row(
        'ratio',
        columns.map(([key]) => `${((rtt_us[key] ?? NaN) / (baseline.rtt_us[key] ?? NaN)).toFixed(2)}x`),
      ),
    );
  }
  return rows.join('\n');
}

function remarks(result: PingpongResult): string[] {
  const { baseline_note, gc, noise, notes, slices, ratio_p50, ratio_low, ratio_high } = result;
  const lines: string[] = [];
  if (ratio_p50 !== null && slices > 1) {
    const range = `${ratio_low!.toFixed(2)} to ${ratio_high!.toFixed(2)}`;
    lines.push(`p50 of ${slices} slices in turns with bare C: ${ratio_p50.toFixed(2)} times, from ${range}.`);
  }
  if (baseline_note !== null) lines.push(`No baseline: ${baseline_note}.`);
  if (gc !== null) {
    const bytes = gc.bytes_per_round === null ? '' : `; the heaps grew by ${gc.bytes_per_round} bytes for each round`;
    lines.push(`Garbage collector, both ends: ${gc.scavenges} scavenges, ${gc.others} other collections${bytes}.`);
  }
  if (noise.length > 0) lines.push(`Noisy: ${noise.join(', ')}.`);
  lines.push(...notes.map((note) => `Note: ${note}`));
  return lines.length === 0 ? [] : [lines.join('\n')];
}

export function skippedLines(skipped: readonly Skipped[]): string {
  const byReason = new Map<string, string[]>();
  for (const { driver, reason } of skipped) byReason.set(reason, [...(byReason.get(reason) ?? []), driver]);
  return [...byReason].map(([reason, drivers]) => `Not over ${drivers.join(' and ')}: ${reason}`).join('\n');
}
