// `npm test`: set-up, checks, native tests, then the suite. With arguments: set-up, and vitest with these arguments.
import { spawnSync } from 'node:child_process';

import { check, checkNames } from './check.mjs';
import { setup } from './setup.mjs';
import { ROOT, tool } from './setup/project.mjs';

const run = (command, args) => spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;
const vitest = (args) => run(tool('vitest'), ['run', ...args]);

// Steps that need Debian packages which somebody who is not root may lack. CI has them all.
const NEEDS = { native: ['clang-format', 'cppcheck'], bpf: ['clang', 'libbpf-dev'], cmake: ['cmake', 'g++'] };

function possible(step, missing) {
  const lacking = (NEEDS[step] ?? []).filter((name) => missing.includes(name));
  if (lacking.length === 0 || process.env.CI === 'true') return true;
  console.warn(`Left out, for want of ${lacking.join(', ')}: ${step}`);
  return false;
}

async function everything(missing) {
  const failed = [];
  const checks = checkNames().filter((name) => possible(name, missing));
  if (!(await check(checks))) failed.push('checks');
  if (possible('cmake', missing) && !run(process.execPath, ['scripts/cmake.mjs', 'test'])) failed.push('native tests');
  if (!vitest([])) failed.push('suite');
  // The suite's closing line is the last one, unless there is worse to say.
  if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`);
  return failed.length === 0;
}

try {
  const missing = setup({ test: true });
  const args = process.argv.slice(2);
  const passed = args.length > 0 ? vitest(args) : await everything(missing);
  process.exitCode = passed ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
