/**
 * When each of many things is next due: a binary heap over small integer ids, in typed arrays. Made for timers that are put off
 * far more often than they run out: `due` may name an id too early (its owner then sets it again), never too late.
 */
export class Deadlines {
  #heap = new Int32Array(16);
  #position = new Int32Array(16).fill(-1);
  #at = new Float64Array(16);
  #count = 0;
  /** The earliest deadline, in a cell: read every turn, and a double returned from a longer getter may be allocated. */
  readonly #next = new Float64Array(1).fill(Infinity);

  /** The earliest deadline; Infinity when there is none. */
  get next(): number {
    return this.#next[0];
  }

  /**
   * The id is due at `at` or earlier than what was set before. A later time is ignored on purpose: the old entry comes
   * due, its owner sees that it is not yet time, and sets it again. So putting a timer off costs one comparison.
   */
  by(id: number, at: number): void {
    if (at === Infinity) return;
    if (id >= this.#position.length) this.#grow(id);
    const position = this.#position[id];
    if (position < 0) {
      if (this.#count === this.#heap.length) this.#heap = grown(this.#heap, this.#count * 2, 0);
      this.#at[id] = at;
      this.#place(this.#count, id);
      this.#up(this.#count++);
    } else if (at < this.#at[id]) {
      this.#at[id] = at;
      this.#up(position);
    }
    this.#noteNext();
  }

  #noteNext(): void {
    this.#next[0] = this.#count === 0 ? Infinity : this.#at[this.#heap[0]];
  }

  /** Takes an id whose time has come, or -1. */
  due(now: number): number {
    if (this.#count === 0) return -1;
    const id = this.#heap[0];
    if (this.#at[id] > now) return -1;
    this.remove(id);
    return id;
  }

  remove(id: number): void {
    const position = id < this.#position.length ? this.#position[id] : -1;
    if (position < 0) return;
    this.#position[id] = -1;
    const last = this.#heap[--this.#count];
    if (position !== this.#count) {
      this.#place(position, last);
      this.#up(position);
      this.#down(this.#position[last]);
    }
    this.#noteNext();
  }

  #place(position: number, id: number): void {
    this.#heap[position] = id;
    this.#position[id] = position;
  }

  #up(position: number): void {
    const id = this.#heap[position];
    const at = this.#at[id];
    while (position > 0) {
      const parent = (position - 1) >> 1;
      const above = this.#heap[parent];
      if (this.#at[above] <= at) break;
      this.#place(position, above);
      position = parent;
    }
    this.#place(position, id);
  }

  #down(position: number): void {
    const id = this.#heap[position];
    const at = this.#at[id];
    for (;;) {
      let child = position * 2 + 1;
      if (child >= this.#count) break;
      if (child + 1 < this.#count && this.#at[this.#heap[child + 1]] < this.#at[this.#heap[child]]) child++;
      const below = this.#heap[child];
      if (this.#at[below] >= at) break;
      this.#place(position, below);
      position = child;
    }
    this.#place(position, id);
  }

  #grow(id: number): void {
    const size = 1 << (32 - Math.clz32(id));
    this.#position = grown(this.#position, size, -1);
    const at = new Float64Array(size);
    at.set(this.#at);
    this.#at = at;
  }
}

function grown(old: Int32Array, size: number, fill: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size).fill(fill);
  larger.set(old);
  return larger;
}
