// Builds what changed: the addons (node-gyp, into build/Release) and the TypeScript (tsc, into dist).
//
//   node scripts/build.mjs [--force]     --force: even if nothing changed
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';

import { nodeHeaders, ROOT, tool } from './setup/project.mjs';
import { readStamp, stampOf, writeStamp } from './setup/stamp.mjs';

const COMPILER = ['make', 'g++', 'python3'];
const LIBBPF = '/usr/include/bpf/libbpf.h';

const onPath = (command) => process.env.PATH.split(delimiter).some((folder) => existsSync(join(folder, command)));

function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  // A build that succeeds has nothing to say, but for the compiler's warnings.
  if (status !== 0)
    throw new Error(`${stdout ?? ''}${stderr ?? ''}\n${relative(ROOT, command)} ${args.join(' ')} failed`);
  const warnings = `${stdout}${stderr}`.split('\n').filter((line) => /\bwarning:/.test(line));
  if (warnings.length > 0) console.warn(warnings.join('\n'));
}

const native = {
  what: 'addons',
  stampFile: 'build/.stamp',
  outputs: ['build/Release/emp_core.node'],
  stamp: () =>
    stampOf({
      files: ['binding.gyp', 'scripts/sources.mjs', 'node_modules/node-addon-api/package.json'],
      folders: ['native', 'bench/c'].filter((folder) => existsSync(join(ROOT, folder))),
      matching: /\.(cc|c|h|json)$/,
      facts: [process.version, process.arch, existsSync(LIBBPF)],
    }),
  build: () => run(tool('node-gyp'), ['configure', 'build', '--loglevel=warn', '--jobs=max', ...nodeHeaders()]),
  obstacle() {
    const lacking = COMPILER.filter((command) => !onPath(command));
    return lacking.length === 0 ? undefined : `${lacking.join(', ')} missing: only the memory driver will work`;
  },
};

const typescript = {
  what: 'TypeScript',
  stampFile: 'dist/.stamp',
  outputs: [],
  stamp: () =>
    stampOf({
      files: ['tsconfig.json', 'package-lock.json'],
      folders: ['src', 'bench'],
      matching: /\.ts$/,
    }),
  build() {
    run(tool('tsc'), ['-p', '.']);
    pruneOutput();
  },
  obstacle: () => undefined,
};

/** Removes from dist what was compiled from a source that is gone: a stale module would still be found by an import. */
function pruneOutput() {
  for (const name of readdirSync(join(ROOT, 'dist'), { recursive: true })) {
    const source = name.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
    if (source !== name && !existsSync(join(ROOT, source))) rmSync(join(ROOT, 'dist', name));
  }
}

/** Builds what changed since the last time; `force` builds all. */
export function build({ force = false } = {}) {
  for (const step of [native, typescript]) {
    const obstacle = step.obstacle();
    if (obstacle !== undefined) {
      console.warn(`The ${step.what} cannot be built: ${obstacle}`);
      continue;
    }
    const stamp = step.stamp();
    const done = readStamp(step.stampFile) === stamp && step.outputs.every((file) => existsSync(join(ROOT, file)));
    if (done && !force) continue;
    console.log(`Building the ${step.what}`);
    step.build();
    writeStamp(step.stampFile, stamp);
  }
}

if (import.meta.filename === process.argv[1]) {
  try {
    build({ force: process.argv.includes('--force') });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
