interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  readonly isInner: boolean;
}

/** Virtual time, and what is to happen: the next event decides the time. Nothing sleeps. Events of the same time happen in the order of their making. */
export class Events {
  /** µs */
  now = 0;
  /** How many have happened. */
  count = 0;

  readonly #heap: Event[] = [];
  #order = 0;
  #isQuiet = false;

  get isEmpty(): boolean {
    return this.#heap.length === 0;
  }

  /**
   * Not before now.
   * @param isInner it runs nothing but the simulator, and settles no promise; should it do so after all, it says `stir`
   */
  at(time: number, run: () => void, isInner = false): void {
    const heap = this.#heap;
    const event: Event = { at: Math.max(time, this.now), order: this.#order++, run, isInner };
    let i = heap.push(event) - 1;
    while (i > 0 && isBefore(event, heap[(i - 1) >> 1])) {
      heap[i] = heap[(i - 1) >> 1];
      i = (i - 1) >> 1;
    }
    heap[i] = event;
  }

  /** The time of the next one; Infinity if there is none. */
  get next(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0].at;
  }

  /** The next one happens; there must be one. True if no promise can have been settled by it. */
  step(): boolean {
    const { at, run, isInner } = this.#pop();
    this.now = at;
    this.count++;
    this.#isQuiet = isInner;
    run();
    return this.#isQuiet;
  }

  /** What happens now runs code that is not the simulator's. */
  stir(): void {
    this.#isQuiet = false;
  }

  #pop(): Event {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
