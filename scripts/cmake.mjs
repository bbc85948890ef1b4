// Builds with CMake (cmake-js brings Node's interface), and runs the native tests under the sanitizers.
//
//   node scripts/cmake.mjs build     the addons, into build/cmake/Release
//   node scripts/cmake.mjs test      everything with address and undefined-behaviour sanitizers, into build/sanitized/Release;
//                                    then the native tests, and the tests of the drivers and attacks against the sanitized addons
import { spawnSync } from 'node:child_process';
import { join, relative } from 'node:path';

import { ROOT, tool } from './setup/project.mjs';

// Left out: opening and closing again and again takes minutes, and shows the sanitizer nothing that once does not; and the
// heap grows otherwise under it.
const QUICK = '^(?!.*( \\d+ times|no frame costs))';

function run(command, args, { quiet = false, env = {} } = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: quiet ? 'pipe' : ['ignore', 'inherit', 'inherit'],
    encoding: 'utf8',
  });
  if (status === 0) return;
  throw new Error(`${stdout ?? ''}${stderr ?? ''}\n${relative(ROOT, command)} ${args.join(' ')} failed`);
}

function compile(folder, options) {
  const definitions = Object.entries(options).map(([name, value]) => `--CD${name}=${value}`);
  run(tool('cmake-js'), ['compile', '--out', folder, '--parallel', '2', ...definitions], { quiet: true });
}

/** What Node, which is not sanitized itself, needs to load an addon that is. Leaks of Node's own are not our subject. */
function sanitizedNode() {
  const library = (name) => spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim();
  return {
    LD_PRELOAD: ['libasan.so', 'libubsan.so', 'libstdc++.so'].map(library).join(':'),
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    NODE_OPTIONS: `--require ${join(ROOT, 'test/support/sanitizedAddons.cjs')}`,
  };
}

function test() {
  compile('build/sanitized', { EMP_SANITIZE: 'address,undefined', EMP_TESTS: 'ON' });
  run(join(ROOT, 'build/sanitized/Release/native_tests'), []);
  const suite = ['run', '--reporter=dot', '--passWithNoTests', 'test/native', 'test/nic', '--testNamePattern', QUICK];
  run(tool('vitest'), suite, { env: sanitizedNode() });
}

try {
  if (process.argv[2] === 'test') test();
  else compile('build/cmake', {});
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
