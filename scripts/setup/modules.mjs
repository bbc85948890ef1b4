// Installs the npm packages of the lock file, if what is installed differs from it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT, writable } from './project.mjs';

const packagesOf = (file) => JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages;

/** npm leaves beside the packages a lock file of what it installed: no stamp of our own is needed. */
export function modulesAreCurrent() {
  if (!existsSync(join(ROOT, 'node_modules/.package-lock.json'))) return false;
  const wanted = packagesOf('package-lock.json');
  const installed = packagesOf('node_modules/.package-lock.json');
  return Object.entries(wanted).every(([path, { version, optional, peer }]) => {
    if (path === '') return true;
    if (!(path in installed)) return optional === true || peer === true;
    return installed[path].version === version;
  });
}

export function ensureModules() {
  if (modulesAreCurrent()) return;
  if (!writable('node_modules/.package-lock.json')) {
    throw new Error(
      `The npm packages in ${ROOT} are not those of package-lock.json, and this user cannot install them. Run npm run setup as the owner of this copy.`,
    );
  }
  console.log('Installing npm packages (npm ci)');
  // Without scripts: what they would do for this project (`prepare`) is the next step of the set-up.
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error('npm ci failed: see its message above');
}
