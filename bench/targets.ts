// What `npm run bench` holds its results against: 16-byte messages, spinning, beside the bare C program of the same run.
import type { PingpongResult } from './pingpong/result.js';

export interface Verdict {
  readonly target: string;
  readonly value: string;
  readonly met: boolean;
}

const RATIO_P50 = 1.35;
const RATIO_P99 = 2.5;

export function verdicts(result: PingpongResult): Verdict[] {
  const { ratio_p50, ratio_p99, gc, lost, doubled, reordered, corrupted, rounds } = result;
  const list: Verdict[] = [];
  if (ratio_p50 !== null) list.push(atMost('p50 / bare C', ratio_p50, RATIO_P50));
  if (ratio_p99 !== null) list.push(atMost('p99 / bare C', ratio_p99, RATIO_P99));
  if (gc !== null) list.push({ target: 'scavenges = 0', value: `${gc.scavenges}`, met: gc.scavenges === 0 });
  const wrong = lost + doubled + reordered + corrupted;
  list.push({ target: 'lost, doubled, reordered, corrupted = 0', value: `${wrong} of ${rounds}`, met: wrong === 0 });
  return list;
}

function atMost(what: string, value: number, limit: number): Verdict {
  return { target: `${what} <= ${limit}`, value: value.toFixed(2), met: value <= limit };
}
