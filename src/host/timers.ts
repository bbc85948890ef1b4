/** Calls that come later. What is returned cancels one. */
export interface Timers {
  /** When the code that runs now has come to its end. Cannot be cancelled. */
  microtask(run: () => void): void;
  /** When the event loop has looked at everything else. */
  immediate(run: () => void): object;
  clearImmediate(handle: object): void;
  timeout(run: () => void, ms: number): object;
  clearTimeout(handle: object): void;
}
