import { Session, type Profiler } from 'node:inspector';

/** One function, and how often its blocks have run. */
interface Run {
  readonly url: string;
  readonly ranges: readonly Profiler.CoverageRange[];
}

/** Which code has ever run, as V8 tells it block by block. */
export class Coverage implements Disposable {
  readonly #session = new Session();
  readonly #within: string;
  /** By function: for each character of it, whether it has run. A function of its own, for the text of one says nothing of those in it. */
  readonly #seen = new Map<string, Uint8Array>();

  /** @param within of modules whose URL begins so */
  constructor(within: string) {
    this.#within = within;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Whether code has run, since the last look, that never had. */
  hasNews(): boolean {
    return this.#take().some((one) => this.#newOf(one).includes(1));
  }

  /** The same; from now on it is none. */
  takeNews(): boolean {
    let isNews = false;
    for (const one of this.#take()) {
      const fresh = this.#newOf(one);
      if (!fresh.includes(1)) continue;
      const seen = this.#seenOf(one);
      fresh.forEach((value, i) => (seen[i] |= value));
      isNews = true;
    }
    return isNews;
  }

  /** What has run since the last call. */
  #take(): Run[] {
    let runs: Run[] = [];
    // The session is of this thread: the answer is there when `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      const own = result.filter(({ url }) => url.startsWith(this.#within));
      runs = own.flatMap(({ url, functions }) => functions.map(({ ranges }) => ({ url, ranges })));
    });
    return runs;
  }

  /** A 1 for each character of the function that has run for the first time. */
  #newOf(run: Run): Uint8Array {
    const seen = this.#seenOf(run);
    const fresh = new Uint8Array(seen.length);
    const start = run.ranges[0].startOffset;
    // The ranges of blocks lie in those of the blocks around them, which come first.
    for (const { startOffset, endOffset, count } of run.ranges) {
      fresh.fill(Math.min(count, 1), startOffset - start, endOffset - start);
    }
    for (let i = 0; i < fresh.length; i++) fresh[i] &= ~seen[i];
    return fresh;
  }

  #seenOf({ url, ranges: [{ startOffset, endOffset }] }: Run): Uint8Array {
    const key = `${url}:${startOffset}-${endOffset}`;
    const seen = this.#seen.get(key) ?? new Uint8Array(endOffset - startOffset);
    this.#seen.set(key, seen);
    return seen;
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }
}
