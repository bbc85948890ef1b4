#!/usr/bin/env node
// The command `emp`. Each subcommand is a file with `register(program)`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';

import { packageRoot } from '../nic/native.js';
import { register as bench } from './bench.js';
import { register as capture } from './capture.js';
import { register as doctor } from './doctor.js';
import { register as echo } from './echo.js';
import { register as nics } from './nics.js';
import { Exit, note, report } from './output.js';
import { register as stat } from './stat.js';
import { register as testbed } from './testbed.js';

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  return version;
}

function createProgram(): Command {
  const program = new Command('emp')
    .description('Ethernet Message Passing: reliable messages over NIC rings mapped into the process.')
    .version(packageVersion(), '-V, --version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride() // errors come to `report`, which prints them
    .configureOutput({ outputError: () => undefined })
    .addHelpText(
      'after',
      `
Examples:
  emp doctor                         what this machine can do, and what is missing
  emp testbed up                     two namespaces, to try things out
  emp echo --driver udp              a server that sends everything back
  emp stat                           the counters of hosts that run
  emp bench pingpong                 measure round trips

Exit codes: 0 ok, 1 failed, 2 usage, 3 this machine cannot, 130 interrupted.`,
    );
  for (const register of [doctor, nics, testbed, echo, capture, stat, bench]) register(program);
  return program;
}

const argv = process.argv;
const end = argv.indexOf('--');
const json = (end < 0 ? argv : argv.slice(0, end)).includes('--json');
// Who reads us may stop: `emp nics | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(Exit.ok);
  note(`emp: The standard output cannot be written: ${error.message}.`);
  process.exit(Exit.failed);
});
try {
  await createProgram().parseAsync(argv);
} catch (error) {
  process.exitCode = report(error, json);
}
