import { randomFillSync } from 'node:crypto';

const POOL = 256;
const pool = new Int32Array(POOL);
let next = POOL;

/** 32 random bits, from the system's generator: ids and sequence numbers must not be guessable. */
export function random32(): number {
  if (next === POOL) {
    randomFillSync(pool);
    next = 0;
  }
  return pool[next++];
}
