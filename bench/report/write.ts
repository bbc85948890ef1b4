// `--html FILE`: the report of results, as a file. `--svg FILE`: one figure of it.
import { writeFile } from 'node:fs/promises';

import { ArgumentError } from '../../src/index.js';
import { reportPage, type PageOptions } from './page.js';
import { picture } from './picture.js';
import type { Results } from './read.js';

export function writeReport(results: Results, file: string, options: PageOptions = {}): Promise<void> {
  return write('report', '--html', file, reportPage(results, { date: new Date(), ...options }));
}

export function writePicture(results: Results, file: string, figure: string): Promise<void> {
  return write('picture', '--svg', file, picture(results, figure));
}

async function write(what: string, option: string, file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    throw new ArgumentError(`The ${what} cannot be written to '${file}': ${(cause as Error).message}.`, {
      remedy: `Name another file with ${option}.`,
      cause,
    });
  }
}
