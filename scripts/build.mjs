// Builds what changed: the addons (node-gyp, into build/Release) and the TypeScript (rolldown and tsc, into dist). Where it may not
// write, as in a copy that belongs to somebody else, what is there is used as it is.
//
//   node scripts/build.mjs [--force]     --force: even if nothing changed
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';

import { nodeHeaders, ROOT, tool, writable } from './setup/project.mjs';
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
  writes: ['build/.stamp'],
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
  writes: ['dist/.stamp', 'dist', 'build/.stamp'],
  outputs: ['dist/src/index.js'],
  stamp: () =>
    stampOf({
      files: ['tsconfig.json', 'package-lock.json', 'scripts/bundle.mjs'],
      folders: ['src', 'bench'],
      matching: /\.ts$/,
    }),
  build() {
    mkdirSync(join(ROOT, 'build'), { recursive: true });
    const made = mkdtempSync(join(ROOT, 'build/dist-'));
    try {
      run(process.execPath, [join(ROOT, 'scripts/bundle.mjs'), join(made, 'new')]);
      run(tool('tsc'), ['-p', '.', '--outDir', join(made, 'new')]);
      exchange(join(made, 'new'), join(ROOT, 'dist'), join(made, 'old'));
    } finally {
      rmSync(made, { recursive: true, force: true });
    }
  },
  obstacle: () => undefined,
};

/** Puts a whole new folder in the place of the old one: who runs what is there never sees half of it, and a build that fails leaves it alone. */
function exchange(fresh, place, old) {
  if (existsSync(place)) renameSync(place, old);
  renameSync(fresh, place);
}

function runStep({ what, stampFile, writes, outputs, stamp, build, obstacle }, force) {
  const built = outputs.every((file) => existsSync(join(ROOT, file)));
  const wanted = stamp();
  if (!force && built && readStamp(stampFile) === wanted) return;
  const lacking = obstacle();
  if (lacking !== undefined) return console.warn(`The ${what} cannot be built: ${lacking}`);
  const locked = writes.find((file) => !writable(file));
  if (locked !== undefined) {
    const why = `this user cannot write to ${join(ROOT, dirname(locked))}`;
    if (force || !built) throw new Error(`The ${what} cannot be built: ${why}. Build as the owner of this copy.`);
    return console.warn(`The ${what} should be built anew, but ${why}: what is there is used.`);
  }
  console.log(`Building the ${what}`);
  build();
  writeStamp(stampFile, wanted);
}

/** Builds what changed since the last time; `force` builds all. */
export function build({ force = false } = {}) {
  for (const step of [native, typescript]) runStep(step, force);
}

if (import.meta.filename === process.argv[1]) {
  const force = process.argv.includes('--force');
  try {
    // npx calls this in a fresh clone, before the modules are there; were it to fail, npx would go on failing after the set-up.
    if (process.env.npm_command === 'exec' && !existsSync(tool('tsc')))
      console.error('Nothing is built yet: run npm run setup.');
    else build({ force });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
