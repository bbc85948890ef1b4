// Looks for what is installed.
import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { withParent } from '../withParent.js';

/** The program's path, as a shell would find it. */
export function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** What a program calls its version; 'unknown' if it does not say so. */
export function versionOf(words: readonly string[], pattern: RegExp): Promise<string> {
  const [program, ...rest] = [...withParent(), ...words];
  return new Promise((resolve) => {
    execFile(program, rest, { timeout: 5000, killSignal: 'SIGKILL', encoding: 'utf8' }, (_error, stdout, stderr) => {
      resolve(pattern.exec(stdout + stderr)?.[1] ?? 'unknown');
    });
  });
}
