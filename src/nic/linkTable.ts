import { linkEvent, linkState } from './linkState.js';
import type { LinkEvent, LinkState } from './linkState.js';
import { namespaceArgument, namespaceError } from './namespace.js';
import { core } from './native.js';
import type { LinkMonitor, Poller, RawLink } from './native.js';

/** After so many milliseconds a list that the kernel would not give is asked for once more. */
const RETRY = 100;

/**
 * The links of one namespace, kept up to date by netlink. It listens before it takes the first dump, and takes another
 * when the kernel had to drop events: so nothing is missed for good, though two changes may be seen as one.
 */
export class LinkTable {
  readonly #links = new Map<number, LinkState>();
  readonly #monitor: LinkMonitor;
  readonly #poller: Poller;
  readonly #emit: (event: LinkEvent) => void;
  #closed = false;
  /** Events were lost, and no list has made up for them yet. */
  #stale = false;
  #retry: NodeJS.Timeout | undefined = undefined;

  /** @param background true: listening does not keep the process alive. */
  constructor(namespace: string | undefined, background: boolean, emit: (event: LinkEvent) => void) {
    try {
      this.#monitor = new (core().LinkMonitor)(namespaceArgument(namespace));
    } catch (error) {
      throw namespaceError(error, namespace) ?? error;
    }
    this.#emit = emit;
    for (const raw of this.#monitor.dump()) this.#links.set(raw.index, linkState(raw));
    this.#poller = new (core().Poller)(this.#monitor.fd, background);
    this.#listen();
  }

  get(index: number): LinkState | undefined {
    return this.#links.get(index);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#poller.close();
    this.#monitor.close();
  }

  #listen(): void {
    if (!this.#closed) this.#poller.start(() => this.#read());
  }

  #read(): void {
    try {
      const changes = this.#monitor.read();
      this.#stale ||= changes === null;
      if (this.#stale)
        this.#resync(); // a list is newer than any event that was read before it
      else for (const raw of changes ?? []) this.#apply(raw.index, raw.removed ? undefined : linkState(raw));
    } finally {
      this.#listen();
    }
  }

  #resync(): void {
    const list = this.#list();
    if (list === undefined) return;
    this.#stale = false;
    const now = new Map<number, RawLink>();
    for (const raw of list) now.set(raw.index, raw);
    for (const index of [...this.#links.keys()]) if (!now.has(index)) this.#apply(index, undefined);
    for (const raw of now.values()) this.#apply(raw.index, linkState(raw));
  }

  /** Undefined if the kernel cannot tell now, for want of memory perhaps. Then the next event asks again, or the timer. */
  #list(): RawLink[] | undefined {
    clearTimeout(this.#retry);
    try {
      return this.#monitor.dump();
    } catch {
      this.#retry = setTimeout(() => this.#resync(), RETRY).unref();
      return undefined;
    }
  }

  #apply(index: number, now: LinkState | undefined): void {
    const event = linkEvent(this.#links.get(index), now);
    if (now === undefined) this.#links.delete(index);
    else this.#links.set(index, now);
    if (event !== undefined && !this.#closed) this.#emit(event);
  }
}
