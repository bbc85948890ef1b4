import { percentile } from '../samples.js';

/** The end of the sender is unplugged; that of the receiver; a switch between them drops everything, and tells nobody. */
export type FailureKind = 'link' | 'peer' | 'silent';
export const FAILURES: readonly FailureKind[] = ['link', 'peer', 'silent'];

/** ms */
export interface Gaps {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface FailoverResult {
  readonly test: 'failover';
  readonly driver: string;
  readonly policy: string;
  readonly wait: string;
  readonly size: number;
  readonly links: number;
  readonly every_ms: number;
  readonly window_ms: number;
  readonly failures: number;
  /** The longest time without a message in a window of `window_ms`: of each failure, */
  readonly gap_ms: Gaps;
  readonly gap_by_kind_ms: Readonly<Record<string, Gaps>>;
  /** of the return of each link, */
  readonly return_gap_ms: Gaps;
  /** and, for comparison, before each failure, when nothing happens; */
  readonly quiet_gap_ms: Gaps;
  /** the longest in all the time after these windows: until the link comes back, and until the next cycle. */
  readonly away_gap_ms: Gaps;
  readonly back_gap_ms: Gaps;
  readonly messages: number;
  readonly messages_per_s: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** What the kernel's documentation says of its own bonding. */
  readonly bonding: { readonly miimon_ms: number };
}

export function gapsOf(gaps: readonly number[]): Gaps {
  const sorted = Float64Array.from(gaps).sort();
  const at = (share: number): number => Math.round(percentile(sorted, share) * 1000) / 1000;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

const MEANING: Readonly<Record<string, string>> = {
  link: "sender's end down",
  peer: "receiver's end down",
  silent: 'switch drops',
};

/** For people. */
export function failoverText(result: FailoverResult): string {
  const { driver, policy, wait, size, links, failures, every_ms: every, gap_by_kind_ms: kinds } = result;
  const row = (name: string, { p50, p99, max }: Gaps): string =>
    name.padEnd(22) + [p50, p99, max].map((gap) => gap.toFixed(2).padStart(10)).join('');
  const { lost, duplicated, reordered, messages, messages_per_s: rate } = result;
  const miimon = result.bonding.miimon_ms;
  return [
    `failover   ${size}-byte messages over ${links} links, ${driver}, ${policy}, waiting by ${wait}`,
    `failures   ${failures}, one each ${every} ms, of the link that carries the frames; each lasts half of that`,
    `messages   ${messages}, ${rate}/s; lost ${lost}, doubled ${duplicated}, reordered ${reordered}`,
    '',
    `${`longest gap in ${result.window_ms} ms`.padEnd(22)}${['p50', 'p99', 'max'].map((name) => name.padStart(10)).join('')}`,
    ...Object.entries(kinds).map(([kind, gaps]) => row(MEANING[kind] ?? kind, gaps)),
    row('all failures', result.gap_ms),
    row('link comes back', result.return_gap_ms),
    row('nothing happens', result.quiet_gap_ms),
    '',
    row('later, while away', result.away_gap_ms),
    row('later, while back', result.back_gap_ms),
    '',
    `Linux bonding looks at a link each ${miimon} ms by default (miimon): it sees a failure after up to ${miimon} ms, and one beyond the`,
    'nearest switch not at all.',
  ].join('\n');
}
