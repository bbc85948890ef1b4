// Where hosts that can be captured put their sockets: a directory that nobody else may enter, since frames are confidential.
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { EmpError } from '../../errors.js';

/** One host of one process. */
export interface TapSocket {
  readonly pid: number;
  /** Counts the hosts of the process, from 1. */
  readonly number: number;
  readonly path: string;
}

export function tapDirectory(): string {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  const user = process.geteuid?.() ?? 0;
  if (user === 0) return '/run/emp/tap';
  return runtime === undefined || runtime === '' ? join(tmpdir(), `emp-${user}`) : join(runtime, 'emp');
}

/** Makes the directory if need be. Throws if somebody else could look into it. */
export function claimTapDirectory(): string {
  const directory = tapDirectory();
  mkdirSync(dirname(directory), { recursive: true }); // whose rights are the usual ones
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(directory);
  if (uid === process.geteuid?.() && (mode & 0o077) === 0) return directory;
  throw new EmpError('ERR_EMP_PERMISSION', `${directory} is open to other users.`, {
    remedy: `Remove it, or take away the others' rights: chmod 700 ${directory}.`,
  });
}

/** The hosts that can be captured, in order. What killed processes left is removed on the way. */
export function tapSockets(): TapSocket[] {
  const directory = tapDirectory();
  const found = names(directory)
    .map((name) => /^(\d+)-(\d+)\.sock$/.exec(name))
    .filter((match) => match !== null)
    .map((match) => ({ pid: Number(match[1]), number: Number(match[2]), path: join(directory, match[0]) }))
    .sort((a, b) => a.pid - b.pid || a.number - b.number);
  return found.filter(({ pid, path }) => {
    if (existsSync(`/proc/${pid}`)) return true;
    rmSync(path, { force: true });
    return false;
  });
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // no host has ever been open
  }
}
