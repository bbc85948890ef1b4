import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { emp, Emp } from '../support/emp.js';
import { describeRoot } from '../support/root.js';

const name = `emp-cli-${process.pid}`;

describeRoot('emp testbed', () => {
  beforeAll(async () => {
    expect(await emp('testbed', 'up', '--name', name, '--links', '2')).toMatchObject({ code: 0, stderr: '' });
  });
  afterAll(() => emp('testbed', 'down', '--name', name));

  it('stays when the command has ended, and shows in the status', async () => {
    expect(existsSync(`/run/netns/${name}-a`)).toBe(true);
    const { stdout } = await emp('testbed', 'status', '--json');
    const { testbeds } = JSON.parse(stdout) as { testbeds: { name: string }[] };
    expect(testbeds.find((one) => one.name === name)).toMatchObject({
      up: true,
      stale: false,
      mtu: 1500,
      namespaces: [`${name}-a`, `${name}-b`],
      links: [{ a: { interface: 'emp0', ipv4: '198.18.0.1' } }, { b: { interface: 'emp1', ipv4: '198.18.1.2' } }],
    });
    expect((await emp('testbed', 'status')).stdout).toMatch(new RegExp(`^${name}: up$`, 'm'));
  });

  it('is not made twice', async () => {
    const { code, stdout } = await emp('testbed', 'up', '--name', name, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_EMP_TESTBED', remedy: expect.any(String) } });
  });

  it.each([
    ['a', '198.18.0.1'],
    ['b', '198.18.0.2'],
  ])('runs commands on side %s', async (side, address) => {
    const { code, stdout } = await emp('testbed', 'exec', '--name', name, side, '--', 'ip', '-br', 'addr');
    expect(code).toBe(0);
    expect(stdout).toContain(`${address}/24`);
  });

  it('passes on options, the exit code and signals', async () => {
    const exec = ['testbed', 'exec', '--name', name, 'a'];
    expect(await emp(...exec, 'sh', '-c', 'echo $0 $1; exit 42', '--json', '--name')).toEqual({
      code: 42,
      stdout: '--json --name\n',
      stderr: '',
    });
    expect((await emp(...exec, 'sh', '-c', 'kill -TERM $$')).code).toBe(128 + 15);
    expect((await emp(...exec, 'emp-no-such-command')).code).not.toBe(0);
  });

  it('shows its interfaces to emp nics', async () => {
    const { stdout } = await emp('nics', '--namespace', `${name}-b`, '--json');
    const { nics } = JSON.parse(stdout) as { nics: { name: string }[] };
    expect(nics.map((nic) => nic.name)).toEqual(['lo', 'emp0', 'emp1']);
  });

  it('that is not whole any more can be taken down, and made again', async () => {
    await emp('testbed', 'exec', '--name', name, 'b', 'ip', 'netns', 'delete', `${name}-a`);
    expect((await emp('testbed', 'status')).stdout).toMatch(new RegExp(`^${name}: incomplete$`, 'm'));
    expect((await emp('testbed', 'down', '--name', name)).code).toBe(0);
    expect((await emp('testbed', 'up', '--name', name)).code).toBe(0);
  });

  it('goes with emp testbed down, which says so if there is none', async () => {
    expect(await emp('testbed', 'down', '--name', name, '--json')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(name) as string,
    });
    expect(existsSync(`/run/netns/${name}-a`)).toBe(false);
    const again = await emp('testbed', 'down', '--name', name);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/There is no testbed/);
  });

  it('cannot be made without its tools: exit code 3', async () => {
    const command = new Emp(['testbed', 'up', '--name', `${name}-x`, '--json'], { PATH: '/nonexistent' });
    const { code, stdout } = await command.ended();
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_EMP_TOOL_MISSING' } });
  });
});
