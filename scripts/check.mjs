// Runs every check (`npm run check:*`), two at a time, and prints what those that failed have to say.
//
//   node scripts/check.mjs [names...]     for example: lint format
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './setup/project.mjs';

const AT_ONCE = 2;
const PREFIX = 'check:';

function runScript(name) {
  const started = Date.now();
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', PREFIX + name], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => resolve({ name, output, passed: code === 0, seconds: (Date.now() - started) / 1000 }));
  });
}

/** The checks there are: the scripts of package.json that are named so. */
export function checkNames() {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const known = Object.keys(scripts).filter((key) => key.startsWith(PREFIX));
  return known.map((key) => key.slice(PREFIX.length));
}

/** True when all named checks pass. */
export async function check(names) {
  const queue = [...names];
  const results = [];
  const worker = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const result = await runScript(name);
      results.push(result);
      console.log(`${result.passed ? 'ok  ' : 'FAIL'} check:${name} (${result.seconds.toFixed(1)} s)`);
      if (!result.passed) console.log(result.output.replace(/^/gm, '     ').trimEnd());
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results.every((result) => result.passed);
}

if (import.meta.filename === process.argv[1]) {
  const named = process.argv.slice(2);
  process.exitCode = (await check(named.length > 0 ? named : checkNames())) ? 0 : 1;
}
