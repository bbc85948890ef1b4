import { spawnSync } from 'node:child_process';

import { dist, type Result } from './emp.js';

const EMP = new URL('src/cli/emp.js', dist).pathname;
// One capability is left, so that it may read this checkout, wherever it is; access(2) asks for it too only with that securebit.
const NOBODY = [
  '--securebits=+no_setuid_fixup',
  ...['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all,+dac_read_search'],
  ...['--ambient-caps=+dac_read_search', '--bounding-set=-all,+dac_read_search'],
];

/** The command `emp` without privileges; for tests that are root. */
export function empAsNobody(...args: string[]): Result {
  const { status, stdout, stderr } = spawnSync('setpriv', [...NOBODY, process.execPath, EMP, ...args], {
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}
