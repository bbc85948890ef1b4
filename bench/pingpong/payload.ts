// What a message of the ping-pong says: its round, little-endian, in the first four bytes (or as many as there are), then a byte that
// follows from the round, over and over. So an answer shows by itself which round it is of, and that it is whole.

const SEQUENCE_BYTES = 4;
/** Below this a loop is faster than a call of fill(). */
const SMALL = 64;

function pattern(round: number): number {
  return (round * 167 + 13) & 0xff;
}

export function writePayload(bytes: Uint8Array, at: number, size: number, round: number): void {
  const body = at + Math.min(size, SEQUENCE_BYTES);
  const end = at + size;
  for (let i = at, rest = round; i < body; i += 1, rest >>>= 8) bytes[i] = rest & 0xff;
  const value = pattern(round);
  if (size > SMALL) bytes.fill(value, body, end);
  else for (let i = body; i < end; i += 1) bytes[i] = value;
}

/** The round a message says it is of. A message too short to say so is of the round nearest to `expected` that it may be. */
export function readRound(bytes: Uint8Array, at: number, size: number, expected: number): number {
  const said = Math.min(size, SEQUENCE_BYTES);
  let round = 0;
  for (let i = said - 1; i >= 0; i -= 1) round = (round << 8) | bytes[at + i];
  if (said === SEQUENCE_BYTES) return round >>> 0;
  const shift = 32 - 8 * said;
  return said === 0 ? expected : expected + (((round - expected) << shift) >> shift);
}

/** Whether every byte is as it was written. */
export function isIntact(bytes: Uint8Array, at: number, size: number, round: number): boolean {
  const value = pattern(round);
  for (let i = at + SEQUENCE_BYTES; i < at + size; i += 1) if (bytes[i] !== value) return false;
  return true;
}
