import { randomUUID } from 'node:crypto';

import { describeLeftovers, findLeftovers, RUN_VARIABLE, settle } from '../../scripts/leftovers.mjs';
import { statFiles } from '../../src/host/stat/files.js';

/** Before the suite: prints the seed, notes what is on the machine. After it: fails if the tests left something behind. */
export default function globalSetup(): () => Promise<void> {
  console.log(`EMP_SEED=${process.env['EMP_SEED']}`);
  const run = (process.env[RUN_VARIABLE] = randomUUID());
  const before = findLeftovers(run);
  return async () => {
    statFiles(); // those of killed processes go with the next reader (docs/stat.md)
    const left = await settle(run, before);
    if (left.length === 0) return;
    // An error thrown here is printed, but does not fail the run.
    process.exitCode = 1;
    console.error(describeLeftovers(left));
  };
}
