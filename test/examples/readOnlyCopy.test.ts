// What a build leaves behind, and a copy of the project that belongs to somebody else: whoever may only read it uses what was built
// there. The compilers are stand-ins that note each call.
import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { isRoot } from '../support/root.js';

const ROOT = new URL('../../', import.meta.url).pathname;
const PARTS = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'binding.gyp',
  'scripts',
  'native',
  'src',
  'bench',
];
const INSTALLED = ['node_modules/.package-lock.json', 'node_modules/node-addon-api/package.json'];
const NOBODY = 65534;

let directory: string;
let copy: string;

function put(path: string, text: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text, { mode: 0o755 });
}

const tool = (path: string, script: string): void => put(path, `#!/bin/sh\n${script}`);

/** A bundler that makes `output`. */
const bundler = (output: string): string =>
  `export const rolldown = async () => ({ generate: async () => ({ output: ${output} }), close() {} });`;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'emp-copy-'));
  chmodSync(directory, 0o755);
  copy = join(directory, 'copy');
  for (const part of [...PARTS, ...INSTALLED]) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  const note = `echo "$0" >> ${directory}/calls\n`;
  tool('copy/node_modules/.bin/tsc', note);
  put('copy/node_modules/rolldown/index.mjs', bundler(`[{ fileName: 'src/index.js', code: '' }]`));
  put('copy/node_modules/rolldown/package.json', '{ "exports": "./index.mjs" }');
  tool('copy/node_modules/.bin/node-gyp', `${note}mkdir -p build/Release && : > build/Release/emp_core.node`);
  for (const name of ['make', 'g++', 'python3']) tool(`tools/${name}`, 'exit 1');
  writeFileSync(join(directory, 'calls'), '');
});
afterEach(() => {
  changeModes('u+w');
  rmSync(directory, { recursive: true });
});

const changeModes = (modes: string) => spawnSync('chmod', ['-R', modes, copy]);
const calls = (): number => readFileSync(join(directory, 'calls'), 'utf8').split('\n').length - 1;

/** Runs a script of the copy, as somebody who may not write there if so asked. */
function run(script: string, { readOnly }: { readOnly: boolean }) {
  changeModes(readOnly ? 'a-w' : 'u+w');
  const [name, ...args] = script.split(' ');
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(copy, 'scripts', name), ...args], {
    encoding: 'utf8',
    env: { PATH: `${directory}/tools:${process.env['PATH']}` },
    ...(readOnly && isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  return { status, output: stdout + stderr };
}

test('a new build has nothing of the old one; one that fails leaves the old one alone', () => {
  const dist = (): string[] => readdirSync(join(copy, 'dist'), { recursive: true, encoding: 'utf8' }).sort();
  const built = ['.stamp', 'src', 'src/index.js'];
  run('build.mjs', { readOnly: false });
  expect(dist()).toEqual(built);
  writeFileSync(join(copy, 'dist/src/gone.js'), '');

  const failures = {
    'the bundler': () => put('copy/node_modules/rolldown/index.mjs', bundler(`[{ fileName: 'src/half.js' }, never]`)),
    'the compiler': () => tool('copy/node_modules/.bin/tsc', 'echo "src/index.ts(1,1): error"; exit 1'),
  };
  for (const [what, fail] of Object.entries(failures)) {
    fail();
    const { status, output } = run('build.mjs --force', { readOnly: false });
    expect(status, what).toBe(1);
    expect(output).toMatch(/failed$/m);
    expect(dist(), what).toEqual([...built, 'src/gone.js'].sort());
    put('copy/node_modules/rolldown/index.mjs', bundler(`[{ fileName: 'src/index.js', code: '' }]`));
  }

  tool('copy/node_modules/.bin/tsc', 'exit 0');
  expect(run('build.mjs --force', { readOnly: false })).toMatchObject({ status: 0 });
  expect(dist()).toEqual(built);
  expect(readdirSync(join(copy, 'build')).sort()).toEqual(['.stamp', 'Release']);
});

test('what was built is used, in another place too: nothing is built again', () => {
  expect(run('build.mjs', { readOnly: false })).toMatchObject({ status: 0 });
  expect(calls()).toBe(2);
  renameSync(copy, (copy = join(directory, 'elsewhere')));
  expect(run('build.mjs', { readOnly: true })).toEqual({ status: 0, output: '' });
  const { status, output } = run('setup.mjs', { readOnly: true });
  expect(status, output).toBe(0);
  expect(output).not.toMatch(/Building|npm/);
  expect(calls()).toBe(2);
});

test('what was built of other sources is used with a warning', () => {
  run('build.mjs', { readOnly: false });
  appendFileSync(join(copy, 'src/index.ts'), '\n');
  const { status, output } = run('build.mjs', { readOnly: true });
  expect(status).toBe(0);
  expect(output).toBe(
    `The TypeScript should be built anew, but this user cannot write to ${copy}/dist: what is there is used.\n`,
  );
  expect(calls()).toBe(2);
});

test('what is not there, or must be built, ends it with a sentence', () => {
  for (const script of ['build.mjs', 'setup.mjs']) {
    const { status, output } = run(script, { readOnly: true });
    expect(status).toBe(1);
    expect(output).toMatch(/^The addons cannot be built: .* Build as the owner of this copy\.$/m);
  }
  run('build.mjs', { readOnly: false });
  expect(run('build.mjs --force', { readOnly: true }).status).toBe(1);
  expect(calls()).toBe(2);
});

test('npm packages that are others than those wanted are left as they are', () => {
  run('build.mjs', { readOnly: false });
  writeFileSync(join(copy, INSTALLED[0]), '{"packages":{}}');
  const { status, output } = run('setup.mjs', { readOnly: true });
  expect(status).toBe(1);
  expect(output).toMatch(/npm packages in .* are not those of package-lock\.json, .* Run npm run setup as the owner/);
  expect(existsSync(join(copy, 'node_modules/node-addon-api'))).toBe(true);
});
