import { ArgumentError } from '../errors.js';
import { checkFaults, DELAYS, FAULTS, LIKELIES, unknownFault } from './faults.js';
import type { Delay, Faults, Likely } from './faults.js';

const UNITS: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000 };

/**
 * Reads `drop=0.01,delay=100..500,duplicate=0.1@2s-5s,seed=7`: faults with their probabilities, `@` and a stretch of time if it is not for ever;
 * times in µs or with a unit (us, ms, s), as one or as a range.
 * @throws ERR_EMP_ARGUMENT
 */
export function parseFaults(text: string): Faults {
  const faults: Record<string, unknown> = {};
  for (const part of text.split(',')) {
    const [name, value, ...rest] = part.split('=').map((word) => word.trim());
    if (name === '' || value === undefined || value === '' || rest.length > 0) throw malformed(part);
    if (!FAULTS.includes(name)) throw unknownFault(name);
    if (Object.hasOwn(faults, name)) throw new ArgumentError(`The fault '${name}' is given twice.`);
    faults[name] = valueOf(name, value, part);
  }
  checkFaults(faults);
  return faults;
}

function valueOf(name: string, value: string, part: string): Likely | Delay {
  if ((LIKELIES as readonly string[]).includes(name)) return likelyOf(value, part);
  if ((DELAYS as readonly string[]).includes(name)) return delayOf(value, part);
  return numberOf(value, part);
}

function likelyOf(value: string, part: string): Likely {
  const [share, span, ...rest] = value.split('@');
  if (rest.length > 0) throw malformed(part);
  const probability = share.endsWith('%') ? numberOf(share.slice(0, -1), part) / 100 : numberOf(share, part);
  if (span === undefined) return probability;
  const [from, until, ...more] = span.split('-');
  if (more.length > 0) throw malformed(part);
  const end = until === undefined || until === '' ? {} : { until: timeOf(until, part) };
  return { probability, from: timeOf(from, part), ...end };
}

function delayOf(value: string, part: string): Delay {
  const [low, high, ...rest] = value.split('..');
  if (rest.length > 0) throw malformed(part);
  return high === undefined ? timeOf(low, part) : [timeOf(low, part), timeOf(high, part)];
}

function timeOf(text: string, part: string): number {
  const [, number, unit = 'us'] = /^([0-9.]+)([a-z]*)$/.exec(text) ?? [];
  const factor = UNITS[unit === '' ? 'us' : unit];
  if (number === undefined || factor === undefined) throw malformed(part);
  return numberOf(number, part) * factor;
}

function numberOf(text: string, part: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw malformed(part);
  return value;
}

function malformed(part: string): ArgumentError {
  return new ArgumentError(`'${part}' cannot be read as a fault.`, {
    remedy: 'Write drop=0.01, drop=1%, drop=0.5@2s-5s, delay=100us..2ms, seed=7, with commas between them.',
  });
}
