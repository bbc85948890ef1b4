// Who takes part: a contest of a peer, or a driver of ours. For the rules of the tournament they are alike.
import { play } from './bout.js';
import type { Bout, Contest, Figures, Found, Peer, Test } from './contract.js';

export interface Contender {
  readonly peer: string;
  readonly version: string;
  readonly test: Test;
  readonly transport: string;
  readonly note: string;
  readonly sleeps: boolean;
  /** Why it cannot do this size, or undefined. */
  refuses(size: number): string | undefined;
  play(bout: Bout, signal: AbortSignal): Promise<Figures>;
}

export function contendersOf({ name }: Peer, { version, contests }: Found): Contender[] {
  return contests.map((contest: Contest) => ({
    peer: name,
    version,
    test: contest.test,
    transport: contest.transport,
    note: contest.note,
    sleeps: contest.sleeps === true,
    refuses: (size) => contest.refuses?.(size),
    play: (bout, signal) => play(contest, bout, signal),
  }));
}
