import type { Contender } from './contender.js';
import type { Bout, Figures } from './contract.js';
import { failedRow, rowOf, type PeerRow } from './result.js';

/** A contender at one size, with what it has done so far. */
export class Entrant {
  readonly #figures: Figures[] = [];
  #failure: string | undefined;

  /** `limit`: seconds after which a turn has failed. */
  constructor(
    readonly contender: Contender,
    private readonly size: number,
    private readonly limit: number,
  ) {
    this.#failure = contender.refuses(size);
  }

  /** A turn. Who has failed once is not asked again. */
  async play(bout: Bout, signal: AbortSignal | undefined): Promise<void> {
    if (this.#failure !== undefined) return;
    const late = AbortSignal.timeout(this.limit * 1000);
    try {
      this.#figures.push(
        await this.contender.play(bout, signal === undefined ? late : AbortSignal.any([signal, late])),
      );
    } catch (error) {
      this.#failure = late.aborted ? `no result within ${this.limit} s` : (error as Error).message;
    }
  }

  get row(): PeerRow {
    const { peer, version, test, transport, sleeps, note } = this.contender;
    const who = { peer, version, test, transport, sleeps, note, size: this.size };
    return this.#failure === undefined ? rowOf(who, this.#figures) : failedRow(who, this.#failure);
  }
}
