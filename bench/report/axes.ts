// Logarithmic axes: where they begin and end, and which of their values are written.

/** 1, 2, 5, 10, ... that enclose all values; thinned out where there are many. */
export function decades(values: readonly number[]): { domain: [number, number]; ticks: number[] } {
  const [low, high] = extent(values);
  const from = Math.floor(Math.log10(low));
  const steps = Array.from({ length: 3 * (Math.ceil(Math.log10(high)) - from + 1) + 1 }, (_, i) => step(from, i));
  const first = Math.max(
    0,
    steps.findLastIndex((value) => value <= low * 1.0001),
  );
  let last = steps.findIndex((value) => value >= high * 0.9999);
  if (last <= first) last = first + 1;
  const domain: [number, number] = [steps[first], steps[last]];
  const shown = steps.slice(first, last + 1);
  const tens = shown.filter((value) => /^1(e|0*$)|^0\.0*1$/.test(String(value)));
  return { domain, ticks: shown.length > 8 && tens.length > 2 ? tens : shown };
}

const step = (from: number, i: number): number => Number(`${[1, 2, 5][i % 3]}e${from + Math.floor(i / 3)}`);

/** The values that were measured, or every second, fourth, ... of them. */
export function powers(values: readonly number[], most = 7): { domain: [number, number]; ticks: number[] } {
  const all = [...new Set(values)].sort((a, b) => a - b);
  const [low, high] = [all[0], all[all.length - 1]];
  const gap = Math.log2(high / low) / most;
  const ticks = all.filter((_, i) => i === 0);
  for (const value of all) if (Math.log2(value / ticks[ticks.length - 1]) >= Math.max(gap, 1e-9)) ticks.push(value);
  return { domain: low === high ? [low / 2, high * 2] : [low, high], ticks };
}

function extent(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}
