// Every sample of a test as CSV, which spreadsheets, pandas, R and gnuplot read: docs/bench.md, "Raw samples".
import { closeSync, openSync, writeFileSync } from 'node:fs';

import { ArgumentError } from '../src/index.js';

const HEADER = 'point,driver,size,series,us';
/** Lines that are written at a time. */
const LINES = 1 << 15;

export interface RawPoint {
  readonly driver: string;
  readonly size: number;
  /** In the order in which they were taken, µs. */
  readonly samples: Float64Array;
  readonly baselineSamples: Float64Array | undefined;
}

/** Written while nothing is measured: after each point. */
export class RawFile implements Disposable {
  #points = 0;

  private constructor(
    readonly path: string,
    private readonly file: number,
  ) {}

  /** Before anything is measured: minutes of work must not be lost for want of a place. */
  static open(path: string): RawFile {
    const raw = new RawFile(
      path,
      written(path, () => openSync(path, 'w')),
    );
    raw.#write(`${HEADER}\n`);
    return raw;
  }

  add({ driver, size, samples, baselineSamples }: RawPoint): void {
    this.#points += 1;
    this.#series([this.#points, driver, size, 'emp'].join(), samples);
    if (baselineSamples !== undefined) {
      this.#series([this.#points, driver, size, 'baseline'].join(), baselineSamples);
    }
  }

  #series(head: string, samples: Float64Array): void {
    for (let from = 0; from < samples.length; from += LINES) {
      let text = '';
      for (const us of samples.subarray(from, from + LINES)) text += `${head},${Math.round(us * 1000) / 1000}\n`;
      this.#write(text);
    }
  }

  #write(text: string): void {
    written(this.path, () => writeFileSync(this.file, text));
  }

  [Symbol.dispose](): void {
    closeSync(this.file);
  }
}

function written<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    throw new ArgumentError(`'${path}' cannot be written: ${(cause as Error).message}.`, {
      remedy: 'Name another file with --raw.',
      cause,
    });
  }
}
