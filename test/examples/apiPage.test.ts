// docs/api.md is the whole public face: its code runs and says what its comments tell, and nothing that is exported is missing there.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

import { Channel, ChannelCounter, EngineCounter, Host, Listener, NicCounter, openNic } from '../../src/index.js';

const ROOT = new URL('../../', import.meta.url).pathname;
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const page = read('docs/api.md');
const run = promisify(execFile);

/** The blocks of code in a language, each with the heading that it stands under. */
function blocks(language: string): [string, string][] {
  const found = [...page.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))];
  return found.map(({ index, 1: code }) => [[...page.slice(0, index).matchAll(/^#+ (.*)/gm)].at(-1)![1], code]);
}

/** Those that the page does not have in code letters, alone or within what is. */
function missing(names: readonly string[]): string[] {
  const text = page.replace(/```[^]*?```/g, '');
  return names.filter((name) => !new RegExp(`\`(?:[^\`\n]*[^\\w\`-])?${name}(?:[^\\w\`-][^\`\n]*)?\``).test(text));
}

describe('the code on the page', () => {
  test.each(blocks('js'))('%s: prints what it says', async (_heading, code) => {
    const promised = [...code.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, text]) => text);
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: ROOT });
    expect(stderr).toBe('');
    expect(stdout.split('\n').slice(0, -1).sort()).toEqual(promised.sort());
  });

  test('what is for TypeScript, or for hardware that is not here, compiles', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'emp-api-'));
    try {
      const compilerOptions = { noEmit: true, rootDir: '/', typeRoots: [join(ROOT, 'node_modules/@types')] };
      const config = { extends: join(ROOT, 'tsconfig.check.json'), compilerOptions, include: ['*.ts'] };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      for (const [at, [, code]] of blocks('ts').entries()) writeFileSync(join(folder, `${at}.ts`), code);
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
      await run(process.execPath, [tsc, '-p', folder]).catch(({ stdout }: { stdout: string }) => {
        throw new Error(stdout);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the page has', () => {
  test('every export', () => {
    const exported = [...read('src/index.ts').matchAll(/^export (?:type )?\{([^}]*)\}/gm)]
      .flatMap(([, names]) => names.split(','))
      .map((name) => name.trim())
      .filter((name) => name !== '');
    expect(exported).toContain('Host');
    expect(missing(exported)).toEqual([]);
  });

  /** What a call that is given an unknown option says there is. */
  async function optionsOf(call: (wrong: never) => unknown): Promise<string[]> {
    try {
      await call({ nonsense: true } as never);
    } catch (error) {
      return /Its options are: (.*)\.$/.exec((error as Error).message)![1].split(', ');
    }
    throw new Error('nothing was refused');
  }

  test('every option', async () => {
    const host = await Host.open({ nic: { driver: 'memory', name: 'api-options' } });
    const calls: ((wrong: object) => unknown)[] = [
      (wrong) => host.connect(host.address, 1, wrong),
      (wrong) => host.listen(1, wrong),
      (wrong) => host.close(wrong),
      (wrong) => Host.open({ nic: { driver: 'udp' }, ...wrong }),
      (wrong) => Host.open({ nic: { driver: 'udp' }, channel: wrong }),
      (wrong) => openNic({ driver: 'memory', name: 'x', ...wrong }),
      (wrong) => openNic({ driver: 'udp', ...wrong }),
      (wrong) => openNic({ driver: 'packet', interface: 'lo', ...wrong }),
      (wrong) => openNic({ driver: 'xdp', interface: 'lo', ...wrong }),
    ];
    const options = (await Promise.all(calls.map(optionsOf))).flat();
    await host.close();
    expect(options).toEqual(expect.arrayContaining(['signal', 'backlog', 'random', 'busyPoll', 'offload', 'name']));
    expect(missing(options)).toEqual([]);
  });

  test('every member', () => {
    const internal = /^(constructor|_.*|events|pauseUntilRead|tell[A-Z]\w*|wants|take)$/;
    const fields = ['onWritable', 'onEnd', 'onClose', 'closed', 'onState', 'nic', 'port', 'options', 'alloc', 'rx'];
    const classes = [Channel, Host, Listener, openNic({ driver: 'memory', name: 'api-members' })];
    const prototypes = classes.map((one) => (typeof one === 'function' ? one.prototype : Object.getPrototypeOf(one)));
    (classes[3] as { close(): void }).close();
    const members = prototypes.flatMap((prototype) => Object.getOwnPropertyNames(prototype));
    expect(members).toContain('reserve');
    expect(missing([...members, ...fields].filter((name) => !internal.test(name)))).toEqual([]);
  });

  test('every counter, reason and code', () => {
    const errors = read('src/errors.ts');
    const reasons = /type CloseReason =([^;]*);/.exec(errors)![1].match(/[\w-]+(?=')/g)!;
    const codes = errors.match(/ERR_EMP_\w+/g)!;
    expect([reasons.length, codes.length].every((count) => count > 20)).toBe(true);
    const counters = [ChannelCounter, EngineCounter, NicCounter].flatMap((names) => Object.keys(names));
    expect(missing([...counters, ...reasons, ...codes])).toEqual([]);
  });
});
