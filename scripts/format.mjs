// Formats every source of the project, or the files named.
//
//   node scripts/format.mjs [files...]
import { spawnSync } from 'node:child_process';

import { nativeSources } from './files.mjs';
import { ROOT, tool } from './setup/project.mjs';

const named = process.argv.slice(2);
const isNative = (file) => /\.(cc|c|h)$/.test(file);
const native = named.length > 0 ? named.filter(isNative) : nativeSources();
const others = named.length > 0 ? named.filter((file) => !isNative(file)) : ['.'];

const run = (command, args) => spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' }).status ?? 1;
if (native.length > 0) process.exitCode ||= run('clang-format', ['-i', ...native]);
if (others.length > 0) process.exitCode ||= run(tool('prettier'), ['--write', '--log-level=warn', ...others]);
