import type { CpuTime } from './commands.js';

/** Of this process, so far. */
export function cpuTime(): CpuTime {
  const { user, system } = process.cpuUsage();
  return { used: user + system, at: performance.now() * 1000, stall: null };
}
