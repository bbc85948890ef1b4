// The scripts of a clone that set up, and then run something, are that something: a signal to npm reaches it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';

const ROOT = new URL('../../', import.meta.url);

/** What the kernel says of a process; nothing when it has ended. */
function fact(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

const childrenOf = (pid: number): number[] => (fact(pid, `task/${pid}/children`).match(/\d+/g) ?? []).map(Number);
const isEmp = (pid: number): boolean => /^node\0.*emp\.js/.test(fact(pid, 'cmdline'));

const LONG = ['--driver', 'udp', '--rounds', '100000000'];

test.each([
  ['start', LONG],
  ['bench', ['pingpong', ...LONG]],
])('npm run %s, asked to end, ends its measurement', async (script, args) => {
  const npm = spawn('npm', ['run', '--silent', script, '--', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  npm.stderr.on('data', (text) => (said += String(text)));
  const ended = once(npm, 'close');
  const measures = (pid: number): boolean => isEmp(pid) && childrenOf(pid).length > 0;
  while (!childrenOf(npm.pid!).some(measures)) {
    if (npm.exitCode !== null) throw new Error(`it has ended by itself: ${said}`);
    await delay(10);
  }
  npm.kill('SIGTERM');
  expect(await ended).toEqual([130, null]);
});
