// The names of counter files, and whose they are: of a process that lives, or of one that was killed.
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Memory that looks like files. Everybody may make some here, and remove nobody's but the own. */
const DIRECTORY = '/dev/shm';
/** Hosts of a process that are looked for a name for. */
const MOST = 4096;

/** One host of one process. */
export interface StatFile {
  readonly pid: number;
  /** Counts the hosts of the process, from 1. */
  readonly number: number;
  readonly path: string;
}

/** Free names for a host of this process: one after the other, since its threads do not know of each other. */
export function* ownPaths(): Generator<string> {
  const owner = `${process.pid}-${startOf(process.pid)}-${pidNamespace()}`;
  for (let number = 1; number <= MOST; number++) yield join(DIRECTORY, `emp-${owner}-${number}.stat`);
}

/** The hosts of this machine (of this container). What killed processes left is removed on the way. */
export function statFiles(): StatFile[] {
  const here = pidNamespace();
  const found: StatFile[] = [];
  for (const name of names()) {
    const match = /^emp-(\d+)-(\d+)-(\d+)-(\d+)\.stat$/.exec(name);
    // What a number of another namespace means is not known here.
    if (match === null || match[3] !== here) continue;
    const file = { pid: Number(match[1]), number: Number(match[4]), path: join(DIRECTORY, name) };
    if (isGone(file.pid, match[2])) remove(file.path);
    else found.push(file);
  }
  return found.sort((a, b) => a.pid - b.pid || a.number - b.number);
}

function names(): string[] {
  try {
    return readdirSync(DIRECTORY);
  } catch {
    return []; // then nobody counts there
  }
}

function remove(path: string): void {
  try {
    rmSync(path);
  } catch {
    // somebody else's, or somebody else was quicker
  }
}

/** When a process began, in ticks since the machine did: its number alone may have been given out again. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in brackets, may have anything in it.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined; // it is no more, or is not shown
  }
}

/** Whether the process that began then is no more. /proc may hide a living one (hidepid); a signal's errno does not. */
function isGone(pid: number, began: string): boolean {
  const start = startOf(pid);
  if (start !== undefined) return start !== began;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function pidNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
}

/** Whether one of a process's users is this one. */
export function runsAs(pid: number, uid: number): boolean {
  try {
    const line = /^Uid:(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return line !== null && line[1].trim().split(/\s+/).includes(String(uid));
  } catch {
    return false;
  }
}

export function commandOf(pid: number): string {
  try {
    const [program = '', script = '', ...rest] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    // Where they lie says little, and pushes out what they do.
    return printable([basename(program), basename(script), ...rest].join(' ').trim());
  } catch {
    return '';
  }
}

/** What others say, for a terminal: nothing that could move its cursor. */
export function printable(text: unknown): string {
  return String(text).replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?');
}
