// One end of a measurement over what Node, or a package of it, sends messages with: `main.js TRANSPORT ROLE OPTIONS`.
import { execFileSync } from 'node:child_process';

import { rounded, summarize } from '../../samples.js';

export interface EndOptions {
  test: 'pingpong' | 'throughput';
  address: string;
  port: number;
  size: number;
  count: number;
  warmup: number;
  /** Of the main thread; the others go where the kernel puts them, as with our own ends. */
  core?: number;
  /** Keeps the event loop from sleeping, the nearest to spinning that it can do. */
  busy: boolean;
  /** File of the package, if it is of one. */
  module?: string;
}

export interface Transport {
  server(options: EndOptions): Promise<void>;
  pingpong(options: EndOptions): Promise<void>;
  throughput?(options: EndOptions): Promise<void>;
}

/** Without -a, taskset moves the one thread that has the process's id: the main thread. */
export function pinMainThread(core: number | undefined): void {
  if (core !== undefined) execFileSync('taskset', ['-c', '-p', `${core}`, `${process.pid}`], { stdio: 'ignore' });
}

/** A loop that has something to do looks for messages without waiting for them. */
export function stayBusy(): void {
  setImmediate(stayBusy);
}

/** Times rounds: `begin` before the message is sent, `ended` when the whole answer is there. */
export class Stopwatch {
  readonly #samples: Float64Array;
  readonly #rounds: number;
  #round = 0;
  #began = 0;

  constructor(private readonly options: EndOptions) {
    this.#samples = new Float64Array(options.count);
    this.#rounds = options.warmup + options.count;
  }

  begin(): void {
    this.#began = performance.now();
  }

  /** False: that was the last one. */
  ended(): boolean {
    const took = (performance.now() - this.#began) * 1000;
    const measured = this.#round - this.options.warmup;
    if (measured >= 0) this.#samples[measured] = took;
    this.#round += 1;
    return this.#round < this.#rounds;
  }

  print(): void {
    console.log(JSON.stringify({ rtt_us: rounded(summarize(this.#samples)) }));
  }
}

/** Sends the warm-up, then what counts; `flood` ends when the server has said that everything is there. */
export async function timeFlood(
  { size, count, warmup }: EndOptions,
  flood: (messages: number) => Promise<void>,
): Promise<void> {
  if (warmup > 0) await flood(warmup);
  const began = performance.now();
  await flood(count);
  const seconds = (performance.now() - began) / 1000;
  console.log(JSON.stringify({ gbit_per_s: (8e-9 * size * count) / seconds }));
}

/** For the server: whether it has just received all of the warm-up, or everything. The client waits there, so neither is passed over. */
export function endsFlood({ count, warmup }: EndOptions, received: number): boolean {
  return received === warmup || received === warmup + count;
}
