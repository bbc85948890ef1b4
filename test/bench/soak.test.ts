import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';

import { drawStorm, type StormPlan } from '../../bench/soak/plan.js';
import { Site } from '../../bench/soak/site.js';
import { storm } from '../../bench/soak/storm.js';
import type { SoakResult } from '../../bench/soak/storms.js';
import { complaints, growthOf, type Sample } from '../../bench/soak/watch.js';
import { Chance } from '../../src/sim/index.js';
import { dist } from '../support/emp.js';
import { describeRoot } from '../support/root.js';
import { SEED } from '../support/seed.js';

const MAIN = new URL('bench/soak/main.js', dist).pathname;

async function soak(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--expose-gc', MAIN, ...args]);
    return { code: 0, stdout, stderr };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

describeRoot('npm run soak', () => {
  test('storms of all drivers leave nothing, and say what they were', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'emp-soak-'));
    const svg = join(folder, 'memory.svg');
    try {
      const { code, stdout, stderr } = await soak('--storms', '8', '--seed', String(SEED), '--json', '--svg', svg);
      const result = JSON.parse(stdout) as SoakResult;
      expect(result.found, stderr).toEqual([]);
      expect(code).toBe(0);
      expect(result).toMatchObject({ test: 'soak', seed: SEED, storms: 8 });
      expect(result.messages).toBeGreaterThan(0);
      expect(result.samples.length).toBeGreaterThan(0);
      expect(readFileSync(svg, 'utf8')).toMatch(/^<svg [^]*resident[^]*8 storms[^]*<\/svg>\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000);
});

describe('what makes no sense is refused', () => {
  test.each([
    [['--storms', '1', '--driver', 'rain'], '--driver'],
    [['--minutes', '0'], '--minutes'],
    [['--storms', '0'], '--storms'],
    [['--seed', '1'], '--seed'],
    [['--rounds', '5', '--storms', '1'], '--rounds'],
    [['--storms', '1', '--svg', '/no/such/folder/a.svg'], '/no/such/folder/a.svg'],
  ])('%j', async (args, named) => {
    const { code, stderr } = await soak(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(named);
  });
});

describe('a storm', () => {
  const site = new Site(undefined);
  /** One channel over memory, some messages each way, nothing that goes wrong. */
  const calm = (several: boolean): StormPlan => {
    const { hosts } = drawStorm(new Chance(1), { drivers: ['memory'], lanes: 3, hasLinks: false });
    const host = {
      ...{ policy: several ? ('failover' as const) : undefined, txFrames: 512 },
      options: { channel: { ...hosts.a.options.channel, window: 8 } },
    };
    const part = { lengths: [10, 3000, 10, 1000, 10], pause: 0, rest: undefined };
    return {
      drivers: several ? ['memory', 'memory'] : ['memory'],
      hosts: { a: host, b: host },
      acts: [{ sessions: [{ stream: 0, parts: [part, part], abortAfter: undefined }], troubles: [] }],
    };
  };

  test.each([false, true])('that is calm finds nothing (list of NICs: %s)', async (several) => {
    expect(await storm(calm(several), 1, site)).toMatchObject({ found: [], messages: 10, restarts: 0 });
  });

  test('counts restarts, and forgives them', async () => {
    const { acts, ...plan } = calm(true);
    const part = { ...acts[0].sessions[0].parts[0], pause: 50 };
    const act = {
      sessions: [{ ...acts[0].sessions[0], parts: [part, part] as const }],
      troubles: [
        { kind: 'power cut', side: 'b', lane: 0, at: 10, lasts: 10 },
        { kind: 'close', side: 'a', lane: 0, at: 60, lasts: 10 },
        { kind: 'give up', side: 'a', lane: 1, at: 0, lasts: 20 },
      ] as const,
    };
    const result = await storm({ ...plan, acts: [act, acts[0]] }, 1, site);
    expect(result).toMatchObject({ found: [], restarts: 2, troubles: 3 });
  }, 20_000);

  test.each([false, true])(
    'tells of a frame that is not given back (list of NICs: %s)',
    async (several) => {
      const taken = await storm(calm(several), 1, site, { settle: 100, onOpen: (host) => host.nic.alloc(0) });
      const name = (side: string): string => (several ? 'the list' : `memory memory:soak-${side}0`);
      expect(taken.found).toEqual(
        ['a', 'b'].map((side) => `host ${side} still holds frames of ${name(side)}: 1 for sending, 0 of what came`),
      );
    },
    20_000,
  );

  test('tells of a frame of one NIC of several', async () => {
    const taken = await storm(calm(true), 1, site, { settle: 100, onOpen: (host) => host.nics[1].alloc(0) });
    expect(taken.found[0]).toBe('host a still holds frames of memory memory:soak-a1: 1 for sending, 0 of what came');
  }, 20_000);

  test('tells of bytes that were changed', async () => {
    const plan = calm(false);
    const options = { channel: { payloadCheck: false }, faults: { corrupt: 0.3, seed: 1 } };
    const host = { ...plan.hosts.a, options };
    const part = { lengths: Array<number>(100).fill(1000), pause: 0, rest: undefined };
    const acts = [{ sessions: [{ stream: 0, parts: [part, part], abortAfter: undefined }], troubles: [] }] as const;
    const { found } = await storm({ ...plan, hosts: { a: host, b: host }, acts }, 1, site);
    expect(found.join('\n')).toMatch(/message \d+ was changed/);
  }, 20_000);
});

describe('growth', () => {
  const MIB = 2 ** 20;
  const samples = (rss: (i: number) => number, descriptors: (i: number) => number = () => 21): Sample[] =>
    Array.from({ length: 90 }, (_, i) => ({
      seconds: i,
      rss: rss(i),
      heap: 0,
      external: 0,
      descriptors: descriptors(i),
    }));

  test('of a line is its slope', () => {
    const growth = growthOf(samples((i) => 100 * MIB + i * MIB));
    expect(growth.slope / MIB).toBeCloseTo(1);
    expect(growth.bytes / MIB).toBeCloseTo(59, 0);
    expect(complaints(growth)).toEqual([expect.stringMatching(/^memory has grown by (58|59)\.\d MiB$/)]);
  });

  test('before a third of the time is over does not count', () => {
    expect(complaints(growthOf(samples((i) => Math.min(i, 29) * 10 * MIB)))).toEqual([]);
  });

  test('and back is none', () => {
    expect(complaints(growthOf(samples((i) => (100 + (i % 10) * 4) * MIB)))).toEqual([]);
  });

  test('of descriptors is told', () => {
    const growth = growthOf(
      samples(
        () => MIB,
        (i) => (i < 10 ? 21 : 22),
      ),
    );
    expect(complaints(growth)).toEqual(['1 descriptors are left']);
  });

  test('of nothing, or of one sample, is none', () => {
    expect(complaints(growthOf([]))).toEqual([]);
    expect(complaints(growthOf(samples(() => 1).slice(0, 1)))).toEqual([]);
  });
});
