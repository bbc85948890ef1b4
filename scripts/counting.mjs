// What counting costs: the measurements take turns with a copy of what was built in which nothing is counted.
//
//   npm run bench:counting [-- PAIRS]     default: 5 of each
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './setup/project.mjs';

const PAIRS = Number(process.argv[2] ?? 5);
if (!Number.isInteger(PAIRS) || PAIRS < 1) {
  console.error(`PAIRS is '${process.argv[2]}'; expected a whole number of pairs, 1 or more.`);
  process.exit(2);
}
/** A statement that does nothing but count: a counter of a host, a NIC or a channel, or a histogram. */
const COUNTING = [
  /^\s*(?:[\w$.#]+\.)?#?counters\[[\w$.]+\](?:\+\+| \+= [^;]+);$/gm,
  /^\s*tally\([^;]+\);$/gm,
  /^\s*[\w$.#]+\.countRoundTrip\([^;]+\);$/gm,
];

/** [what, arguments of `emp bench`, figure, whether more is better] */
const MEASUREMENTS = [
  ['flood of 16 B', ['rate', '--no-baseline', '--slices', '3', '--seconds', '1.5'], (r) => r.messages_per_s, true],
  ['round trip of 16 B', ['pingpong', '--rounds', '200000'], (r) => r.rtt_us.p50, false],
];

/** A copy beside the original, so that it finds the same addons and modules. */
function withoutCounting() {
  const folder = mkdtempSync(join(ROOT, 'build/uncounted-'));
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  for (const name of ['package.json', 'node_modules', 'build', 'native'])
    symlinkSync(join(ROOT, name), join(folder, name));
  const file = join(folder, 'dist/src/parts/emp.js');
  let text = readFileSync(file, 'utf8');
  let left = 0;
  for (const statement of COUNTING) text = text.replace(statement, () => (left++, ''));
  if (left < 60) throw new Error(`Only ${left} statements that count were found: look at COUNTING.`);
  writeFileSync(file, text);
  return { folder, left };
}

function measure(root, args, figure) {
  const script = join(root, 'dist/src/cli/emp.js');
  const output = execFileSync(process.execPath, [script, 'bench', ...args, '--json'], { encoding: 'utf8' });
  return figure(JSON.parse(output.trim().split('\n').at(-1)));
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

const { folder, left } = withoutCounting();
try {
  console.log(`${left} statements left out, ${PAIRS} pairs each`);
  for (const driver of ['xdp', 'packet', 'udp']) {
    for (const [what, args, figure, isRate] of MEASUREMENTS) {
      const costs = Array.from({ length: PAIRS }, (_, i) => {
        const roots = i % 2 === 0 ? [ROOT, folder] : [folder, ROOT];
        const values = new Map(roots.map((root) => [root, measure(root, [...args, '--driver', driver], figure)]));
        const [counted, bare] = [values.get(ROOT), values.get(folder)];
        return isRate ? bare / counted - 1 : counted / bare - 1;
      });
      const percent = (cost) => `${(100 * cost).toFixed(1)} %`;
      const range = `${percent(Math.min(...costs))} to ${percent(Math.max(...costs))}`;
      console.log(`${driver}, ${what}: counting costs ${percent(median(costs))} (${range})`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
