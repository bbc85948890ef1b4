/**
 * The walls of docs/architecture.md stand: the project breaks none, and each is seen to fall when it is broken on purpose
 * in a house built for that.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { afterAll, describe, expect, test } from 'vitest';

import { FLOORS, SANS_IO_ROOMS } from '../../scripts/rooms.mjs';

const ROOT = join(import.meta.dirname, '../..');

interface Violation {
  rule: { name: string };
  from: string;
  to: string;
}

/** What `npm run check:architecture` finds; in another house than the project if one is named. */
function violations(folders: string[], house = ''): Promise<Violation[]> {
  const args = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', ...folders.map((name) => house + name)];
  const options = { cwd: ROOT, env: { ...process.env, EMP_HOUSE: house }, maxBuffer: 2 ** 26 };
  return new Promise((resolve, reject) => {
    // The exit code is the number of violations: only output that is no JSON is a failure.
    execFile(join(ROOT, 'node_modules/.bin/depcruise'), args, options, (_, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout).summary.violations);
      } catch {
        reject(new Error(stderr));
      }
    });
  });
}

describe('the project', () => {
  test('every room of src/ is on a floor', () => {
    const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of rooms)
      expect(FLOORS, `scripts/rooms.mjs names no floor for src/${name}`).toHaveProperty(name);
  });

  test('breaks no wall', async () => {
    const found = await violations(['src', 'bench', 'examples']);
    expect(found.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
  });
});

describe('a wall that is broken is reported', () => {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const house = mkdtempSync(join(ROOT, 'build/house-'));
  afterAll(() => rmSync(house, { recursive: true }));

  // The rule, the module that breaks it, and what that imports.
  const broken: [rule: string, from: string, to: string][] = [
    ['wire-imports-only-down', 'src/wire/up.ts', '../channel/x.js'],
    ['wire-imports-only-down', 'src/wire/beside.ts', '../arq/x.js'],
    ['arq-imports-only-down', 'src/arq/up.ts', '../wire/x.js'],
    ['nic-imports-only-down', 'src/nic/up.ts', '../host/x.js'],
    ['channel-imports-only-down', 'src/channel/up.ts', '../path/x.js'],
    ['path-imports-only-down', 'src/path/up.ts', '../host/x.js'],
    ['host-imports-only-down', 'src/host/up.ts', '../testbed/x.js'],
    ['testbed-imports-only-down', 'src/testbed/up.ts', '../cli/x.js'],
    ...SANS_IO_ROOMS.map((room): [string, string, string] => ['sans-io-without-node', `src/${room}/io.ts`, 'node:fs']),
    ['no-cycle', 'src/host/chicken.ts', './egg.js'],
    ['native-through-one-door', 'src/nic/hasty.ts', '../../native/x.js'],
    ['errors-below-everything', 'src/errors.ts', './nic/x.js'],
    ['public-door-opens-outwards', 'src/host/door.ts', '../index.js'],
    ['tools-stay-on-the-roof', 'src/host/tool.ts', '../../bench/x.js'],
    ['bench-below-the-command', 'bench/command.ts', '../src/cli/x.js'],
    ['examples-use-the-public-door', 'examples/burglar.ts', '../src/host/x.js'],
    ['house-without-visitors', 'src/host/visitor.ts', '../../test/x.js'],
    ['no-development-packages', 'src/host/borrower.ts', 'vitest'],
    ['resolvable', 'src/host/nowhere.ts', './nothing.js'],
  ];

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(house, file)), { recursive: true });
    writeFileSync(join(house, file), text);
  }

  function build(): void {
    for (const room of Object.keys(FLOORS)) write(`src/${room}/x.ts`, 'export {};');
    for (const file of ['src/index.ts', 'native/x.ts', 'bench/x.ts', 'test/x.ts']) write(file, 'export {};');
    write('src/host/egg.ts', "import './chicken.js';");
    for (const [, from, to] of broken) write(from, `import '${to}';`);
  }

  test('by check:architecture', async () => {
    build();
    const prefix = `${relative(ROOT, house)}/`;
    const found = await violations(['src', 'bench', 'examples'], prefix);
    const reported = new Set(found.map(({ rule, from }) => `${rule.name}: ${from.slice(prefix.length)}`));
    for (const [rule, from] of broken) expect([...reported]).toContain(`${rule}: ${from}`);
  });

  test('every rule is among them', () => {
    const configuration = readFileSync(join(ROOT, '.dependency-cruiser.mjs'), 'utf8');
    const names = [...configuration.matchAll(/name: '([a-z-]+)'/g)].map(([, name]) => name);
    const tried = new Set(broken.map(([rule]) => rule));
    expect(names.filter((name) => !tried.has(name))).toEqual([]);
  });

  // Without the rules that need types: the compiler would read the whole project for them, and none of them is a wall.
  const eslint = new ESLint({ cwd: ROOT, overrideConfig: [tseslint.configs.disableTypeChecked] });

  test.each([
    ['the clock', 'export const now = Date.now();'],
    ['a finer clock', 'export const now = performance.now();'],
    ['chance', `export const dice = ${'Math'}.random();`],
    ['a timer', 'setTimeout(() => undefined, 1);'],
    ['the process', 'export const pid = process.pid;'],
  ])('by check:lint: a sans-I/O room asks the world for %s', async (_, text) => {
    const room = readdirSync(join(ROOT, 'src/wire')).filter((name) => name.endsWith('.ts'));
    // The rules know a room by its path; the text is ours.
    const [result] = await eslint.lintText(text, { filePath: join(ROOT, 'src/wire', room[0]) });
    expect(result.messages.map((message) => message.ruleId)).toContainEqual(
      expect.stringMatching(/^no-restricted-(globals|properties)$/),
    );
  });
});
