// Numbers as people read them, with their units.

/** Three significant digits, thousands apart. */
export function digits(value: number): string {
  if (Math.abs(value) < 1000) return String(Number(value.toPrecision(3)));
  return Math.round(value).toLocaleString('en').replaceAll(',', '\u202f');
}

/** 19 M, 145 k */
export function si(value: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))}\u202f${unit}`;
  }
  return digits(value);
}

/** 16, 1.5 Ki, 64 Ki, 1 Mi: sizes are powers of two more often than not. Those of ten are written so. */
export function bytes(value: number): string {
  const whole = (unit: string, size: number): string => `${Number((value / size).toPrecision(3))}\u202f${unit}`;
  if (value >= 1000 && value % 1000 === 0) return value >= 1e6 ? whole('M', 1e6) : whole('k', 1e3);
  if (value >= 2 ** 20) return whole('Mi', 2 ** 20);
  return value >= 1024 ? whole('Ki', 1024) : digits(value);
}

export function us(value: number): string {
  return value < 100 ? value.toFixed(2) : digits(value);
}

export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))}\u202f%`;
}

/** 0.5: 50, 0.999: 99.9, 0.9999: 99.99. toPrecision hides what binary fractions add. */
export function percentileName(share: number): string {
  return String(Number((100 * share).toPrecision(9)));
}

/** An amount with its unit. */
export function bytesWithUnit(value: number): string {
  const text = bytes(value);
  return /[a-z]$/i.test(text) ? `${text}B` : `${text}\u202fB`;
}
