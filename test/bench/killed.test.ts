import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

import { Testbed } from '../../src/testbed/testbed.js';
import { Emp } from '../support/emp.js';
import { describeRoot } from '../support/root.js';

const LONG = ['bench', 'pingpong', '--rounds', '50000000'];

/** Kills a measurement when it runs, and waits until its processes, which have its standard error, are gone. */
async function killed(args: readonly string[], processes: number, env: NodeJS.ProcessEnv = {}): Promise<Emp> {
  const bench = new Emp(args, env);
  while (childrenOf(bench.child.pid!).length < processes) await delay(20);
  await delay(1000); // they have begun to spin
  bench.child.kill('SIGKILL');
  await bench.ended();
  return bench;
}

function childrenOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
}

describe('when emp bench is killed, its processes end', () => {
  it('at once, while they spin, and say nothing', { timeout: 8000 }, async () => {
    expect((await killed([...LONG, '--driver', 'memory'], 1)).stderr).toBe('');
  });

  it('by themselves where the kernel is not asked to end them, and say nothing', async () => {
    // Without setpriv: the spinning process learns of it when its rounds are done and nobody takes its answer.
    const rounds = ['bench', 'pingpong', '--driver', 'memory', '--no-pin', '--rounds', '3000000'];
    expect((await killed(rounds, 1, { PATH: '/nonexistent' })).stderr).toBe('');
  });
});

describeRoot('when emp bench is killed on a wire of its own', () => {
  it('bare C ends, too; the next testbed removes the namespaces', { timeout: 15_000 }, async () => {
    const args = [...LONG, '--driver', 'packet', '--baseline', '--slices', '1000'];
    const { child, stderr } = await killed(args, 4);
    expect(stderr).toBe('');
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`emp-bench-${child.pid}-`))).toEqual([]);
    const name = `emp${child.pid}`;
    expect(Testbed.list()).toContainEqual({ name, owner: child.pid, up: true, stale: true });
    expect(Testbed.sweep()).toContain(name);
    expect(Testbed.find(name)).toBeUndefined();
  });
});
