// `emp bench all`, and `emp bench` alone: the whole report.
import { join } from 'node:path';

import { InvalidArgumentError, Option, type Command } from 'commander';

import { MOST, PARTS, ROUNDS, WARMUP, type PartName } from '../../../bench/all/plan.js';
import type { PartRecord } from '../../../bench/all/archive.js';
import { runAll } from '../../../bench/all/run.js';
import type { DriverName } from '../../nic/contract.js';
import { integer, jsonOption, nonEmpty } from '../options.js';
import { note, print, printJson } from '../output.js';
import { allText } from './allText.js';
import { interruptible, type Bar } from './bar.js';
import { drivers, DRIVERS, listOption } from './options.js';

interface Flags {
  out: string;
  html?: string;
  only?: PartName[];
  skip?: PartName[];
  driver: DriverName[];
  rounds: number;
  warmup: number;
  json?: boolean;
}

/** Adds `all`, with what comes before its action. */
export function registerAll(bench: Command, before: (all: Command) => void): void {
  bench
    .command('all', { isDefault: true })
    .description(
      'the whole report, every test over every driver that works here, held against the targets (the default)',
    )
    .option('-o, --out <directory>', 'where results.json goes', nonEmpty, 'bench-results')
    .option('--html <file>', 'where the page goes (default: report.html in --out)', nonEmpty)
    .addOption(new Option('--only <tests>', `only these: ${PARTS.join(', ')}`).argParser(parts))
    .addOption(new Option('--skip <tests>', 'all but these').argParser(parts).conflicts('only'))
    .addOption(listOption('-d, --driver <drivers>', 'with commas between them', drivers, DRIVERS))
    .option(
      '-r, --rounds <number>',
      'rounds of the ping-pong with 16 bytes; the others have a tenth',
      integer(1, 1e8),
      ROUNDS,
    )
    .option('-w, --warmup <number>', 'rounds before them that do not count, in each slice', integer(0, 1e8), WARMUP)
    .addOption(jsonOption())
    .allowExcessArguments() // an unknown test comes here, too
    .hook('preAction', before)
    .addHelpText(
      'after',
      `
It takes less than ${MOST / 60} minutes. What was measured is written as it comes: Ctrl-C keeps it. The targets
are in docs/bench.md; one that is missed is marked, and the exit code stays 0.

Examples:
  emp bench all --out /var/tmp/emp
  emp bench all --only pingpong,rate --driver xdp
  emp bench all --skip peers --json`,
    )
    .action((flags: Flags) => interruptible((signal, bar) => run(flags, signal, bar)));
}

async function run(flags: Flags, signal: AbortSignal, bar: Bar | undefined): Promise<void> {
  const { out, only = PARTS, skip = [], driver, rounds, warmup } = flags;
  const html = flags.html ?? join(out, 'report.html');
  const results = await runAll({
    ...{ out, html, rounds, warmup, signal },
    drivers: driver,
    parts: only.filter((part) => !skip.includes(part)),
    onPart: (part) => {
      bar?.stop();
      note(progressLine(part));
    },
    ...(bar === undefined ? {} : { onProgress: bar.show }),
  });
  bar?.stop();
  // The plotting library is loaded by whoever plots, not by every command.
  const { resultsOf } = await import('../../../bench/report/read.js');
  const { writeReport } = await import('../../../bench/report/write.js');
  const read = resultsOf(results, results.file);
  await writeReport(read, html);
  if (flags.json === true) printJson({ ...results, html });
  else print(allText(results, read.runs, html));
  signal.throwIfAborted();
}

function progressLine({ test, elapsed_s, budget_s, results, ended }: PartRecord): string {
  const how = { done: '', budget: ', ended by its time', interrupted: ', interrupted' }[ended];
  return `${test.padEnd(12)}${elapsed_s.toFixed(0).padStart(4)} s of ${budget_s} s, ${results} results${how}`;
}

/** Names of tests, with commas between them. */
function parts(text: string): PartName[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name): name is PartName => (PARTS as string[]).includes(name))) return names;
  throw new InvalidArgumentError(`Expected tests of ${PARTS.join(', ')}, with commas between them.`);
}
