import { closeSync, openSync, readSync } from 'node:fs';

/** Of the timer that looks, ms; an event loop that never stalls lets it in so often. */
const EVERY = 1;

/**
 * How long an event loop let a timer wait that was due: what an application beside the host feels. Without the time in which the kernel
 * had given the core to others: on two shared cores those are the longest pauses, and any program has them.
 */
export class Stalls {
  readonly #queue = new RunQueue();
  readonly #timer: NodeJS.Timeout;
  #last = performance.now();
  #waited = this.#queue.waited();
  #longest = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), EVERY).unref();
  }

  #look(): void {
    const now = performance.now();
    const waited = this.#queue.waited();
    this.#longest = Math.max(this.#longest, now - this.#last - EVERY - (waited - this.#waited));
    this.#last = now;
    this.#waited = waited;
  }

  /** The longest, ms. */
  end(): number {
    clearInterval(this.#timer);
    this.#look();
    this.#queue.close();
    return this.#longest;
  }
}

/** How long this thread has waited for a core, as the kernel counts it (proc(5), schedstat). */
class RunQueue {
  readonly #file: number | undefined = open();
  readonly #text = Buffer.alloc(128);

  /** ms; 0 where the kernel does not count it. */
  waited(): number {
    if (this.#file === undefined) return 0;
    const length = readSync(this.#file, this.#text, 0, this.#text.length, 0);
    return Number(this.#text.toString('latin1', 0, length).split(' ')[1]) / 1e6;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

function open(): number | undefined {
  try {
    return openSync('/proc/thread-self/schedstat', 'r');
  } catch {
    return undefined;
  }
}
