import type { Command } from 'commander';

import type { DriverName } from '../nic/contract.js';
import type { Check, Finding } from './doctor/finding.js';
import { clockSource, coreCount, governor, isolated, sleepStates, smt, virtualisation } from './doctor/latency.js';
import { thisMachine, type Machine } from './doctor/machine.js';
import { hugePages, memlock, socketBuffers } from './doctor/memory.js';
import { nics } from './doctor/network.js';
import { addons, bpf, capabilities, commands, kernel, node, sockets, testbeds, udpOffload } from './doctor/software.js';
import { jsonOption } from './options.js';
import { Exit, print, printJson } from './output.js';

export function register(program: Command): void {
  program
    .command('doctor')
    .description('say what this machine can do, what it cannot, and the remedy for each')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
fail: some driver cannot work. warn: it works, but less well than it could. info: good to know.
The exit code is 3 if anything fails, else 0.

Examples:
  emp doctor
  emp doctor --json | jq '.findings[] | select(.status == "warn")'`,
    )
    .action(doctor);
}

const SOFTWARE: readonly Check[] = [node, addons, kernel, sockets, bpf, udpOffload, capabilities, commands, testbeds];
const MEMORY: readonly Check[] = [memlock, hugePages, socketBuffers];
const LATENCY: readonly Check[] = [coreCount, governor, sleepStates, isolated, smt, clockSource, virtualisation];
const CHECKS: readonly Check[] = [...SOFTWARE, ...MEMORY, nics, ...LATENCY];

const DRIVERS: readonly DriverName[] = ['xdp', 'packet', 'udp', 'memory'];

export interface Verdict {
  drivers: { driver: DriverName; usable: boolean; because: string[] }[];
  findings: Finding[];
}

export function examine(machine: Machine): Verdict {
  const findings = CHECKS.flatMap((check) => check(machine));
  const drivers = DRIVERS.map((driver) => {
    const because = findings.filter(({ blocks }) => blocks?.includes(driver)).map(({ message }) => message);
    return { driver, usable: because.length === 0, because };
  });
  return { drivers, findings };
}

function doctor(flags: { json?: boolean }): void {
  const verdict = examine(thisMachine);
  if (flags.json === true) printJson(verdict);
  else print(describe(verdict));
  if (verdict.findings.some(({ status }) => status === 'fail')) process.exitCode = Exit.cannot;
}

export function describe({ drivers, findings }: Verdict): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ status, check, message, remedy }) => [
    `${status.padEnd(4)}  ${check.padEnd(width)}  ${message}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 8)}-> ${remedy}`]),
  ]);
  const summary = drivers.map(({ driver, usable, because }) =>
    `${usable ? 'yes ' : 'no  '}  ${driver.padEnd(width)}  ${because.join(' ')}`.trimEnd(),
  );
  return [...lines, '', 'Drivers that can work here:', ...summary].join('\n');
}
