// What is up is written down in /run/emp/testbed, one file per testbed, before anything is made: so that whatever a killed
// process left behind can be found and removed by the next.
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

import type { TestbedShape } from './plan.js';

/** A process, told apart from a later one with the same number by the time it started (in clock ticks since boot). */
export interface Owner {
  readonly pid: number;
  readonly started: string;
}

export interface TestbedRecord extends TestbedShape {
  /** Null: outlives the process that made it. */
  readonly owner: Owner | null;
}

const DIRECTORY = '/run/emp/testbed';

/**
 * Claims the name. False if somebody else has it. The record gets its name when it is whole: one that is being written would look
 * like that of a dead process to others who sweep.
 */
export function writeRecord(record: TestbedRecord): boolean {
  mkdirSync(DIRECTORY, { recursive: true, mode: 0o755 });
  const draft = writeDraft(record);
  try {
    linkSync(draft, fileOf(record.name)); // unlike rename, fails if the name is taken
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Of a testbed whose name is claimed: another owner. */
export function replaceRecord(record: TestbedRecord): void {
  renameSync(writeDraft(record), fileOf(record.name));
}

function writeDraft(record: TestbedRecord): string {
  const draft = join(DIRECTORY, `${process.pid}-${threadId}.new`);
  writeFileSync(draft, JSON.stringify(record) + '\n');
  return draft;
}

export function readRecord(name: string): TestbedRecord | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(name), 'utf8')) as TestbedRecord;
  } catch (error) {
    // Not a second look at the directory: by then it may be there.
    if (hasCode(error, 'ENOENT')) return undefined;
    // Spoilt: there is nothing to be learnt but the name.
    return { name, links: 1, mtu: 1500, queues: 1, switched: false, owner: { pid: 0, started: '' } };
  }
}

export function readRecords(): TestbedRecord[] {
  if (!existsSync(DIRECTORY)) return [];
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => readRecord(file.slice(0, -'.json'.length)))
    .filter((record) => record !== undefined);
}

export function removeRecord(name: string): void {
  rmSync(fileOf(name), { force: true });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function fileOf(name: string): string {
  return join(DIRECTORY, `${name}.json`);
}

export function thisProcess(): Owner {
  return { pid: process.pid, started: startOf(process.pid) ?? '' };
}

export function isAlive(owner: Owner): boolean {
  return startOf(owner.pid) === owner.started;
}

function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22. The name in field 2 may hold spaces and brackets: count from behind its last bracket.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
