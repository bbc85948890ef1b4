// Runs iproute2's `ip`. Commands go in through its batch mode: one process for many commands, and no shell.
import { execFile, execFileSync } from 'node:child_process';

import { EmpError } from '../errors.js';

export const TOOL = 'ip';

/** Runs the commands in order, in `namespace` if given; throws at the first that fails. */
export function ipBatch(commands: readonly string[], namespace?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile(TOOL, batchArguments(namespace), { encoding: 'utf8' }, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(explain(error, stderr, commands));
    });
    child.stdin?.on('error', () => undefined); // `ip` may fail before it reads everything: its exit code says so
    child.stdin?.end(commands.join('\n') + '\n');
  });
}

/** Runs all commands, goes on after errors, and tells of none: for removal, also while the process exits. */
export function ipBatchForce(commands: readonly string[], namespace?: string): void {
  try {
    execFileSync(TOOL, ['-force', ...batchArguments(namespace)], {
      input: commands.join('\n') + '\n',
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  } catch {
    // What was to be removed may be gone already; the caller looks at what is left.
  }
}

function batchArguments(namespace: string | undefined): string[] {
  return [...(namespace === undefined ? [] : ['-netns', namespace]), '-batch', '-'];
}

/** @param stderr what `ip` said */
export function explain(error: Error, stderr: string, commands: readonly string[]): EmpError {
  if ('code' in error && error.code === 'ENOENT') {
    return new EmpError('ERR_EMP_TOOL_MISSING', "The command 'ip' of iproute2 was not found.", {
      remedy: 'Install it: apt install iproute2.',
      cause: error,
    });
  }
  const line = Number(/Command failed -:(\d+)/.exec(stderr)?.[1] ?? NaN);
  const command = commands[line - 1];
  const said = stderr.replace(/Command failed -:\d+/, '').trim();
  const what = `'ip ${command ?? '-batch'}' failed: ${said === '' ? error.message : said}.`;
  if (/not permitted|permission denied/i.test(said)) return noPermission(what, error);
  if (/unknown device type|not supported/i.test(said)) {
    return new EmpError('ERR_EMP_KERNEL_FEATURE', what, {
      remedy: 'The kernel needs network namespaces and veth: try modprobe veth.',
      cause: error,
    });
  }
  return new EmpError('ERR_EMP_TOOL_FAILED', what, { cause: error });
}

export function noPermission(what: string, cause?: unknown): EmpError {
  return new EmpError('ERR_EMP_PERMISSION', what, {
    remedy: 'Run it as root: network namespaces need CAP_SYS_ADMIN and CAP_NET_ADMIN.',
    cause,
  });
}
