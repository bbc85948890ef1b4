// The table at the top: a row for each run, ours beside what it is compared with.
import { digits, percent, si, us } from './format.js';
import { escape, table } from './html.js';
import type { Figures, Run } from './run.js';
import { conditionsOf, floorName, nameOf } from './series.js';

type Told = (figures: Figures) => string | undefined;

const REQUESTS: Told = ({ requests_per_s, frames_per_s }) => perSecond('requests', requests_per_s ?? frames_per_s);
const MESSAGES: Told = ({ messages_per_s, frames_per_s }) => perSecond('messages', messages_per_s ?? frames_per_s);
const BANDWIDTH: Told = ({ gbit_per_s }) => (gbit_per_s === undefined ? undefined : `${digits(gbit_per_s)} Gbit/s`);
const TIMES: Told = ({ rtt_us }) => times(rtt_us);

/** What each test is about, first; in the order of the page. */
const TOLD: Readonly<Record<string, readonly Told[]>> = {
  pingpong: [TIMES],
  load: [TIMES],
  rate: [MESSAGES],
  throughput: [BANDWIDTH],
  requests: [REQUESTS],
  depth: [REQUESTS, MESSAGES, TIMES],
  connections: [REQUESTS, TIMES],
  loss: [BANDWIDTH, MESSAGES, REQUESTS, TIMES],
  idle: [TIMES],
};

export function isKnown({ test, peer }: Run): boolean {
  return peer !== undefined || Object.hasOwn(TOLD, test);
}

function perSecond(what: string, value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${si(value)} ${what}/s`;
}

function times(rtt: Figures['rtt_us']): string | undefined {
  if (rtt?.p50 === undefined) return rtt?.mean === undefined ? undefined : `mean ${us(rtt.mean)} µs`;
  return `p50 ${us(rtt.p50)} µs${rtt.p99 === undefined ? '' : `, p99 ${us(rtt.p99)} µs`}`;
}

/** Of each test and series the first run, or the fastest where speed is what is measured; those of a test together. */
export function headlines(runs: readonly Run[]): Run[] {
  const best = new Map<string, Run>();
  for (const run of runs) {
    const key = JSON.stringify([run.test, nameOf(run)]);
    const other = best.get(key);
    if (other === undefined || speed(run) > speed(other)) best.set(key, run);
  }
  const tests = Object.keys(TOLD);
  return [...best.values()].sort((a, b) => tests.indexOf(a.test) - tests.indexOf(b.test));
}

/** 0 where a test is about something else. */
function speed({ test, messages_per_s, requests_per_s, gbit_per_s }: Run): number {
  if (test === 'throughput') return gbit_per_s ?? 0;
  return ['rate', 'requests', 'depth'].includes(test) ? (messages_per_s ?? requests_per_s ?? 0) : 0;
}

/** Of runs whose test is known. */
export function summaryTable(runs: readonly Run[]): string {
  const rows = runs.map((run) => {
    const told = TOLD[run.test];
    return [
      run.test,
      [nameOf(run), ...conditionsOf(run)].join(', '),
      [told.map((of) => of(run)).find((text) => text !== undefined), cpu(run)].filter(Boolean).join(', '),
      baseline(run, told),
      ratio(run),
      { html: noise(run) },
    ];
  });
  return table({ columns: ['test', 'with', 'measured', 'baseline', 'ratio', 'noise'], rows }, 'summary');
}

/** Of tests that are not known here: as they came. */
export function rawTable(runs: readonly Run[]): string {
  const rows = runs.map(({ test, raw }) => {
    const shown = Object.entries(raw).filter(([name, value]) => !['test', 'machine'].includes(name) && value !== null);
    const fields = shown.map(([name, value]) => `<code>${escape(name)}: ${escape(JSON.stringify(value))}</code>`);
    return [test, { html: fields.join(' ') }];
  });
  return table({ columns: ['test', 'fields'], rows }, 'summary');
}

function cpu({ test, cpu: used }: Run): string | undefined {
  if (test !== 'idle' || used === undefined) return undefined;
  return Object.entries(used)
    .map(([end, share]) => `${end} ${percent(share)} of a core`)
    .join(', ');
}

function baseline(run: Run, told: readonly Told[]): string {
  const { baseline: compared } = run;
  if (compared === undefined) return '';
  const text = [...told, TIMES].map((of) => of(compared)).find((one) => one !== undefined);
  // What a bare program sends is a frame, or a datagram, each.
  return text === undefined ? '' : `${text.replace(/(messages|requests)\/s/, 'frames/s')} (${floorName(run)})`;
}

function ratio({ ratio: middle, ratio_low, ratio_high, ratio_p50, ratio_p99 }: Run): string {
  const two = (value: number): string => `${value.toFixed(2)}×`;
  if (middle !== undefined) {
    return ratio_low === undefined || ratio_high === undefined
      ? two(middle)
      : `${two(middle)} (${ratio_low.toFixed(2)} to ${ratio_high.toFixed(2)})`;
  }
  if (ratio_p50 === undefined) return '';
  const range = ratio_low === undefined ? '' : ` (${ratio_low.toFixed(2)} to ${(ratio_high ?? ratio_low).toFixed(2)})`;
  return `${two(ratio_p50)}${range}${ratio_p99 === undefined ? '' : `, p99 ${two(ratio_p99)}`}`;
}

function noise({ noisy, noise: reasons = [] }: Run): string {
  if (noisy !== true) return '';
  return `<strong class="noisy">noisy</strong>${reasons.length === 0 ? '' : ` ${escape(reasons.join(', '))}`}`;
}
