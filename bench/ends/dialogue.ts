// What the client of a measurement and an `emp echo` elsewhere say to each other over a channel of their own, as JSON: the client how
// the server is to behave, until it ends the channel; and what it wants to know meanwhile.
import type { CpuTime, Manner } from './commands.js';

/** Changes when either side could misunderstand the other. */
export const VERSION = 1;
/** Longest message, bytes. */
export const LONGEST = 1000;

export type Question = { version: number; begin: Manner } | { cpu: true };
export type Answer = { version: number } | { refused: string; version: number } | { cpu: CpuTime };

const WAITS: readonly unknown[] = ['spin', 'event', 'adaptive'];
const MOST_LOSS = 0.9;
/** µs */
const MOST_WORK = 10_000;

export function encode(message: Question | Answer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

export function decode(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** It comes from the network: undefined, unless it is wholly right. */
export function question(value: unknown): Question | undefined {
  if (!isObject(value)) return undefined;
  if (value['cpu'] === true) return { cpu: true };
  const { version, begin } = value;
  if (typeof version !== 'number') return undefined;
  // Another version may have another manner: its number is enough to refuse it.
  if (version !== VERSION) return { version, begin: { wait: 'event' } };
  return isManner(begin) ? { version, begin } : undefined;
}

function isManner(value: unknown): value is Manner {
  if (!isObject(value)) return false;
  const { wait, loss = 0, seed = 1, work = 1 } = value;
  return WAITS.includes(wait) && isFrom(loss, 0, MOST_LOSS) && isFrom(seed, 0, 2 ** 33) && isFrom(work, 1, MOST_WORK);
}

function isFrom(value: unknown, low: number, high: number): boolean {
  return typeof value === 'number' && value >= low && value <= high;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
