import type { Limit, Outcome } from './commands.js';

/** What a client does during a run: driven by its handlers, and by `turn` between two polls. */
export interface Task {
  /** Begins a run. */
  start(limit: Limit): void;
  /** Called between polls by who spins; undefined: the handlers do all. */
  readonly turn: (() => void) | undefined;
  /** The run is over: `outcome` has what it brought. */
  readonly done: boolean;
  /** Changes while the run goes on. */
  readonly progress: number;
  outcome(): Outcome;
  /** Told when the run is over. */
  onDone: (() => void) | undefined;
}
