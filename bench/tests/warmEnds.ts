import type { LinkAddress, NicInfo } from '../../src/index.js';
import type { Limit } from '../ends/commands.js';
import { Ends, type Run, type Session } from '../ends/ends.js';
import type { Stage } from '../stage.js';

/** Requests/s. */
const BRISK = 20_000;

/** The two ends, warm: each kind of task is run for a while before it is measured, once. */
export class WarmEnds implements AsyncDisposable {
  readonly #warm = new Set<string>();
  readonly #abort = (): void => void this.ends.stop();

  private constructor(
    private readonly ends: Ends,
    private readonly signal: AbortSignal | undefined,
  ) {
    signal?.addEventListener('abort', this.#abort);
  }

  static async start(
    memory: boolean,
    stage: Stage,
    { remote, signal }: { remote?: { peer: LinkAddress }; signal?: AbortSignal },
  ): Promise<WarmEnds> {
    return new WarmEnds(await Ends.start(memory, stage.cores, remote?.peer), signal);
  }

  /**
   * @param heat how long a task runs before it is measured for the first time
   * @param opened told of the client's NIC each time it is opened
   */
  async run(session: Session, limit: Limit, heat: Limit, opened: (info: NicInfo) => void): Promise<Run> {
    if (this.#isCold(session)) await this.#once(brisk(session), heat, opened);
    return this.#once(session, limit, opened);
  }

  #isCold({ task, loss = 0 }: Session): boolean {
    if (task.kind === 'rest') return false; // nothing to compile
    const kind = `${task.kind} ${loss > 0}`;
    if (this.#warm.has(kind)) return false;
    this.#warm.add(kind);
    return true;
  }

  async #once(session: Session, limit: Limit, opened: (info: NicInfo) => void): Promise<Run> {
    const { info } = await this.ends.open(session);
    opened(info);
    const run = await this.ends.run(limit);
    await this.ends.close();
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal?.removeEventListener('abort', this.#abort);
    await this.ends.stop();
  }
}

/**
 * To warm it up, an open loop goes at a rate at which its code is soon compiled, and which cold code still keeps up with: its probe, a
 * closed loop, has come before.
 */
function brisk(session: Session): Session {
  const { task } = session;
  return task.kind === 'load' ? { ...session, task: { ...task, rate: BRISK } } : session;
}
