// The package as a project of one's own has it: packed, unpacked into node_modules, nothing built there.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { isRoot } from '../support/root.js';

const ROOT = new URL('../../', import.meta.url).pathname;
const NAME = 'ethernet-message-passing';
const NOBODY = isRoot ? { uid: 65534, gid: 65534 } : {};

let project: string;
let installed: string;

function put(from: string, name: string): void {
  cpSync(from, join(project, 'node_modules', name), { recursive: true });
}

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'emp-project-'));
  installed = join(project, 'node_modules', NAME);
  mkdirSync(installed, { recursive: true });
  const npm = (...args: string[]) => execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
  const [{ filename }] = JSON.parse(npm('pack', '--ignore-scripts', '--json', '--pack-destination', project)) as [
    { filename: string },
  ];
  execFileSync('tar', ['-xf', join(project, filename), '-C', installed, '--strip-components=1']);
  // What it depends on, without asking a registry.
  const dependencies = npm('ls', '--omit=dev', '--all', '--parseable').trim().split('\n').slice(1);
  for (const path of dependencies) put(path, relative(join(ROOT, 'node_modules'), path));
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  execFileSync('chmod', ['-R', 'a=rX', project]);
});
afterAll(() => {
  execFileSync('chmod', ['-R', 'u+w', project]);
  rmSync(project, { recursive: true });
});

/** Every file below the project with the time of its last change. */
function snapshot(): string[] {
  const names = readdirSync(project, { recursive: true, encoding: 'utf8' });
  return names.map((name) => `${name} ${statSync(join(project, name)).mtimeMs}`).sort();
}

describe('who may only read it', () => {
  let before: string[];
  beforeAll(() => {
    before = snapshot();
  });
  afterAll(() => expect(snapshot(), 'nothing was written').toEqual(before));

  test('runs the ten lines of the README', async () => {
    const [, code] = /```js\n([^]*?)```/.exec(readFileSync(join(installed, 'README.md'), 'utf8'))!;
    const args = ['--input-type=module', '--eval', code];
    const run = promisify(execFile)(process.execPath, args, { cwd: project, ...NOBODY });
    expect(await run).toEqual({ stdout: 'hello\n', stderr: '' });
  });

  test('runs an example', async () => {
    const example = (...args: string[]) =>
      spawn(process.execPath, [join(installed, 'examples/ping-pong.mjs'), ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
        ...NOBODY,
      });
    const server = example('server', '--local', '127.0.0.1:0');
    const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
    const client = example('client', line.replace('listening at ', ''), '--rounds', '100');
    expect(await once(client, 'exit')).toEqual([0, null]);
    server.kill('SIGINT');
    expect(await once(server, 'exit')).toEqual([0, null]);
  });

  test('runs the command', async () => {
    const { bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { bin: { emp: string } };
    const args = [join(installed, bin.emp), 'bench', 'pingpong', '--driver', 'memory', '--rounds', '1000', '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: project, ...NOBODY });
    expect(JSON.parse(stdout)).toMatchObject({ driver: 'memory', lost: 0, rounds: 1000 });
  });
});

describe('its code', () => {
  const code = (): string[] =>
    readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));

  test('is what the bundler makes: modules that are run or imported, and the parts that they share', () => {
    const doors = /const DOORS = \[([^\]]*)\]/.exec(readFileSync(join(ROOT, 'scripts/bundle.mjs'), 'utf8'))![1];
    const expected = doors.match(/[\w/]+(?=')/g)!.map((door) => `${door}.js`);
    expect(
      code()
        .filter((name) => !name.startsWith('src/parts/'))
        .sort(),
    ).toEqual(expected.sort());
  });

  test('has maps that carry the sources, which are not in the package', () => {
    for (const name of code()) {
      const file = join(installed, 'dist', name);
      const [, map] = /^\/\/# sourceMappingURL=(.*)$/m.exec(readFileSync(file, 'utf8')) ?? [];
      if (map === undefined) continue; // it only passes names on
      const { sources, sourcesContent } = JSON.parse(readFileSync(join(dirname(file), map), 'utf8')) as SourceMap;
      expect(sourcesContent.map((text) => text.length > 0)).toEqual(sources.map(() => true));
      const missing = sources.filter((path) => !existsSync(join(ROOT, 'dist', dirname(name), path)));
      expect(missing, `${name}: a debugger shows them under their names in the repository`).toEqual([]);
    }
  });
});

interface SourceMap {
  sources: string[];
  sourcesContent: string[];
}

describe('a TypeScript project that checks declarations strictly', () => {
  const PROGRAM = `
    import { Host, AbortError, ChannelError, openNic } from '${NAME}';
    import type { CloseInfo, ConnectOptions, HostOptions, MessageHandler, Nic } from '${NAME}';

    const options: HostOptions = { nic: { driver: 'udp', port: 0 }, wait: 'event' };
    await using host = await Host.open(options);
    const onMessage: MessageHandler = (bytes, offset, length) => void bytes.subarray(offset, offset + length);
    const connecting: ConnectOptions = { onMessage, timeout: 100 };
    try {
      await using channel = await host.connect(host.address, 1, connecting);
      const info: CloseInfo = await channel.close();
      if (info.reason === 'peer-aborted') channel.send(new Uint8Array(3));
    } catch (error) {
      if (error instanceof AbortError) throw error;
      if (error instanceof ChannelError && error.reason === 'no-listener') error.code satisfies string;
    }
    export const nic: Nic = openNic({ driver: 'memory', name: 'x' });`;

  /** What the compiler says in a project that has these libraries and these types of others. */
  async function compile(program: string, lib: string[], types: string[]): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'emp-types-'));
    try {
      cpSync(join(project, 'node_modules'), join(folder, 'node_modules'), { recursive: true }); // what npm would put there
      if (types.length > 0) {
        for (const name of ['@types/node', 'undici-types']) {
          cpSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
        }
      }
      const compilerOptions = { strict: true, noEmit: true, module: 'NodeNext', target: 'ES2022', lib, types };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...compilerOptions } }));
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      writeFileSync(join(folder, 'main.ts'), program);
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
      const { stdout } = await promisify(execFile)(process.execPath, [tsc, '--skipLibCheck', 'false'], {
        cwd: folder,
      }).catch((error: { stdout: string }) => error);
      return stdout;
    } finally {
      execFileSync('chmod', ['-R', 'u+w', folder]);
      rmSync(folder, { recursive: true });
    }
  }

  test('needs nothing but TypeScript, and an old library', async () => {
    expect(await compile(PROGRAM, ['ES2022'], [])).toBe('');
  });

  const SIGNAL = `
    import type { ConnectOptions } from '${NAME}';
    export const right: ConnectOptions = { signal: AbortSignal.timeout(5) };
    export const wrong: ConnectOptions = { signal: 5 };`;

  test.each([
    ['@types/node', ['ES2022'], ['node']],
    ['the DOM', ['ES2022', 'DOM'], []],
  ])('with %s, connect takes its AbortSignal and nothing else', async (_name, lib, types) => {
    expect(await compile(PROGRAM, lib, types)).toBe('');
    expect(await compile(SIGNAL, lib, types)).toMatch(
      /^main\.ts\(4,.*'number' is not assignable to type 'AbortSignal'/,
    );
  });
});

describe('its pages', () => {
  const pages = (): [string, string][] =>
    readdirSync(installed, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => [name, readFileSync(join(installed, name), 'utf8')]);

  test('link only to what is in the package', () => {
    const dead = pages().flatMap(([name, text]) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
        .filter(([, target]) => !existsSync(join(installed, dirname(name), target)))
        .map(([, target]) => `${name}: ${target}`),
    );
    expect(dead).toEqual([]);
  });

  test('say of a file that is not in the package that it is in the repository', () => {
    const FILE = /\b(?:src|test|scripts|native|bench)\/[\w./<>-]+\.\w+/g;
    const unsaid = pages().flatMap(([name, text]) =>
      [...text.matchAll(FILE)]
        .filter(([file]) => !existsSync(join(installed, file)) && !/\brepository\b/.test(text))
        .map(([file]) => `${name}: ${file}`),
    );
    expect(unsaid).toEqual([]);
  });
});
