import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Tests that read captures need the package tshark. */
export const hasTshark = ((): boolean => {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** What tshark reads in a capture: a row per frame, a column per field. */
export function readFields(file: Uint8Array, fields: readonly string[], ...more: string[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'emp-tshark-'));
  try {
    writeFileSync(join(folder, 'a.pcapng'), file);
    const text = execFileSync(
      'tshark',
      ['-r', join(folder, 'a.pcapng'), '-T', 'fields', ...fields.flatMap((field) => ['-e', field]), ...more],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    return text
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => line.split('\t'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
