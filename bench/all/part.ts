import { EmpError, type DriverName } from '../../src/index.js';
import type { Progress } from '../pingpong/run.js';
import type { PartName } from './plan.js';

/** What could not be measured, and why. */
export interface Failed {
  test: PartName;
  driver?: DriverName;
  code: string;
  reason: string;
}

/** What one part of the report is given, and where its results go. */
export interface Part {
  readonly name: PartName;
  readonly drivers: readonly DriverName[];
  readonly rounds: number;
  readonly warmup: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** A result, as soon as it is there. */
  take(result: object): void;
  fail(failed: Failed): void;
  /** A failure is told, and the rest goes on; not that of an abort. */
  attempt(driver: DriverName | undefined, work: () => Promise<unknown>): Promise<void>;
}

export function failureOf(test: PartName, driver: DriverName | undefined, error: unknown): Failed {
  const code = error instanceof EmpError ? error.code : 'ERR_EMP_UNEXPECTED';
  const reason = error instanceof Error ? error.message : String(error);
  return { test, ...(driver === undefined ? {} : { driver }), code, reason };
}
