import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { ArgumentError } from '../../src/index.js';

/** Before anything is measured: minutes of work must not be lost for want of a place. What is in the file stays. */
export function checkPlace(option: string, file: string, make: () => void = () => undefined): void {
  try {
    make();
    writeFileSync(file, '', { flag: 'a' });
  } catch (cause) {
    throw new ArgumentError(`Nothing can be written to '${file}': ${(cause as Error).message}.`, {
      remedy: `Name another place with ${option}.`,
      cause,
    });
  }
}

/** A folder, and those above it. Not by `recursive`, which Node 20 tries for ever where nothing can be made, such as below /proc. */
export function makeFolder(path: string): void {
  const folder = resolve(path);
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder);
}
