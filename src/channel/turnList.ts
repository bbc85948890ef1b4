/**
 * Those with something to do at the end of the turn, each once, in order. Two arrays that change places, and a count: an array that is
 * emptied (length = 0) gives up its memory, and the next push allocates.
 */
export class TurnList<T extends { touched: boolean }> {
  #coming: (T | undefined)[] = [];
  #round: (T | undefined)[] = [];
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  add(one: T): void {
    if (one.touched) return;
    one.touched = true;
    this.#coming[this.#count++] = one;
  }

  get count(): number {
    return this.#count;
  }

  /** One of those that were added and are in no round yet. */
  peek(index: number): T {
    return this.#coming[index]!;
  }

  /** Begins a round over what was added so far; what is added meanwhile belongs to the next. Returns how many there are. */
  begin(): number {
    const count = this.#count;
    const round = this.#round;
    this.#round = this.#coming;
    this.#coming = round;
    this.#count = 0;
    return count;
  }

  take(index: number): T {
    const one = this.#round[index]!;
    // Forgotten at once, lest the list keep alive what is gone.
    this.#round[index] = undefined;
    one.touched = false;
    return one;
  }
}
