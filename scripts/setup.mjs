// Makes a fresh clone ready: Debian packages, npm packages, build. Quick when all is done. Uses nothing but Node itself,
// because it runs before anything is installed.
//
//   node scripts/setup.mjs [--test]      --test: also what the tests and checks need
import { build } from './build.mjs';
import { ensurePackages } from './setup/debian.mjs';
import { ensureModules } from './setup/modules.mjs';

/** Returns the Debian packages that are still missing, for those who are not root. */
export function setup({ test = false } = {}) {
  const missing = ensurePackages(test ? ['run', 'test'] : ['run']);
  ensureModules();
  build();
  return missing;
}

if (import.meta.filename === process.argv[1]) {
  try {
    setup({ test: process.argv.includes('--test') });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
