import type { Run } from '../report/run.js';

/** Runs of a test, with these conditions. */
export function find(runs: readonly Run[], conditions: Partial<Run>): Run[] {
  const entries = Object.entries(conditions) as [keyof Run, unknown][];
  return runs.filter((run) => entries.every(([name, value]) => run[name] === value));
}

/** Runs of each driver, in the order in which they come. */
export function byDriver(runs: readonly Run[]): Map<string, Run[]> {
  const drivers = new Map<string, Run[]>();
  for (const run of runs) {
    const driver = run.driver ?? 'emp';
    drivers.set(driver, [...(drivers.get(driver) ?? []), run]);
  }
  return drivers;
}
