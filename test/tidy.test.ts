/** The project's own house rules, checked over its files, so that they do not rot. They only get stricter. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

import { describe, expect, test } from 'vitest';

import { projectFiles } from '../scripts/files.mjs';

const ROOT = join(import.meta.dirname, '..');
const MAX_LINES = 400;

const files = projectFiles();
const code = files.filter((file) => /\.(ts|mjs|cjs|cc|c|h|lua)$/.test(file));
const pages = files.filter((file) => file.endsWith('.md'));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Lines that match, as `file:line: text`. */
function linesMatching(where: readonly string[], pattern: RegExp): string[] {
  return where.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
}

// Built from parts, so that this file does not break its own rules.
const word = (...parts: string[]): string => parts.join('');

describe('source files', () => {
  test(`are no longer than ${MAX_LINES} lines`, () => {
    const long = code.map((file) => `${file}: ${read(file).split('\n').length - 1}`);
    expect(long.filter((entry) => Number(entry.split(': ')[1]) > MAX_LINES)).toEqual([]);
  });

  test('have no tabs, no blanks at the end of a line, and end with a newline', () => {
    expect(linesMatching(code, /\t|\s$/)).toEqual([]);
    expect(code.filter((file) => !read(file).endsWith('\n'))).toEqual([]);
  });

  test('leave nothing for later, and switch no checker off', () => {
    const later = [word('TO', 'DO'), word('FIX', 'ME'), word('XX', 'X')].join('|');
    const off = [word('eslint-', 'disable'), word('@ts-', 'ignore'), word('@ts-', 'nocheck'), word('as ', 'any')].join(
      '|',
    );
    expect(linesMatching(code, new RegExp(`\\b(${later})\\b|(${off})\\b`))).toEqual([]);
  });

  test("name no path of somebody's machine", () => {
    const paths = [word('/wo', 'rk/'), word('/ho', 'me/'), word('/ro', 'ot/'), word('/tmp', '/emp-')].join('|');
    const text = files.filter((file) => /\.(ts|mjs|cjs|cc|c|h|md|json|gyp|txt|lua)$/.test(file) || file === '.ci/run');
    expect(linesMatching(text, new RegExp(paths))).toEqual([]);
  });
});

describe('tests', () => {
  const tests = files.filter((file) => file.endsWith('.test.ts'));

  test('are not run alone, and are skipped only for a reason that is computed', () => {
    const forbidden = new RegExp(`\\b(describe|it|test)(\\.\\w+)*\\.(${word('on', 'ly')}\\b|${word('sk', 'ip')}\\()`);
    expect(linesMatching(tests, forbidden)).toEqual([]);
  });

  test('take chance from the seed of the run', () => {
    expect(linesMatching(tests, new RegExp(word('Math\\.', 'random')))).toEqual([]);
  });
});

describe('error codes', () => {
  const documented = existsSync(join(ROOT, 'docs/errors.md')) ? read('docs/errors.md') : '';
  const declared = [...read('src/errors.ts').matchAll(/'(ERR_EMP_\w+)'/g)].map(([, code]) => code);

  test('are all in docs/errors.md, which names no other', () => {
    const named = new Set([...documented.matchAll(/ERR_EMP_\w+/g)].map(([code]) => code));
    expect(
      [...new Set(declared)].filter((code) => !named.has(code)),
      'missing in docs/errors.md',
    ).toEqual([]);
    expect(
      [...named].filter((code) => !declared.includes(code)),
      'unknown in docs/errors.md',
    ).toEqual([]);
  });
});

describe('pages', () => {
  test('link only to what is there', () => {
    const dead = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)/g)]
        .map(([, target]) => target)
        .filter((target) => !existsSync(join(ROOT, normalize(join(dirname(page), target)))))
        .map((target) => `${page}: ${target}`),
    );
    expect(dead).toEqual([]);
  });

  test('name only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const unknown = pages.flatMap((page) =>
      [...read(page).matchAll(/npm run ([\w:-]+)/g)]
        .map(([, name]) => name)
        .filter((name) => !(name in scripts))
        .map((name) => `${page}: npm run ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  test('the README names only commands that emp has', () => {
    const commands = existsSync(join(ROOT, 'README.md')) ? read('README.md') : '';
    const named = [...commands.matchAll(/^\s*(?:\$ )?(?:npx )?emp ([a-z]+)/gm)].map(([, name]) => name);
    const sources = files
      .filter((file) => file.startsWith('src/cli/'))
      .map(read)
      .join('\n');
    expect([...new Set(named)].filter((name) => !new RegExp(`['"\`]${name}\\b`).test(sources))).toEqual([]);
  });
});

describe('the package', () => {
  test('the lock file names no registry', () => {
    expect(linesMatching(['package-lock.json'], /"resolved"|registry/)).toEqual([]);
  });

  test('everything it is made of is listed with its licence in docs/dependencies.md', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    const page = existsSync(join(ROOT, 'docs/dependencies.md')) ? read('docs/dependencies.md') : '';
    const names = Object.keys({ ...dependencies, ...devDependencies });
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test('carries its binaries, and runs no script where it is installed', () => {
    // npm would build a package that has a binding.gyp, and most installations forbid that.
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name))).toEqual([]);
    const listing = execFileSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
      cwd: ROOT,
      stdio: 'pipe',
    });
    const [{ files: packed }] = JSON.parse(listing.toString()) as [{ files: { path: string }[] }];
    const paths = packed.map(({ path }) => path);
    const needed = ['build/Release/emp_core.node', 'native/bpf/emp_xdp.bpf.o', 'LICENSE', 'dist/src/index.js'];
    expect(paths).toEqual(expect.arrayContaining(needed));
    expect(paths).not.toContain('binding.gyp');
  });

  test('every native source is in native/sources.json, and every file listed there exists', () => {
    const listed = Object.values(JSON.parse(read('native/sources.json')) as Record<string, string[]>).flat();
    expect(listed.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    const sources = files.filter((file) => /^(native|bench\/c)\/.*\.(cc|c)$/.test(file) && !file.endsWith('.bpf.c'));
    expect(sources.filter((file) => !listed.includes(file))).toEqual([]);
  });

  test('scripts that start with #! can be run', () => {
    const scripts = files.filter((file) => read(file).startsWith('#!') && !file.endsWith('.ts'));
    expect(scripts.filter((file) => (statSync(join(ROOT, file)).mode & 0o111) === 0)).toEqual([]);
  });
});
