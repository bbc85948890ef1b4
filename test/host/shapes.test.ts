import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const FIXTURE = fileURLToPath(new URL('fixture/shapes.mjs', import.meta.url));
const BUILT = new URL('../../dist/src/index.js', import.meta.url).href;

interface Measured {
  nanoseconds: number;
  /** Host, NIC, channel. */
  isFast: boolean[];
}

it('the twelfth host, when all before it were collected, is as quick as the first', { timeout: 60_000 }, async () => {
  const flags = ['--expose-gc', '--allow-natives-syntax'];
  const argument = JSON.stringify({ module: BUILT, hosts: 10 });
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, FIXTURE, argument]);
  const { first, last } = JSON.parse(stdout) as { first: Measured; last: Measured };
  expect([first.isFast, last.isFast].flat()).toEqual(Array(6).fill(true));
  // As dictionaries its objects took seven times as long.
  expect(last.nanoseconds / first.nanoseconds).toBeLessThan(3);
});
