import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

import { dist, emp, everyCommand } from '../support/emp.js';

const COMMANDS = await everyCommand();

describe('help', () => {
  it.concurrent.each(COMMANDS.map((command) => [command.join(' '), command] as const))(
    'of emp %s has examples',
    async (_name, command) => {
      const { code, stdout } = await emp(...command, '--help');
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Usage: emp/);
      expect(stdout).toMatch(/^Examples?:$/m);
    },
  );

  it('of emp bench says what it does without a test', async () => {
    expect((await emp('bench', '--help')).stdout).toMatch(/^ {2}all .*\n(?: {3}.*\n)*? {3}.*\(the\s+default\)/m);
  });

  it.each([
    [['help', 'bench'], /^Usage: emp bench/],
    [['bench', 'help', 'pingpong'], /^Usage: emp bench pingpong/],
    [['testbed', 'exec', 'a', '--help'], /^Usage: emp testbed exec/],
  ])('asked for by emp %j is a success', async (args, usage) => {
    expect(await emp(...args)).toEqual({ code: 0, stdout: expect.stringMatching(usage) as string, stderr: '' });
  });

  it('of no command at all is shown, as an error of usage', async () => {
    const { code, stdout, stderr } = await emp();
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Usage: emp/);
  });

  it('and the version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await emp('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

it('npm run emp is the same in a clone, also for signals', async () => {
  const script = ['run', '--silent', 'emp', '--', 'echo', '--local', '127.0.0.1:0'];
  const npm = spawn('npm', script, { cwd: new URL('../..', import.meta.url) });
  let said = '';
  npm.stdout.on('data', (text) => (said += String(text)));
  while (!said.includes('Listening')) await delay(10);
  npm.kill('SIGTERM');
  await once(npm, 'close');
  expect(said).toMatch(/Echoed 0 messages/);
});

describe('what is wrong with a command line is said in one line, with a remedy, and exit code 2', () => {
  it.concurrent.each([
    [['tetbed'], /unknown command 'tetbed' \(Did you mean testbed\?\)/],
    [['nics', '--jsn'], /unknown option '--jsn' \(Did you mean --json\?\)/],
    [['nics', 'eth0'], /too many arguments for 'nics'/],
    [['testbed', 'up', '--links', '0'], /'0' is invalid\. Expected a whole number from 1 to 200/],
    [['testbed', 'up', '--links', '1e2'], /'1e2' is invalid/],
    [['testbed', 'up', '--links', '-1'], /'-1' is invalid/],
    [['testbed', 'up', '--mtu', '1500.5'], /'1500.5' is invalid/],
    [['testbed', 'up', '--name', 'lab'], /'lab' is invalid\. Start it with 'emp'/],
    [['testbed', 'exec', 'c', 'ls'], /Allowed choices are a, b/],
    [['testbed', 'exec', 'a'], /missing required argument 'command'/],
    [['testbed', 'exec', 'a', '--'], /There is no command to run/],
    [
      ['testbed', 'exec', 'a', '--name', 'emp-x', 'ls'],
      /'--name' stands where.*\n.*emp testbed exec --name <name> a --/,
    ],
    [
      ['bench', 'pingpogn'],
      /no test 'pingpogn'\. Tests are all, pingpong, .*peers.*\.\n {2}Did you mean emp bench pingpong\?/,
    ],
    [['bench', 'foo'], /no test 'foo'\. Tests are all, pingpong, .*\.\n {2}Without one, emp bench runs all/],
    [['bench', '--rounds', '5', 'pingpong'], /stands behind options\.\n {2}Name it first: emp bench pingpong/],
    [['echo', '--driver', 'tcp'], /Allowed choices are xdp, packet, udp/],
    [['echo', '--driver', 'xdp'], /The driver xdp needs a network interface/],
    [['echo', '--driver', 'udp', '--queue', '1'], /The driver udp has no option --queue/],
    [['echo', '--port', '4294967296'], /Expected a whole number from 0 to 4294967295/],
    [['echo', '--wait', 'sleep'], /Allowed choices are spin, event, adaptive/],
    [['capture', '--seconds', 'x'], /Expected a number from/],
  ])('emp %j', async (args, message) => {
    const { code, stderr } = await emp(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n +at /);
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
    expect(code).toBe(2);
  });

  it('and not both frames and JSON can go to the standard output', async () => {
    const { code, stdout } = await emp('capture', '--pid', '1', '-w', '-', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { message: expect.stringContaining('cannot take both') as string },
    });
  });

  it('as JSON with --json', async () => {
    const { code, stdout, stderr } = await emp('testbed', 'up', '--json', '--links', 'two');
    expect([code, stderr]).toEqual([2, '']);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'ERR_EMP_ARGUMENT',
        message: expect.stringContaining("argument 'two' is invalid"),
        remedy: 'See --help of the command.',
      },
    });
  });
});

describe('emp doctor', () => {
  it('prints a line for each finding, and which drivers can work', async () => {
    const { code, stdout } = await emp('doctor');
    expect([0, 3]).toContain(code);
    expect(stdout).toMatch(/^ok {4}Node /m);
    expect(stdout).toMatch(/Drivers that can work here:\n(?:yes|no) /);
  });

  it('prints the same as JSON', async () => {
    const { code, stdout } = await emp('doctor', '--json');
    const { drivers, findings } = JSON.parse(stdout) as {
      drivers: { driver: string; usable: boolean }[];
      findings: { status: string }[];
    };
    expect(drivers.map(({ driver }) => driver)).toEqual(['xdp', 'packet', 'udp', 'memory']);
    expect(code).toBe(findings.some(({ status }) => status === 'fail') ? 3 : 0);
  });
});

describe('emp nics', () => {
  it('lists the loopback interface, as a table and as JSON', async () => {
    const [text, json] = await Promise.all([emp('nics'), emp('nics', '--json')]);
    expect(text.stdout).toMatch(/^NAME +STATE +TYPE/);
    expect(text.stdout).toMatch(/^lo +\S+ +loopback/m);
    const { nics } = JSON.parse(json.stdout) as { nics: { name: string; type: string }[] };
    expect(nics.find(({ name }) => name === 'lo')?.type).toBe('loopback');
  });

  it('says that a namespace is not there', async () => {
    const { code, stdout } = await emp('nics', '--namespace', 'emp-nowhere', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_EMP_NO_NAMESPACE' } });
  });
});

it('an output that cannot be written is an error', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [new URL('src/cli/emp.js', dist).pathname, '--version'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^emp: The standard output cannot be written: ENOSPC/)]);
});
