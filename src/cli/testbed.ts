import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Argument, Option, type Command } from 'commander';

import { EmpError } from '../errors.js';
import { Testbed } from '../testbed/testbed.js';
import { integer, jsonOption } from './options.js';
import { Exit, print, printJson, table } from './output.js';

export function register(program: Command): void {
  const testbed = program
    .command('testbed')
    .description('two network namespaces joined by veth pairs: two machines on one, for trying things out (needs root)')
    .addHelpText(
      'after',
      `
Examples:
  emp testbed up --links 2           two wires between the namespaces emp-a and emp-b
  emp testbed exec a -- ip addr      a command on side a
  emp testbed status
  emp testbed down`,
    );

  testbed
    .command('up')
    .description('make a testbed that stays until `emp testbed down`')
    .addOption(nameOption())
    .option('--links <number>', 'veth pairs', integer(1, 200), 1)
    .option('--mtu <bytes>', 'of each interface', integer(1280, 65535), 1500)
    .option('--queues <number>', 'receive and transmit queues of each interface', integer(1, 64), 1)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  emp testbed up --name emp-lab --mtu 3000 --queues 2')
    .action(up);

  testbed
    .command('down')
    .description('remove a testbed, and whatever dead processes left behind')
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  emp testbed down --name emp-lab')
    .action(down);

  testbed
    .command('status')
    .description('list the testbeds of this machine')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  emp testbed status --json')
    .action(status);

  testbed
    .command('exec')
    .description('run a command on one side; its exit code is the exit code')
    .addArgument(new Argument('<side>', 'which namespace').choices(['a', 'b']))
    .argument('<command...>', 'the command and its arguments')
    .addOption(nameOption())
    .passThroughOptions()
    .addHelpText('after', '\nExample:\n  emp testbed exec b -- emp echo --driver xdp --interface emp0')
    .action(exec);
}

function nameOption(): Option {
  return new Option('--name <name>', "its name, which starts with 'emp'").default('emp');
}

interface UpFlags {
  name: string;
  links: number;
  mtu: number;
  queues: number;
  json?: boolean;
}

async function up(flags: UpFlags): Promise<void> {
  const { name, links, mtu, queues } = flags;
  const testbed = await Testbed.up({ name, links, mtu, queues, persistent: true });
  if (flags.json === true) return printJson({ testbed: describe(testbed) });
  print(`The testbed '${name}' is up.\n${linkTable(testbed)}`);
}

async function down(flags: { name: string; json?: boolean }): Promise<void> {
  const swept = Testbed.sweep();
  const testbed = Testbed.find(flags.name);
  if (testbed === undefined && !swept.includes(flags.name)) throw noTestbed(flags.name);
  await testbed?.down();
  const removed = [...new Set([flags.name, ...swept])];
  if (flags.json === true) return printJson({ removed });
  print(`Removed: ${removed.join(', ')}.`);
}

function status(flags: { json?: boolean }): void {
  const testbeds = Testbed.list();
  if (flags.json === true) {
    printJson({
      testbeds: testbeds.map((one) => ({ ...one, ...describe(Testbed.find(one.name)) })),
    });
  } else if (testbeds.length === 0) {
    print('No testbed is up.');
  } else {
    for (const { name, owner, up: isUp, stale } of testbeds) {
      const whose = owner === undefined ? '' : ` of process ${owner}`;
      const state = stale ? 'left behind by a process that is gone' : isUp ? 'up' : 'incomplete';
      const testbed = Testbed.find(name);
      print(`${name}${whose}: ${state}${testbed === undefined ? '' : `\n${linkTable(testbed)}`}`);
    }
  }
}

function exec(side: 'a' | 'b', command: string[], flags: { name: string }): Promise<void> {
  const testbed = Testbed.find(flags.name);
  if (testbed === undefined) throw noTestbed(flags.name);
  const namespace = testbed.namespaces[side === 'a' ? 0 : 1];
  const words = command[0] === '--' ? command.slice(1) : command;
  const child = spawn('ip', ['netns', 'exec', namespace, ...words], { stdio: 'inherit' });
  const ignore = (): void => undefined; // the terminal sends Ctrl-C to the child as well: it decides
  process.on('SIGINT', ignore);
  return new Promise((resolve, reject) => {
    child.on('error', () => {
      reject(
        new EmpError('ERR_EMP_TOOL_MISSING', "The command 'ip' of iproute2 was not found.", {
          remedy: 'Install it: apt install iproute2.',
        }),
      );
    });
    child.on('exit', (code, signal) => {
      process.removeListener('SIGINT', ignore);
      process.exitCode = code ?? (signal === null ? Exit.failed : 128 + constants.signals[signal]);
      resolve();
    });
  });
}

function noTestbed(name: string): EmpError {
  return new EmpError('ERR_EMP_TESTBED', `There is no testbed '${name}'.`, {
    remedy: 'Make it with emp testbed up, or name another with --name; emp testbed status lists them.',
  });
}

function describe(testbed: Testbed | undefined): object {
  if (testbed === undefined) return {};
  const { name, mtu, queues, namespaces, links } = testbed;
  return { name, mtu, queues, namespaces, links };
}

function linkTable({ links, mtu, queues }: Testbed): string {
  const rows = links.flatMap(({ a, b }) =>
    [a, b].map((end) => [end.namespace, end.interface, end.mac, end.ipv4, end.ipv6, String(mtu), String(queues)]),
  );
  return table(['NAMESPACE', 'INTERFACE', 'MAC', 'IPV4', 'IPV6', 'MTU', 'QUEUES'], rows);
}
