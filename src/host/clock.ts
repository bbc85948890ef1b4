/** Monotonic time, µs, as a double with a resolution well below 1 µs. */
export function microseconds(): number {
  return performance.now() * 1000;
}
