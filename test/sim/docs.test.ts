// The example of docs/simulator.md, as it stands there, against what is built.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = new URL('../../', import.meta.url);

test('the example of the page runs, and tells the same story each time', async () => {
  const page = readFileSync(new URL('docs/simulator.md', ROOT), 'utf8');
  const [, code] = /```js\n([^]*?)```/.exec(page)!;
  const run = () =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { cwd: ROOT, timeout: 20_000 });
  const { stdout } = await run();
  expect(stdout).toMatch(/^answered after \d+(\.\d+)? µs; \d+ frames were lost\n$/);
  expect((await run()).stdout).toBe(stdout);
});
