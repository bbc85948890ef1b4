/** A thread in which one target is fuzzed. Each input lies in shared memory before it is run: should it never come back, the main thread has it. */
import { parentPort, workerData } from 'node:worker_threads';

import { corpusFolder, readCorpus, writeInput } from './corpus.js';
import { hunt } from './fuzzer.js';
import { Board } from './board.js';
import { TARGETS } from './targets/list.js';

export interface Order {
  readonly target: string;
  readonly seed: number;
  readonly minutes: number;
  /** What reaches new code joins the corpus on disk. */
  readonly grow: boolean;
  /** These alone, once. */
  readonly inputs: readonly Uint8Array[] | undefined;
  readonly board: SharedArrayBuffer;
}

/** What a thread has found. */
export interface Report {
  readonly input: Uint8Array;
  readonly text: string;
}

/** Of the sources joined in the modules of the package. */
const WITHIN = new URL('../../src/', import.meta.url).href;

async function work({ target: name, seed, minutes, grow, inputs, board: memory }: Order): Promise<Report | undefined> {
  const target = TARGETS.find((one) => one.name === name)!;
  const board = new Board(memory);
  const end = performance.now() + minutes * 60_000;
  const finding = await hunt({
    target,
    corpus: inputs ?? readCorpus(name),
    seed,
    within: WITHIN,
    isOver: () => inputs !== undefined || performance.now() >= end,
    begin: (input) => board.write(input),
    ...(grow ? { keep: (input: Uint8Array) => void writeInput(corpusFolder(name), input) } : {}),
  });
  if (finding === undefined) return undefined;
  const { input, error } = finding;
  return { input, text: error instanceof Error ? String(error.stack) : String(error) };
}

void work(workerData as Order).then((report) => parentPort!.postMessage(report));
