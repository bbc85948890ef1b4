import { Worker } from 'node:worker_threads';

import { Board } from './board.js';
import type { Target } from './target.js';
import type { Order, Report } from './worker.js';

/** An input of the corpus, or given by hand, may be longer than those that are made up. */
const LONGEST_INPUT = 1 << 20;
const LOOK = 1000;

export interface Outcome {
  readonly inputs: number;
  readonly finding: Report | undefined;
}

export interface Thread {
  readonly module: URL;
  /** An input that takes longer never ends, ms. */
  readonly patience: number;
}

const THREAD: Thread = { module: new URL('./worker.js', import.meta.url), patience: 20_000 };

/** Fuzzes one target in a thread of its own, and looks after it: an input may throw where nobody waits for it, or never end. */
export async function watch(
  target: Target,
  order: Omit<Order, 'target' | 'board'>,
  { module, patience }: Thread = THREAD,
): Promise<Outcome> {
  const board = Board.make(LONGEST_INPUT);
  const workerData: Order = { ...order, target: target.name, board: board.memory };
  const worker = new Worker(module, { workerData });
  let [seen, since] = [0, performance.now()];
  let clock: NodeJS.Timeout | undefined;
  const finding = await new Promise<Report | undefined>((resolve) => {
    worker.on('message', (report: Report | undefined) => resolve(report));
    worker.on('error', (error) => resolve({ input: board.read(), text: String(error.stack) }));
    worker.on('exit', (code) => resolve({ input: board.read(), text: `the thread ended with code ${code}` }));
    clock = setInterval(() => {
      if (board.count !== seen) [seen, since] = [board.count, performance.now()];
      else if (performance.now() - since > patience) {
        resolve({ input: board.read(), text: `it has not ended within ${patience} ms` });
      }
    }, LOOK);
  });
  clearInterval(clock);
  await worker.terminate();
  return { inputs: board.count, finding };
}
