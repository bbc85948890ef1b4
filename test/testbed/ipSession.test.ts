import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { IpSession } from '../../src/testbed/ipSession.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';

const run = promisify(execFile);

describeRoot('a session of ip', () => {
  let testbed: Testbed;
  beforeAll(async () => void (testbed = await Testbed.up({ links: 2 })));
  afterAll(() => testbed.down());

  async function isUp(name: string): Promise<boolean> {
    const { stdout } = await run('ip', ['-netns', testbed.namespaces[0], 'link', 'show', name]);
    return /<[^>]*\bUP\b/.test(stdout);
  }

  test('does what it is told, in order, and says when it is done', async () => {
    const session = new IpSession(testbed.namespaces[0]);
    await session.run(['link set emp0 down']);
    expect(await isUp('emp0')).toBe(false);
    await Promise.all([session.run(['link set emp1 down', 'link set emp0 up']), session.run(['link set emp1 up'])]);
    expect([await isUp('emp0'), await isUp('emp1')]).toEqual([true, true]);
    await session.close();
    expect(session.isOver).toBe(true);
  });

  test('names the command that failed, and ends', async () => {
    const session = new IpSession(testbed.namespaces[0]);
    await session.run(['link set emp0 up', 'link set emp1 up']);
    const orders = [session.run(['link set emp0 up', 'link set emp9 down']), session.run(['link set emp0 up'])];
    await expect(orders[0]).rejects.toThrow('\'ip link set emp9 down\' failed: Cannot find device "emp9"');
    await expect(orders[1]).rejects.toThrow();
    expect(session.isOver).toBe(true);
    await expect(session.run([])).rejects.toThrow();
    await session.close();
  });

  test('a namespace that is not there is an error', async () => {
    await expect(new IpSession('emp-nowhere').run(['link set lo up'])).rejects.toMatchObject({
      code: 'ERR_EMP_TOOL_FAILED',
    });
  });

  test('a testbed goes on after a command that failed', async () => {
    await expect(testbed.plug(0, 'a', true)).resolves.toBeUndefined();
    await run('ip', ['-netns', testbed.namespaces[0], 'link', 'delete', 'emp1']);
    await expect(testbed.plug(1, 'a', true)).rejects.toThrow('emp1');
    await testbed.plug(0, 'a', false);
    expect(await isUp('emp0')).toBe(false);
  });

  test('who waits for nothing else waits for it, and it keeps nobody alive', async () => {
    const program = `
      import { Testbed } from '${new URL('../../dist/src/testbed/testbed.js', import.meta.url).href}';
      await Testbed.find('${testbed.name}').plug(0, 'a', true);
      console.log('done');`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], { timeout: 10_000 });
    expect(stdout).toBe('done\n');
    expect(await isUp('emp0')).toBe(true);
  });
});
