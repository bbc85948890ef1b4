// Runs a command inside a namespace as a shell would: signals reach it, its exit code is the exit code.
import { spawn } from 'node:child_process';
import { accessSync, constants as fs, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

import { EmpError } from '../errors.js';
import { Exit, note } from './output.js';

const SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const;

/** Exit codes of the shell, for a command that cannot be run. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/** Resolves with the exit code, or 128 and the number of the signal that ended it. */
export function execute(namespace: string, [command, ...args]: readonly string[]): Promise<number> {
  // Whoever says emp means this one, which need not be on the path.
  const words = command === 'emp' ? [process.execPath, process.argv[1]] : [command];
  const code = obstacle(words[0]);
  if (code !== undefined) return Promise.resolve(code);
  const passOn = (signal: NodeJS.Signals): void => {
    if (!isTold(signal)) child.kill(signal); // `ip` has become the command: its id is the command's
  };
  // Before the command exists: it may be up, and told, before this process has its next turn on a busy machine.
  for (const signal of SIGNALS) process.on(signal, passOn);
  const child = spawn('ip', ['netns', 'exec', namespace, ...words, ...args], { stdio: 'inherit' });
  return new Promise<number>((resolve, reject) => {
    child.on('error', (cause) => {
      const remedy = 'Install it: apt install iproute2.';
      reject(new EmpError('ERR_EMP_TOOL_MISSING', "The command 'ip' of iproute2 was not found.", { remedy, cause }));
    });
    child.on('exit', (exitCode, signal) => {
      resolve(exitCode ?? (signal === null ? Exit.failed : 128 + constants.signals[signal]));
    });
  }).finally(() => SIGNALS.forEach((signal) => process.removeListener(signal, passOn)));
}

/** Says why the command cannot be run. */
function obstacle(command: string): number | undefined {
  const files = command.includes('/')
    ? [command]
    : (process.env['PATH'] ?? '').split(':').map((folder) => join(folder, command));
  if (files.some(isExecutable)) return undefined;
  const file = files.find((one) => statSync(one, { throwIfNoEntry: false }) !== undefined);
  if (file !== undefined) {
    note(`emp: ${file} cannot be run.\n  It must be a file that is executable.`);
    return NOT_EXECUTABLE;
  }
  note(`emp: There is no command '${command}'.\n  Give its path, or the name of one that is on PATH.`);
  return NOT_FOUND;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, fs.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Whether the command has the signal already: a terminal sends Ctrl-C to the whole group in its foreground, the command included. A
 * second one would tell an orderly program to end at once.
 */
function isTold(signal: NodeJS.Signals): boolean {
  if (signal === 'SIGTERM') return false; // no terminal sends it
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // fields 5 and 8 of proc(5)
  return group === foreground;
}
