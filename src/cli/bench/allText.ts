// The whole report as text: a table of each test, the targets, what could not be measured, how long it took.
import type { AllResults } from '../../../bench/all/run.js';
import { machineLine } from '../../../bench/machine.js';
import { peersText } from '../../../bench/peers/table.js';
import type { PeersResult } from '../../../bench/peers/result.js';
import type { PingpongResult } from '../../../bench/pingpong/result.js';
import type { Run } from '../../../bench/report/run.js';
import { verdictsOn } from '../../../bench/targets/list.js';
import { TEST_NAMES, type BenchResult } from '../../../bench/tests/result.js';
import { table } from '../output.js';
import { remarks, resultTable } from './text.js';

type Any = PingpongResult | BenchResult | PeersResult;

export function allText(all: AllResults, runs: readonly Run[], html: string): string {
  const results = all.results as Any[];
  const tests = results.filter((one): one is BenchResult => (TEST_NAMES as readonly string[]).includes(one.test));
  const sections = [
    machineLine(all.machine),
    ...section('pingpong', pingpongTable(results.filter((one) => one.test === 'pingpong'))),
    ...TEST_NAMES.flatMap((name) => testSection(name, tests)),
    ...results.filter((one) => one.test === 'peers').map((one) => peersText(one)),
    ...section('targets', targetTable(runs)),
    [...new Set([...failures(all), ...remarks(tests)])].join('\n'),
    `Elapsed: ${minutes(all.elapsed_s)}\nResults: ${all.file}\nPage:    ${html}`,
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

function section(name: string, text: string): string[] {
  return text === '' ? [] : [`${name}\n${text}`];
}

function testSection(name: string, tests: readonly BenchResult[]): string[] {
  const own = tests.filter(({ test }) => test === name);
  return own.length === 0 ? [] : section(name, resultTable(own));
}

function pingpongTable(results: readonly PingpongResult[]): string {
  if (results.length === 0) return '';
  const us = (value: number | undefined): string => value?.toFixed(2) ?? '';
  const rows = results.map(({ driver, mode, size, payload_check, rtt_us, baseline, ratio_p50 }) => [
    ...[driver, `${size}${payload_check ? ', checked' : ''}`, us(rtt_us.p50), us(rtt_us.p99), us(rtt_us.p999)],
    baseline === null ? '' : `${us(baseline.rtt_us.p50)} (${baseline.mode})`,
    ...[ratio_p50 === null ? '' : us(ratio_p50), mode],
  ]);
  return table(['driver', 'size', 'p50 us', 'p99 us', 'p99.9 us', 'bare C', 'ratio', ''], rows);
}

function targetTable(runs: readonly Run[]): string {
  const verdicts = verdictsOn(runs);
  if (verdicts.length === 0) return '';
  const rows = verdicts.map(({ target, of, figure, bar, from, met, noisy }) => [
    ...[met ? 'met' : 'MISSED', target, of, figure, bar],
    `${from}${noisy ? ' (noisy)' : ''}`,
  ]);
  return table(['', 'target', 'of', 'measured', 'bar', ''], rows);
}

function failures({ failed }: AllResults): string[] {
  return failed.map(({ test, driver, reason }) => `${driver ?? test}: not measured. ${reason}`);
}

function minutes(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
