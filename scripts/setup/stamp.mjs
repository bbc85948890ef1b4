// A stamp is a hash of everything a build step read. The step is done again when the hash differs.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { ROOT } from './project.mjs';

/** Files below `paths` (relative to the project, as the answer: a copy elsewhere has the same stamp), in a stable order. */
function filesBelow(paths, wanted) {
  const files = [];
  for (const path of paths) {
    const entries = readdirSync(join(ROOT, path), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const file = join(entry.parentPath ?? entry.path, entry.name);
      if (entry.isFile() && wanted.test(entry.name)) files.push(relative(ROOT, file));
    }
  }
  return files.sort();
}

/** A hash of files named one by one, of the files below folders that match, and of facts (versions, options). */
export function stampOf({ files = [], folders = [], matching = /./, facts = [] }) {
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const file of [...files, ...filesBelow(folders, matching)]) {
    hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  }
  return hash.digest('hex');
}

export function readStamp(file) {
  try {
    return readFileSync(join(ROOT, file), 'utf8');
  } catch {
    return undefined;
  }
}

export function writeStamp(file, stamp) {
  mkdirSync(dirname(join(ROOT, file)), { recursive: true });
  writeFileSync(join(ROOT, file), stamp);
}
