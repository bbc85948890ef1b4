import type { Command } from 'commander';

import { ArgumentError } from '../errors.js';
import { registerAll } from './bench/all.js';
import { registerBatch } from './bench/batch.js';
import { registerFailover } from './bench/failover.js';
import { carryOut } from './bench/job.js';
import { registerPeers } from './bench/peers.js';
import { registerPingpong } from './bench/pingpong.js';
import type { Take } from './bench/take.js';
import { registerTests } from './bench/tests.js';
import { registerReport } from './benchReport.js';
import { nearest } from './nearest.js';

export function register(program: Command): void {
  const bench = program
    .command('bench')
    .usage('[test] [options]')
    .description('measure on this machine')
    .addHelpText(
      'after',
      `
Without a test, all of them. Options come after the test; each test has --help.

Examples:
  emp bench pingpong                        the best driver that works, over a wire of its own
  emp bench pingpong --baseline             the same, beside bare C
  emp bench --batch tests.txt --csv         the tests that a file names
  emp bench all --out /var/tmp/emp          everything; less than a quarter of an hour`,
    );
  registerAll(bench, (all) => refuseTest(bench, all.args[0]));
  const now: Take = (job, format) => carryOut([job], format);
  registerPingpong(bench, now);
  registerTests(bench, now);
  registerFailover(bench, now);
  registerBatch(bench);
  registerPeers(bench);
  registerReport(bench);
}

function refuseTest(bench: Command, test: string | undefined): void {
  if (test === undefined) return;
  const tests = bench.commands.map((command) => command.name());
  const meant = nearest(test, tests);
  const known = tests.includes(test);
  throw new ArgumentError(
    known ? `The test '${test}' stands behind options.` : `There is no test '${test}'. Tests are ${tests.join(', ')}.`,
    {
      remedy: known
        ? `Name it first: emp bench ${test}, then the options.`
        : meant === undefined
          ? 'Without one, emp bench runs all.'
          : `Did you mean emp bench ${meant}?`,
    },
  );
}
