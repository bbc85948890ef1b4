import { setTimeout as delay } from 'node:timers/promises';

import { EmpError } from '../../src/index.js';
import type { Testbed } from '../../src/testbed/testbed.js';
import type { Child } from '../children.js';
import type { FailoverCommands } from './commands.js';
import type { FailureKind } from './result.js';

/** So long after something has happened, a gap is taken for its doing, ms. */
const WINDOW = 100;
/** Without a message for so long, ms, the gap is not over. */
const FLOWS = 5;

export type End = Child<FailoverCommands>;

/** What the receiver saw of one failure: the longest time without a message, ms. */
export interface Cycle {
  readonly kind: FailureKind;
  /** Just before it, when nothing happened. */
  readonly quiet: number;
  /** When the link failed. */
  readonly failed: number;
  /** When it came back. */
  readonly returned: number;
  /** In the time that it was away, and that it was back, after those. */
  readonly away: number;
  readonly back: number;
}

/** How long the windows are, ms, when a failure comes each `every`. */
export function windowOf(every: number): number {
  return Math.min(WINDOW, every / 5);
}

/** The link that carries the frames fails, and comes back half of `every` later; it takes `every` ms. */
export async function cycle(
  { testbed, client, server }: { testbed: Testbed; client: End; server: End },
  { every, kind, signal }: { every: number; kind: FailureKind; signal: AbortSignal | undefined },
): Promise<Cycle> {
  const name = await client.call('active');
  const link = testbed.links.findIndex(({ a }) => a.interface === name);
  if (link < 0) throw new EmpError('ERR_EMP_TOOL_FAILED', 'No path carries frames: the channel cannot go on.');
  const set = (works: boolean): Promise<void> =>
    kind === 'silent' ? testbed.forward(link, works) : testbed.plug(link, kind === 'link' ? 'a' : 'b', works);
  const start = performance.now();
  const window = windowOf(every);
  /** The longest gap until so many ms of the cycle have passed. */
  const until = async (ms: number): Promise<number> => {
    await delay(Math.max(0, start + ms - performance.now()), undefined, { signal });
    return (await server.call('seen')).longestGap;
  };
  /** That of a window, which ends when messages flow, or at `ms` of the cycle. */
  const after = async (ms: number): Promise<number> => {
    let longest = 0;
    for (let wait = window; ; wait = FLOWS) {
      await delay(wait, undefined, { signal });
      const { longestGap, silentFor } = await server.call('seen');
      longest = Math.max(longest, longestGap);
      if (silentFor < FLOWS || performance.now() - start > ms) return longest;
    }
  };
  await until(0);
  const quiet = await until(window);
  await set(false);
  const failed = await after(every / 2 + window);
  const away = await until(every / 2 + window);
  await set(true);
  const returned = await after(every);
  return { kind, quiet, failed, returned, away, back: await until(every) };
}
