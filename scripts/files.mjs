// The project's own files: what git tracks, and what is new and not ignored.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './setup/project.mjs';

export function projectFiles() {
  const listing = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  // A file may have been deleted and not yet committed.
  return listing.split('\0').filter((file) => file !== '' && existsSync(join(ROOT, file)));
}

export const nativeSources = () => projectFiles().filter((file) => /\.(cc|c|h)$/.test(file));
