import type { Clock } from '../channel/link.js';
import { core } from '../nic/native.js';

/** Monotonic time, µs. For cold paths: the value may be an allocation. */
export function microseconds(): number {
  return performance.now() * 1000;
}

/**
 * The clock of a host: `now` is what the last `read` saw. Both are free of allocation: the time lies in a typed array, and the addon writes it
 * there (performance.now() makes a heap number at each call). Without the addon, as the memory driver may be, performance.now() has to do.
 */
export class MonotonicClock implements Clock {
  /** Where the time is: for who reads it so often that a double from a getter, which may be an allocation, is too much. */
  readonly cell: Float64Array;
  readonly #read: () => void;

  constructor() {
    const native = nativeClock();
    this.cell = native?.cell ?? new Float64Array(1);
    this.#read = native ?? (() => (this.cell[0] = microseconds()));
    this.#read();
  }

  get now(): number {
    return this.cell[0];
  }

  read(): void {
    this.#read();
  }
}

function nativeClock() {
  try {
    return core().clock;
  } catch {
    return undefined;
  }
}
