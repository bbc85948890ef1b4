// Results as text and as CSV.
import { machineLine } from '../machine.js';
import { valueOf, type PeerRow, type PeersResult } from './result.js';
import type { Times } from './contract.js';

const TIMES: readonly [keyof Times, string][] = [
  ['p50', 'p50'],
  ['p99', 'p99'],
  ['mean', 'mean'],
];

export function peersText(result: PeersResult): string {
  return [header(result), ...groups(result.rows).map(groupText), ...remarks(result)].join('\n\n');
}

/** Rows of one test and size stand together already. */
function groups(rows: readonly PeerRow[]): PeerRow[][] {
  const together: PeerRow[][] = [];
  for (const row of rows) {
    const group = together.at(-1);
    if (group?.[0].test === row.test && group[0].size === row.size) group.push(row);
    else together.push([row]);
  }
  return together;
}

function header({ wire, cores, machine, rounds, warmup, seconds, slices, noise }: PeersResult): string {
  const each = `${rounds} round trips after ${warmup}, or ${seconds} s`;
  const lines = [
    `wire      ${wire}`,
    `cores     ${cores === null ? 'not pinned' : `client on ${cores.client}, server on ${cores.server}`}`,
    `machine   ${machineLine(machine)}`,
    `slices    ${slices}, in which all take turns, each of ${each}; figures are medians over the slices`,
  ];
  return [...lines, ...noise.map((reason) => `noisy     ${reason}`)].join('\n');
}

function groupText(rows: readonly PeerRow[]): string {
  const [{ test, size }] = rows;
  const bandwidth = test === 'throughput';
  const title = bandwidth ? `throughput  ${size} bytes, Gbit/s` : `ping-pong  ${size} bytes, µs for a round trip`;
  const columns = bandwidth ? ['Gbit/s'] : TIMES.map(([, name]) => name);
  const cells = rows.map((row) => [
    `${row.peer} ${row.version}`,
    row.transport,
    ...(bandwidth ? [number(row.gbit_per_s)] : TIMES.map(([key]) => number(row.rtt_us?.[key]))),
    times(row.ratio_best, row),
    times(row.ratio_udp, row),
    row.spread === null ? '-' : `${Math.round(row.spread * 100)} %`,
    row.error === null ? row.note : `failed: ${row.error}`,
  ]);
  return `${title}\n${aligned([['peer', 'over', ...columns, 'x emp', 'x emp udp', 'spread', ''], ...cells])}`;
}

function number(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : value.toFixed(2);
}

/** Marked where it is of means. */
function times(ratio: number | null, { measure }: PeerRow): string {
  return ratio === null ? '-' : `${measure === 'mean' ? '~' : ''}${ratio.toFixed(2)}`;
}

/** The first two columns and the last are words, the others numbers. */
function aligned(lines: readonly string[][]): string {
  const last = lines[0].length - 1;
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const cell = (text: string, i: number): string =>
    i < 2 ? text.padEnd(widths[i]) : i < last ? text.padStart(widths[i]) : text;
  return lines.map((line) => line.map(cell).join('  ').trimEnd()).join('\n');
}

function remarks({ rows, missing }: PeersResult): string[] {
  const lines: string[] = [];
  if (rows.length > 0)
    lines.push("x emp: times the figure of emp's best driver in this run; x emp udp: of emp over udp.");
  if (rows.some(({ measure }) => measure === 'mean')) {
    lines.push('~: the tool tells no percentiles. It is ordered by its mean, which is compared with a mean.');
  }
  const offers = missing.map(({ peer, install }) => `  ${peer.padEnd(13)} ${install}`);
  if (offers.length > 0) lines.push('Not installed:', ...offers);
  return lines.length === 0 ? [] : [lines.join('\n')];
}

const CSV: readonly [string, (row: PeerRow) => string | number | null | undefined][] = [
  ['test', ({ test }) => test],
  ['size', ({ size }) => size],
  ['peer', ({ peer }) => peer],
  ['version', ({ version }) => version],
  ['transport', ({ transport }) => transport],
  ...(['min', 'p50', 'p90', 'p99', 'p999', 'p9999', 'max', 'mean'] as const).map(
    (key) => [`${key}_us`, (row: PeerRow) => row.rtt_us?.[key]] as [string, (row: PeerRow) => number | undefined],
  ),
  ['gbit_per_s', ({ gbit_per_s }) => gbit_per_s],
  ['measure', ({ measure }) => measure],
  ['value', (row) => valueOf(row)],
  ['spread', ({ spread }) => spread],
  ['ratio_best', ({ ratio_best }) => ratio_best],
  ['ratio_udp', ({ ratio_udp }) => ratio_udp],
  ['note', ({ note }) => note],
  ['error', ({ error }) => error],
];

/** RFC 4180, with the names of the columns first; what is not there is empty. */
export function peersCsv({ rows }: PeersResult): string {
  const lines = [CSV.map(([name]) => name), ...rows.map((row) => CSV.map(([, value]) => value(row)))];
  return lines.map((line) => line.map(quoted).join(',')).join('\n');
}

function quoted(value: string | number | null | undefined): string {
  const text = `${value ?? ''}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
