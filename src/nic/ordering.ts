/**
 * Loads and stores of words that the kernel shares with us. `Atomics` does it everywhere, but it is a call in the V8 of Node 20, as long as
 * the rest of a poll. On x86-64 the processor keeps loads in order, and stores in order, by itself (TSO), and V8 does not move typed
 * array accesses past each other: there a plain access does. `isTso` is a constant, so what remains is one instruction.
 */
const isTso = process.arch === 'x64';

/** What is read after it was written before the word was. */
export function loadAcquire(words: Int32Array, index: number): number {
  return isTso ? words[index] : Atomics.load(words, index);
}

/** What was read or written before it is done when the other side sees the word. */
export function storeRelease(words: Int32Array, index: number, value: number): void {
  if (isTso) words[index] = value;
  else Atomics.store(words, index, value);
}
