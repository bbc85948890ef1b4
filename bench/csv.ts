// Results as CSV (RFC 4180), a line for each. A column has the name of its field in the JSON, with a dot before an inner one, and all tests have
// the same columns, so that files can be joined.

const TIMES = ['min', 'p50', 'p90', 'p99', 'p999', 'p9999', 'p99999', 'p999999', 'max', 'mean'].map(
  (name) => `rtt_us.${name}`,
);
const RATES = ['messages_per_s', 'requests_per_s', 'gbit_per_s'];

export const CSV_COLUMNS: readonly string[] = [
  ...['test', 'driver', 'mode', 'wait', 'size', 'message', 'outstanding', 'depth', 'channels', 'offered_per_s', 'loss'],
  ...['activity', 'timed', 'verify', 'payload_check', 'rounds', 'seconds', 'slices'],
  ...RATES,
  ...['goodput', 'unsent'],
  ...TIMES,
  ...['lost', 'doubled', 'reordered', 'corrupted', 'cpu.client', 'cpu.server', 'spread'],
  ...['program', 'mode', 'size', 'frames_per_s', 'gbit_per_s', ...TIMES].map((name) => `baseline.${name}`),
  ...['ratio', 'ratio_low', 'ratio_high', 'ratio_p50', 'ratio_p99', 'noisy', 'wire'],
];

export function csvHeader(): string {
  return CSV_COLUMNS.join();
}

/** What a result does not have is empty. */
export function csvLine(result: object): string {
  return CSV_COLUMNS.map((path) => cell(at(result, path.split('.')))).join();
}

type Value = string | number | boolean | null | undefined;

function at(result: object, path: readonly string[]): Value {
  const inner = path.reduce<unknown>((value, name) => (value as Record<string, unknown> | null)?.[name], result);
  return inner as Value;
}

function cell(value: Value): string {
  const text = String(value ?? '');
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
