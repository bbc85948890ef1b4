const { hrtime } = process;

/**
 * Monotonic time in µs. By way of `hrtime`, whose array the optimising compiler leaves out: `performance.now()` makes
 * a number on the heap at each call, and the scavenges it causes would be in the measurement.
 */
export function microseconds(): number {
  const time = hrtime();
  return time[0] * 1e6 + time[1] / 1e3;
}
