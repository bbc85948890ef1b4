/**
 * `npm run fuzz`: inputs for all that takes in what others have made, found by what code they reach. A finding is written to a file, and told with
 * the command that runs it again.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';

import { packageRoot } from '../../src/nic/native.js';
import { writeInput } from './corpus.js';
import { TARGETS } from './targets/list.js';
import type { Target } from './target.js';
import { watch, type Outcome } from './watch.js';

const USAGE = `Usage: npm run fuzz -- [--minutes M] [--target NAME] [--seed S] [--grow] | --target NAME --input FILE

  --minutes M    how long, in all (default 1)
  --target NAME  this one alone: ${TARGETS.map(({ name }) => name).join(', ')}
  --seed S       of all chance (default: by chance)
  --grow         what reaches new code joins the corpus
  --input FILE   this input alone, once`;
const LARGEST = 2 ** 31 - 1;

interface Wish {
  readonly targets: readonly Target[];
  readonly minutes: number;
  readonly seed: number;
  readonly grow: boolean;
  readonly inputs: readonly Uint8Array[] | undefined;
}

function wishOf(args: readonly string[]): Wish {
  const option = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: option, target: option, seed: option, input: option, grow: flag, help: flag },
  });
  if (values.help === true) {
    console.log(USAGE);
    process.exit(0);
  }
  const { minutes = '1', target, seed, input, grow = false } = values;
  const targets = TARGETS.filter(({ name }) => target === undefined || name === target);
  if (targets.length === 0) throw new Error(`--target is '${target}'.`);
  if (input !== undefined && target === undefined) throw new Error('--input needs --target.');
  return {
    targets,
    minutes: number('minutes', minutes, /^\d+(\.\d+)?$/),
    seed: seed === undefined ? randomInt(LARGEST) : number('seed', seed, /^\d+$/),
    grow,
    inputs: input === undefined ? undefined : [new Uint8Array(readFileSync(input))],
  };
}

function number(name: string, text: string, form: RegExp): number {
  if (form.test(text) && Number(text) <= LARGEST) return Number(text);
  throw new Error(`--${name} is '${text}'.`);
}

/** Two threads: one for the host, one for the decoders in turn. A target that is alone has all the time. */
async function fuzz({ targets, minutes, ...order }: Wish): Promise<Outcome[]> {
  const [first, ...rest] = targets;
  const lane = async (some: readonly Target[]): Promise<Outcome[]> => {
    const outcomes: Outcome[] = [];
    for (const target of some) outcomes.push(await one(target, { ...order, minutes: minutes / some.length }));
    return outcomes;
  };
  return (await Promise.all([lane([first]), lane(rest)])).flat();
}

async function one(target: Target, order: Omit<Wish, 'targets'>): Promise<Outcome> {
  const outcome = await watch(target, order);
  const { inputs, finding } = outcome;
  if (finding === undefined) console.log(`${target.name}: ${inputs} inputs, nothing found`);
  else tell(target, finding.input, finding.text);
  return outcome;
}

function tell({ name }: Target, input: Uint8Array, text: string): void {
  const file = relative(process.cwd(), writeInput(join(packageRoot(), 'fuzz-findings'), input, `${name}-`));
  console.log(`${name} failed: npm run fuzz -- --target ${name} --input ${file}`);
  console.log(text.replace(/^/gm, '  '));
}

async function main(): Promise<void> {
  let wish: Wish;
  try {
    wish = wishOf(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (wish.inputs === undefined) console.log(`seed ${wish.seed}: npm run fuzz -- --seed ${wish.seed}`);
  const outcomes = await fuzz(wish);
  process.exitCode = outcomes.some(({ finding }) => finding !== undefined) ? 1 : 0;
}

await main();
