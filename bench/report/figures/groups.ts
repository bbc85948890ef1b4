import type { Run } from '../run.js';

/** Runs of a size together, small ones first. */
export function bySize(runs: readonly Run[]): { size: number; runs: Run[] }[] {
  const sizes = [...new Set(runs.map(({ size }) => size ?? 0))].sort((a, b) => a - b);
  return sizes.map((size) => ({ size, runs: runs.filter((run) => (run.size ?? 0) === size) }));
}
