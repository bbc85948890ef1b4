// A process of a measurement ends with the one that started it, even after its `kill -9`, and even while it spins and hears nothing.
import { spawnSync } from 'node:child_process';

let prefix: readonly string[] | undefined;

/**
 * Words before a command that have the kernel end it with this thread (PR_SET_PDEATHSIG); none where there is no such tool. The
 * process keeps its id: setpriv becomes the command.
 */
export function withParent(): readonly string[] {
  prefix ??= spawnSync('setpriv', [...SETPRIV, 'true']).status === 0 ? ['setpriv', ...SETPRIV] : [];
  return prefix;
}

const SETPRIV = ['--pdeathsig', 'KILL', '--'];
