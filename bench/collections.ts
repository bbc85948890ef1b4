import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/** What the garbage collector did while rounds were measured. */
export interface Collections {
  readonly scavenges: number;
  /** Mark-compact, incremental and weak-callback collections. */
  readonly others: number;
  /** Growth of the heap, bytes; null when a collection makes it unknowable. */
  readonly heap_growth: number | null;
}

export const NO_COLLECTIONS: Collections = { scavenges: 0, others: 0, heap_growth: 0 };

export function addCollections(a: Collections, b: Collections): Collections {
  const known = a.heap_growth !== null && b.heap_growth !== null;
  return {
    scavenges: a.scavenges + b.scavenges,
    others: a.others + b.others,
    heap_growth: known ? a.heap_growth + b.heap_growth : null,
  };
}

/** Watches the garbage collector of this process from `start` to `stop`. */
export class CollectionWatch {
  readonly #entries: PerformanceEntry[] = [];
  readonly #observer = new PerformanceObserver((list) => this.#entries.push(...list.getEntries()));
  #from = 0;
  #heap = 0;

  async start(): Promise<void> {
    this.#observer.observe({ entryTypes: ['gc'] });
    globalThis.gc?.();
    await delay(20);
    this.#entries.length = 0;
    this.#from = performance.now();
    this.#heap = process.memoryUsage().heapUsed;
  }

  async stop(): Promise<Collections> {
    const heap = process.memoryUsage().heapUsed;
    const to = performance.now();
    await delay(20); // entries come by way of the event loop
    this.#observer.disconnect();
    const during = this.#entries.filter(({ startTime }) => startTime >= this.#from && startTime <= to);
    const scavenges = during.filter(isScavenge).length;
    return {
      scavenges,
      others: during.length - scavenges,
      heap_growth: during.length > 0 ? null : heap - this.#heap,
    };
  }
}

function isScavenge(entry: PerformanceEntry): boolean {
  const { kind } = (entry as PerformanceEntry & { detail: { kind: number } }).detail;
  return kind === constants.NODE_PERFORMANCE_GC_MINOR;
}
