import { randomInt } from 'node:crypto';

import { defineConfig } from 'vitest/config';

// One seed for the whole run, printed, and inherited by every test process: EMP_SEED=... npm test replays a run.
process.env['EMP_SEED'] ??= String(randomInt(1, 2 ** 31));

/** Rooms whose tests open sockets, make namespaces or start processes. */
const SYSTEM = ['bench', 'cli', 'examples', 'host', 'native', 'nic', 'testbed'].map(
  (room) => `test/${room}/**/*.test.ts`,
);

/** What both projects share. (`extends` would run the global set-up once more in each.) */
const project = (name: string, order: number, rest: object) => ({
  resolve: { alias: { 'ethernet-message-passing': new URL('src/index.ts', import.meta.url).pathname } },
  test: {
    name,
    pool: 'forks' as const,
    setupFiles: ['test/support/setup.ts'],
    env: { EMP_SEED: process.env['EMP_SEED']! },
    sequence: { groupOrder: order },
    ...rest,
  },
});

export default defineConfig({
  test: {
    globalSetup: ['test/support/globalSetup.ts'],
    reporters: ['default', 'test/support/closingLine.ts'],
    projects: [
      project('unit', 0, {
        include: ['test/**/*.test.ts'],
        exclude: [...SYSTEM, 'test/**/fixture/**'],
        testTimeout: 30_000,
      }),
      // These compete for two cores and for what the machine has once: one file at a time, after the others.
      project('system', 1, { include: SYSTEM, fileParallelism: false, testTimeout: 60_000, hookTimeout: 30_000 }),
    ],
  },
});
