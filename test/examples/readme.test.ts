// What the pages show must work as it stands there.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = new URL('../../', import.meta.url).pathname;
const page = readFileSync(`${ROOT}README.md`, 'utf8');

test('the ten lines of the README say hello', async () => {
  const [, code] = /```js\n([^]*?)```/.exec(page)!;
  expect(code.split('\n').filter((line) => line !== '').length).toBeLessThanOrEqual(11);
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: ROOT,
    timeout: 20_000,
  });
  expect(await run).toEqual({ stdout: 'hello\n', stderr: '' });
});

test('the README begins with what it is, then the two commands', () => {
  const blocks = page.split('\n\n');
  expect(blocks[2]).toMatch(/^ {4}npm start .*\n {4}npm test /);
  expect(page).toContain('Each message is delivered exactly once, in order, or the sender gets a typed error.');
});
