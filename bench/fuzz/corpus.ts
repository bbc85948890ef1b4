/** Inputs as files: those that are committed, and those of findings. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { packageRoot } from '../../src/nic/native.js';

export function corpusFolder(target: string): string {
  return join(packageRoot(), 'test', 'fuzz', 'corpus', target);
}

/** By name, so that a seed means the same everywhere. */
export function readCorpus(target: string): Uint8Array[] {
  const folder = corpusFolder(target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(folder, name))));
}

/** Writes an input under a name that is its hash; returns the path. */
export function writeInput(folder: string, input: Uint8Array, prefix = ''): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, prefix + createHash('sha256').update(input).digest('hex').slice(0, 12));
  writeFileSync(path, input);
  return path;
}
