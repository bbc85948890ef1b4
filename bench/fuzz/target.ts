/** Something that takes in what somebody else has made. */
export interface Target {
  readonly name: string;
  /** Bytes of the longest input that is made up. */
  readonly longest: number;
  /** Takes one input in. What it throws is a finding. */
  run(input: Uint8Array): void | Promise<void>;
}

/** A finding, unless it holds. */
export function hold(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** Runs `body`, which may throw only what `isExpected` knows; undefined if it did. */
export function attempt<T>(body: () => T, isExpected: (error: unknown) => boolean): T | undefined {
  try {
    return body();
  } catch (error) {
    if (isExpected(error)) return undefined;
    throw error;
  }
}
