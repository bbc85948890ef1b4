import { linkEvent } from './linkState.js';
import type { LinkEvent } from './linkState.js';
import { LinkTable } from './linkTable.js';

/** Events that may wait for a slow reader. Beyond, those of one link are merged: at worst one event for each link. */
const PATIENCE = 1024;

/**
 * Events of the links of one namespace, for one reader: `onEvent`, or `for await`. Events that come before there is a
 * reader wait for it. An open watch keeps the process alive.
 */
export class LinkWatch implements AsyncIterableIterator<LinkEvent> {
  readonly #table: LinkTable;
  readonly #waiting: LinkEvent[] = [];
  readonly #readers: ((result: IteratorResult<LinkEvent, undefined>) => void)[] = [];
  #onEvent: ((event: LinkEvent) => void) | undefined = undefined;
  #closed = false;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.close();

  /** @param signal closes the watch */
  constructor(namespace: string | undefined, signal: AbortSignal | undefined) {
    this.#table = new LinkTable(namespace, false, (event) => this.#push(event));
    this.#signal = signal;
    if (signal?.aborted === true) this.close();
    else signal?.addEventListener('abort', this.#onAbort);
  }

  get onEvent(): ((event: LinkEvent) => void) | undefined {
    return this.#onEvent;
  }

  set onEvent(handler: ((event: LinkEvent) => void) | undefined) {
    this.#onEvent = handler;
    if (handler !== undefined) for (const event of this.#waiting.splice(0)) this.#push(event);
  }

  /** Ends the iteration. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#table.close();
    this.#signal?.removeEventListener('abort', this.#onAbort); // a signal may outlive many watches
    this.#waiting.length = 0;
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<LinkEvent, undefined>> {
    const event = this.#waiting.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorResult<LinkEvent, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #push(event: LinkEvent): void {
    const handler = this.#onEvent;
    // In a microtask of its own: a handler that throws does not cost the others their event.
    if (handler !== undefined) queueMicrotask(() => this.#closed || handler(event));
    else if (this.#readers.length > 0) this.#readers.shift()!({ done: false, value: event });
    else if (this.#waiting.length < PATIENCE || !this.#merge(event)) this.#waiting.push(event);
  }

  #merge(event: LinkEvent): boolean {
    const at = this.#waiting.findLastIndex((waiting) => waiting.link.index === event.link.index);
    if (at < 0) return false;
    const merged = linkEvent(this.#waiting[at].previous, event.type === 'removed' ? undefined : event.link);
    if (merged === undefined) this.#waiting.splice(at, 1);
    else this.#waiting[at] = merged;
    return true;
  }
}
