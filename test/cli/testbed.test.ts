import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { dist, emp, Emp, type Result } from '../support/emp.js';
import { empAsNobody } from '../support/nobody.js';
import { describeRoot } from '../support/root.js';

const EMP = new URL('src/cli/emp.js', dist).pathname;
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

  it.each([150, 300, 500])('interrupted after %i ms while it is made, leaves nothing', async (ms) => {
    const own = `${name}-cut`;
    const command = new Emp(['testbed', 'up', '--name', own, '--links', '200', '--switched']);
    await delay(ms);
    await command.interrupt();
    const left = ['a', 'b', 's'].filter((side) => existsSync(`/run/netns/${own}-${side}`));
    expect([left, existsSync(`/run/emp/testbed/${own}.json`)]).toEqual([[], false]);
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
  });

  it('says that there is no such command, or that it cannot be run, with the exit code of a shell', async () => {
    const exec = ['testbed', 'exec', '--name', name, 'a'];
    const missing = await emp(...exec, '--', 'emp-no-such-command');
    expect(missing).toMatchObject({ code: 127, stdout: '' });
    expect(missing.stderr).toMatch(/^emp: There is no command 'emp-no-such-command'\.\n {2}\S/);
    expect(await emp(...exec, '/etc/passwd')).toMatchObject({
      code: 126,
      stderr: expect.stringMatching(/^emp: \/etc\/passwd cannot be run\.\n {2}\S/) as string,
    });
  });

  it('knows the command emp, which need not be on the path', async () => {
    const { code, stdout } = await emp('testbed', 'exec', '--name', name, 'b', '--', 'emp', 'nics');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^emp1 +up/m)]);
  });

  const sleeper = async (): Promise<[Emp, number]> => {
    const command = new Emp(['testbed', 'exec', '--name', name, 'a', 'sh', '-c', 'echo $$; exec sleep 60']);
    await command.said(/\n/);
    return [command, Number(command.stdout)];
  };

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
  ] as const)('passes %s on to its command, and leaves nothing running', async (signal, exit) => {
    const [command, pid] = await sleeper();
    command.child.kill(signal);
    expect((await command.ended()).code).toBe(exit);
    expect(isRunning(pid)).toBe(false);
  });

  it('waits for a command that takes its time after a signal, and ends with its exit code', async () => {
    const script = `trap 'sleep 0.3; echo done; exit 7' TERM; echo ready; while :; do sleep 0.05; done`;
    const command = new Emp(['testbed', 'exec', '--name', name, 'a', 'sh', '-c', script]);
    await command.said(/ready/);
    command.child.kill('SIGTERM');
    expect(await command.ended()).toEqual({ code: 7, stdout: 'ready\ndone\n', stderr: '' });
  });

  it('does not send Ctrl-C a second time to a command that has it from the terminal', async () => {
    const script =
      'n=0; hear() { n=$((n+1)); }; trap hear INT; echo ready; for i in 1 2 3 4 5; do sleep 0.1; done; echo had $n';
    // exec: a shell that stays between the terminal and emp may die of the Ctrl-C itself (dash does), and say 130
    const words = `exec ${process.execPath} ${EMP} testbed exec --name ${name} a sh -c '${script}'`;
    const terminal = spawn('script', ['--quiet', '--return', '--command', words, '/dev/null']);
    let said = '';
    terminal.stdout.on('data', (text) => (said += String(text)));
    while (!said.includes('ready')) await delay(10);
    terminal.stdin.write('\x03');
    const [code] = (await once(terminal, 'close')) as [number];
    expect([code, said]).toEqual([0, expect.stringContaining('had 1')]);
  });

  it('shows its interfaces to emp nics', async () => {
    const { stdout } = await emp('nics', '--namespace', `${name}-b`, '--json');
    const { nics } = JSON.parse(stdout) as { nics: { name: string }[] };
    expect(nics.map((nic) => nic.name)).toEqual(['lo', 'emp0', 'emp1']);
  });

  it('that is not whole any more can be taken down, and made again', async () => {
    await emp('testbed', 'exec', '--name', name, 'b', 'ip', 'netns', 'delete', `${name}-a`);
    expect((await emp('testbed', 'status')).stdout).toMatch(
      new RegExp(`^${name}: incomplete; emp testbed down --name ${name}`, 'm'),
    );
    expect(await emp('testbed', 'exec', '--name', name, 'a', 'true')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is incomplete\.\n {2}Make it anew: emp testbed down/) as string,
    });
    expect((await emp('testbed', 'down', '--name', name)).code).toBe(0);
    expect((await emp('testbed', 'up', '--name', name)).code).toBe(0);
  });

  it('is for root: others hear that they may not, and it stays', () => {
    for (const args of [
      ['down', '--name', name],
      ['exec', '--name', name, 'a', 'true'],
    ]) {
      expect(empAsNobody('testbed', ...args)).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/Run it as root/) as string,
      });
    }
    expect(existsSync(`/run/netns/${name}-a`)).toBe(true);
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

describeRoot('what a killed process left behind', () => {
  const gone = 'emp-gone';
  const record = { name: gone, links: 1, mtu: 1500, queues: 1, owner: { pid: 4194305, started: '0' } };
  /** In a mount namespace whose /run/emp holds that alone: the testbeds of this machine are not ours to remove. */
  const alone = (...args: string[]): Result => {
    const made = `mkdir -p /run/emp && mount -t tmpfs emp /run/emp && mkdir /run/emp/testbed &&
      echo '${JSON.stringify(record)}' > /run/emp/testbed/${gone}.json && exec "$@"`;
    const words = ['--mount', 'sh', '-c', made, 'sh', process.execPath, EMP, 'testbed', ...args];
    const { status, stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' });
    return { code: status, stdout, stderr };
  };

  it('shows in the status, with what to do', () => {
    expect(alone('status')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^emp-gone: left behind by process 4194305, .*; emp testbed down removes it$/m,
      ) as string,
    });
  });

  it('is removed by emp testbed down, which says what it removed', () => {
    expect(alone('down')).toEqual({ code: 0, stdout: 'Removed: emp-gone (its process is gone).\n', stderr: '' });
    expect(alone('down', '--json')).toMatchObject({ code: 0, stdout: '{"removed":["emp-gone"]}\n' });
    expect(alone('down', '--name', gone)).toMatchObject({ code: 0 });
  });

  it('is removed, too, when another testbed was meant that is not there', () => {
    const { code, stderr } = alone('down', '--name', 'emp-other');
    expect(code).toBe(1);
    expect(stderr).toMatch(/There is no testbed 'emp-other'\. Removed, because their processes are gone: emp-gone\./);
  });
});

/** A process that has ended and that nobody has asked about runs no more. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
