// Counters as text: a table of all hosts; a host with its NIC, loop and channels.
import { quantile, type TimeBucket } from '../../arq/histogram.js';
import { commandOf } from '../../host/stat/files.js';
import type { ChannelSnapshot, Counters, HostSnapshot } from '../../host/stat/read.js';
import { table } from '../output.js';
import { channelRates, newTimes, ratesOf, type Before, type Rates } from './rates.js';

const LONGEST_COMMAND = 60;

export function hostTable(hosts: readonly HostSnapshot[]): string {
  const header = [
    'PID',
    'HOST',
    'DRIVER',
    'INTERFACE',
    'ADDRESS',
    'CHANNELS',
    'FRAMES IN',
    'FRAMES OUT',
    'OPEN',
    'COMMAND',
  ];
  const rows = hosts.map(({ pid, host, nic, counters, opened }) => [
    ...[String(pid), String(host), nic.driver, nic.interface ?? '-', nic.address, String(counters.channels)],
    ...[grouped(counters.nic['rxFrames']), grouped(counters.nic['txFrames']), since(opened), command(pid)],
  ]);
  return table(header, rows);
}

/** @param rows how many lines there is room for; channels that find none are counted */
export function hostView(host: HostSnapshot, before?: Before, rows = Infinity): string {
  const head = [`Process ${host.pid}, host ${host.host}: ${command(host.pid)}`, facts(host)];
  const body = [...head, '', ...numbers(host, before), '', ...times(host, before)];
  return [...body, '', ...channelLines(host, before, rows - body.length - 2)].join('\n');
}

function facts({ nic, wait, opened, counters }: HostSnapshot): string {
  const { driver, mode, address, interface: name, queue, namespace } = nic;
  const where = [
    name,
    queue === null ? undefined : `queue ${queue}`,
    namespace === null ? undefined : `in ${namespace}`,
  ];
  const place = where.filter((part) => part !== null && part !== undefined).join(', ');
  const on = place === '' ? '' : ` on ${place}`;
  return `${driver} (${mode})${on}, ${address}, waits by ${wait}, open for ${since(opened)}, channels: ${counters.channels}`;
}

const SECTIONS: readonly [keyof Rates, string][] = [
  ['nic', 'NIC'],
  ['host', 'host'],
  ['rejected', 'rejected'],
  ['loop', 'loop'],
  ['paths', 'paths'],
  ['total', 'channels'],
];

/** All counters that are not 0. */
function numbers(host: HostSnapshot, before: Before | undefined): string[] {
  const rates = before === undefined ? undefined : ratesOf(host, before);
  const rows = SECTIONS.flatMap(([section, title]) =>
    Object.entries(host.counters[section])
      .filter(([name, value]) => value !== 0 && !name.startsWith('roundTrip'))
      .map(([name, value], i) => [
        ...[i === 0 ? title : '', name, grouped(value)],
        ...(rates === undefined ? [] : [rate(rates[section][name])]),
      ]),
  );
  const header = ['', '', 'total', ...(before === undefined ? [] : ['per second'])];
  return aligned([header, ...rows], 2);
}

/** Of the time since the last look, or since the host was opened. */
function times({ counters }: HostSnapshot, before: Before | undefined): string[] {
  const { loop, total, turnLengths, roundTrips } = counters;
  const then = before?.host.counters;
  const row = (name: string, all: readonly TimeBucket[], old: readonly TimeBucket[] | undefined, longest: number) => {
    const fresh = old === undefined ? all : newTimes(all, old);
    const cells = [0.5, 0.9, 0.99, 0.999].map((share) => (fresh.length === 0 ? '-' : micro(quantile(fresh, share))));
    return [name, ...cells, micro(longest)];
  };
  return aligned(
    [
      ['us', 'p50', 'p90', 'p99', 'p99.9', 'longest ever'],
      row('turns with frames', turnLengths, then?.turnLengths, loop['longestTurn']),
      row('round trips', roundTrips, then?.roundTrips, total['roundTripMax']),
    ],
    1,
  );
}

const COLUMNS = [
  'CHANNEL',
  'PEER',
  'PORT',
  'OUT',
  '/S',
  'IN',
  '/S',
  'MB OUT',
  'MB IN',
  'RESENT',
  'STALLS',
  'RTT US',
  'MIN',
  'MAX',
];

/** The busiest first. */
function channelLines(host: HostSnapshot, before: Before | undefined, room: number): string[] {
  if (host.channels.length === 0) return ['no channels'];
  const rates = before === undefined ? undefined : channelRates(host, before);
  const activity = ({ id, counters }: ChannelSnapshot): number => messages(rates?.get(id) ?? counters);
  const sorted = [...host.channels].sort((a, b) => activity(b) - activity(a));
  const shown = sorted.slice(0, Math.max(1, room - 1));
  const lines = aligned([COLUMNS, ...shown.map((channel) => channelRow(channel, rates?.get(channel.id)))], 2);
  const more = sorted.length - shown.length;
  return more === 0 ? lines : [...lines, `and ${more} more`];
}

function messages(counters: Counters): number {
  return (counters['messagesSent'] ?? 0) + (counters['messagesReceived'] ?? 0);
}

function channelRow({ id, address, port, counters }: ChannelSnapshot, rates: Counters | undefined): string[] {
  const sum = (names: RegExp): number =>
    Object.entries(counters).reduce((all, [name, value]) => (names.test(name) ? all + value : all), 0);
  const { roundTrips, roundTripSum, roundTripMin, roundTripMax } = counters;
  return [
    ...[id.toString(16), address, String(port)],
    ...[grouped(counters['messagesSent']), rate(rates?.['messagesSent'])],
    ...[grouped(counters['messagesReceived']), rate(rates?.['messagesReceived'])],
    ...[megabytes(counters['bytesSent']), megabytes(counters['bytesReceived'])],
    ...[grouped(sum(/Resends$|^tailProbes$/)), grouped(sum(/Stalls$/))],
    ...(roundTrips > 0 ? [roundTripSum / roundTrips, roundTripMin, roundTripMax].map(micro) : ['-', '-', '-']),
  ];
}

/** Columns from `right` on are numbers. */
function aligned(rows: readonly (readonly string[])[], right: number): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const pad = (cell: string, column: number): string =>
    column < right ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
  return rows.map((row) => row.map(pad).join('  ').trimEnd());
}

function grouped(value: number | undefined): string {
  return value === undefined ? '-' : Math.round(value).toLocaleString('en').replaceAll(',', ' ');
}

function rate(value: number | undefined): string {
  if (value === undefined) return '-';
  return value > 0 && value < 10 ? value.toFixed(1) : grouped(value);
}

function micro(value: number): string {
  return value < 100 ? value.toFixed(1) : grouped(value);
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '-' : (bytes / 1e6).toFixed(1);
}

function since(opened: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - opened) / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return [hours, minutes, seconds % 60].map((part) => String(part).padStart(2, '0')).join(':');
}

function command(pid: number): string {
  return commandOf(pid).slice(0, LONGEST_COMMAND);
}
