// `npm test`: set-up, checks, native tests, then the suite. With arguments: set-up, and vitest with these arguments.
import { spawnSync } from 'node:child_process';

import { check } from './check.mjs';
import { setup } from './setup.mjs';
import { ROOT, tool } from './setup/project.mjs';

const run = (command, args) => spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;
const vitest = (args) => run(tool('vitest'), ['run', ...args]);

async function everything() {
  const failed = [];
  if (!(await check())) failed.push('checks');
  if (!run(process.execPath, ['scripts/cmake.mjs', 'test'])) failed.push('native tests');
  if (!vitest([])) failed.push('suite');
  // The suite's closing line is the last one, unless there is worse to say.
  if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`);
  return failed.length === 0;
}

try {
  setup({ test: true });
  const args = process.argv.slice(2);
  const passed = args.length > 0 ? vitest(args) : await everything();
  process.exitCode = passed ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
