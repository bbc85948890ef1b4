/**
 * The promise under random faults: each message is delivered exactly once, in order, or the sender gets a typed error. Thousands of
 * schedules in virtual time; each follows from one number, printed when it fails.
 */
import { describe, expect, test } from 'vitest';

import { SEED } from '../support/seed.js';
import { runSchedule } from '../support/sim/schedule.js';

/** A share of the run's time each; a failing schedule is replayed by making its number the seed of the run. */
const KINDS = ['mixed', 'gentle', 'checked', 'tiny', 'large', 'endings'] as const;
const SCHEDULES = { mixed: 900, gentle: 300, checked: 500, tiny: 500, large: 60, endings: 700 };

describe.concurrent('random schedules', () => {
  for (const kind of KINDS) {
    test(`${kind}: ${SCHEDULES[kind]} of them`, () => {
      for (let i = 0; i < SCHEDULES[kind]; i++) {
        const seed = (SEED + i) | 0;
        let found: string[];
        try {
          found = runSchedule(seed, kind);
        } catch (error) {
          found = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
        }
        expect(found, `EMP_SEED=${seed} npx vitest run test/channel/random.test.ts -t ${kind}`).toEqual([]);
      }
    }, 120_000);
  }
});
