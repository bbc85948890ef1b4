// What `emp bench all` holds its results against, each beside its baseline of the same run.
import { bytesWithUnit, digits, percent } from '../report/format.js';
import type { Run } from '../report/run.js';
import { channelsLatency, channelsRequests } from './channels.js';
import { halfOfPeak, ratioOf, requestsOverBest } from './floods.js';
import { goodput, latencyUnderLoss } from './loss.js';
import { pingpongRatio, scavenges, wrong } from './pingpong.js';
import { judge, type Target, type Verdict } from './target.js';
import { idleCpu, stalls, waitingRatio } from './waiting.js';

const times = (value: number): string => `${digits(value)}×`;
const ms = (value: number): string => `${digits(value)} ms`;

/** Two measurements of the same thing differ by so much on a machine that others share: what is to be unchanged may differ so. */
const UNCHANGED = 0.1;

const WIRES = ['xdp', 'packet', 'udp'];

export const TARGETS: readonly Target[] = [
  {
    name: 'p50 / bare C, 16 B',
    bar: { atMost: 1.25 },
    format: times,
    figures: pingpongRatio('p50', WIRES),
  },
  {
    name: 'p50 / bare C, 16 B, first bar',
    bar: { atMost: 1.35 },
    format: times,
    figures: pingpongRatio('p50', WIRES),
  },
  {
    name: 'p99 / bare C, 16 B',
    bar: { atMost: 2.5 },
    format: times,
    figures: pingpongRatio('p99', WIRES),
  },
  {
    name: 'scavenges',
    bar: { atMost: 0 },
    format: String,
    figures: scavenges,
  },
  {
    name: 'lost, doubled, reordered, corrupted',
    bar: { atMost: 0 },
    format: String,
    figures: wrong,
  },
  {
    name: 'messages/s / frames/s of bare C, 16 B',
    bar: { atLeast: 10 },
    format: times,
    figures: ratioOf('rate', 16, ['xdp', 'udp']),
  },
  {
    name: 'requests/s / frames/s of bare C, 64 outstanding, best driver',
    bar: { atLeast: 3 },
    format: times,
    figures: requestsOverBest,
  },
  {
    name: 'bandwidth / bare C, 64 MiB',
    bar: { atLeast: 0.85 },
    format: times,
    figures: ratioOf('throughput', 64 * 1024 ** 2, ['xdp']),
  },
  {
    name: 'bandwidth / iperf3, 64 MiB',
    bar: { atLeast: 1 },
    format: times,
    figures: ratioOf('throughput', 64 * 1024 ** 2, ['udp'], 'iperf3'),
  },
  {
    name: 'size with half of the peak bandwidth',
    bar: { atMost: 750 },
    format: bytesWithUnit,
    figures: halfOfPeak(WIRES),
  },
  {
    name: 'p50, many channels / one',
    bar: { atMost: 1.15 },
    format: times,
    figures: channelsLatency,
  },
  {
    name: 'requests/s, many channels / one',
    bar: { atLeast: 1 - UNCHANGED },
    format: times,
    figures: channelsRequests,
  },
  {
    name: 'goodput, 1 % lost / none',
    bar: { atLeast: 0.7 },
    format: percent,
    figures: goodput(0.01),
  },
  {
    name: 'p50, 1 % lost / none',
    bar: { atMost: 1 + UNCHANGED },
    format: times,
    figures: latencyUnderLoss(0.01),
  },
  {
    name: 'p50 / bare C that waits in the same way, hosts that sleep',
    bar: { atMost: 1.25 },
    format: times,
    figures: waitingRatio,
  },
  {
    name: 'processor time of idle hosts',
    bar: { atMost: 0.02 },
    format: percent,
    figures: idleCpu,
  },
  {
    name: 'stall of the event loop under a flood',
    bar: { atMost: 2 },
    format: ms,
    figures: stalls,
  },
];

export function verdictsOn(runs: readonly Run[]): Verdict[] {
  return judge(TARGETS, runs);
}
