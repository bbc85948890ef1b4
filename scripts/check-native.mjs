// Checks the C and C++ sources: their format (clang-format), and for mistakes (cppcheck).
import { spawnSync } from 'node:child_process';

import { nativeSources } from './files.mjs';
import { ROOT } from './setup/project.mjs';

const CPPCHECK = [
  '--std=c++17',
  '--std=c11',
  '--enable=warning,performance,portability',
  '--inline-suppr',
  '--suppress=missingIncludeSystem',
  '--suppress=unknownMacro', // LIBBPF_OPTS: libbpf's headers may not be there
  '--suppress=invalidScanfArgType_int', // takes %hhx for a string's
  '--suppress=accessMoved:test/native/*', // they look at what a move leaves behind
  '--error-exitcode=1',
  '--quiet',
  '-j2',
  '-Inative/common',
  '-Ibench/c',
];

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (error) throw new Error(`${command} is missing: npm run setup -- --test installs it`);
  return status === 0;
}

const sources = nativeSources();
const units = sources.filter((file) => /\.(cc|c)$/.test(file) && !file.endsWith('.bpf.c'));
const formatted = run('clang-format', ['--dry-run', '--Werror', '--ferror-limit=3', ...sources]);
if (!formatted) console.error('npm run format puts it right.');
const sound = run('cppcheck', [...CPPCHECK, ...units]);
process.exitCode = formatted && sound ? 0 : 1;
