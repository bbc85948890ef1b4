// `emp bench --batch FILE`: a test with its options on each line, one after the other.
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';

import type { EmpError } from '../../errors.js';
import { ArgumentError } from '../../errors.js';
import { at, carryOut, type Format, type Job } from './job.js';
import { outputOptions, rawOption, type OutputFlags } from './options.js';
import { registerPingpong } from './pingpong.js';
import { registerTests } from './tests.js';
import { words } from './words.js';

/** With `--batch` the default of `emp bench` is not to measure all, but what the file names. */
export function registerBatch(bench: Command): void {
  bench
    .option('--batch <file>', 'measure what the file names: a test with its options on each line')
    .on('option:batch', (file: string) => registerDefault(bench, file))
    .hook('preSubcommand', (_bench, test) => {
      if (bench.getOptionValue('batch') === undefined || test.name() === BATCH) return;
      throw new ArgumentError(`--batch and a test, ${test.name()}, cannot both be asked for.`, {
        remedy: 'Put the test on a line of the file.',
      });
    });
}

const BATCH = 'batch';

function registerDefault(bench: Command, file: string): void {
  if (bench.commands.some((command) => command.name() === BATCH)) {
    throw new ArgumentError('--batch is given twice.', { remedy: 'Put all tests into one file.' });
  }
  const batch = bench.command(BATCH, { isDefault: true, hidden: true }).addOption(rawOption());
  outputOptions(batch).action(({ raw, ...format }: OutputFlags) =>
    carryOut(withRaw(readBatch(file), raw, file), format),
  );
}

function withRaw(jobs: readonly Job[], raw: string | undefined, file: string): readonly Job[] {
  if (raw === undefined) return jobs;
  if (jobs.length === 1 && jobs[0].raw === undefined) return [{ ...jobs[0], raw }];
  throw new ArgumentError(`--raw takes the samples of one test, and '${file}' has ${jobs.length}.`, {
    remedy: 'Add --raw, each with a file of its own, to its lines.',
  });
}

/** The tests of a file, all of them checked. */
export function readBatch(file: string): Job[] {
  const jobs = read(file)
    .split('\n')
    .flatMap((line, i) => jobsOf(line, `'${file}', line ${i + 1}`));
  if (jobs.length === 0) {
    throw new ArgumentError(`'${file}' names no test.`, {
      remedy: 'Write a test on each line: pingpong --driver udp.',
    });
  }
  checkFiles(jobs);
  return jobs;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ArgumentError(`'${file}' cannot be read: ${(cause as Error).message}.`, {
      remedy: 'Name a file with --batch that has a test on each line.',
      cause,
    });
  }
}

function jobsOf(line: string, place: string): Job[] {
  try {
    const args = words(line);
    return args.length === 0 ? [] : [{ ...jobOf(args), asked: place }];
  } catch (error) {
    throw at(place, error instanceof CommanderError ? usage(error) : (error as EmpError));
  }
}

function jobOf(args: readonly string[]): Job {
  let job: Job | undefined;
  const keep = (asked: Job, format: Format): void => {
    const whole = (['json', 'csv', 'html'] as const).find((name) => format[name] !== undefined);
    if (whole !== undefined) {
      throw new ArgumentError(`--${whole} is of the whole batch.`, {
        remedy: 'Put it behind --batch FILE, on the command line.',
      });
    }
    job = asked;
  };
  const line = new Command('a line')
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, outputError: () => undefined, writeErr: () => undefined });
  registerPingpong(line, keep);
  registerTests(line, keep);
  line.parse(args, { from: 'user' });
  if (job === undefined) throw new ArgumentError('It names no test.', { remedy: 'Begin with the name of a test.' });
  return job;
}

function usage({ message, exitCode }: CommanderError): ArgumentError {
  // Help, which is no error elsewhere.
  if (exitCode === 0) {
    return new ArgumentError('It asks for help, and is to be a test.', { remedy: 'Ask emp bench TEST --help.' });
  }
  const said = message
    .replace(/^error: /, '')
    .replace(/^unknown command (.*)/, 'There is no test $1.')
    .replaceAll('\n', ' ');
  return new ArgumentError(said, { remedy: 'A line is a test of emp bench with its options.' });
}

function checkFiles(jobs: readonly Job[]): void {
  const seen = new Map<string, Job>();
  for (const job of jobs) {
    if (job.raw === undefined) continue;
    const other = seen.get(job.raw);
    if (other !== undefined) {
      throw new ArgumentError(`${job.asked}: ${other.asked} has the same --raw '${job.raw}'.`, {
        remedy: 'Give each line a file of its own.',
      });
    }
    seen.set(job.raw, job);
  }
}
