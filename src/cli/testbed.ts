import { Argument, InvalidArgumentError, Option, type Command } from 'commander';

import { ArgumentError, EmpError } from '../errors.js';
import { noPermission } from '../testbed/ip.js';
import { isTestbedName, TESTBED_NAMES } from '../testbed/plan.js';
import { Testbed, type TestbedStatus } from '../testbed/testbed.js';
import { integer, jsonOption } from './options.js';
import { print, printJson, table } from './output.js';
import { execute } from './testbedExec.js';

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
    .option('--switched', 'put a switch into each link, so that one end does not see what is unplugged at the other')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  emp testbed up --name emp-lab --mtu 3000 --queues 2')
    .action(up);

  testbed
    .command('down')
    .description('remove a testbed, and whatever dead processes left behind')
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  emp testbed down\n  emp testbed down --name emp-lab')
    .action(down);

  testbed
    .command('status')
    .description('list the testbeds of this machine')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  emp testbed status --json')
    .action(status);

  testbed
    .command('exec')
    .usage('[--name <name>] <side> [--] <command...>')
    .description('run a command on one side; its exit code is the exit code')
    .addArgument(new Argument('<side>', 'which namespace').choices(['a', 'b']))
    .argument('<command...>', 'the command and its arguments; all that follows the side is theirs')
    .addOption(nameOption())
    .passThroughOptions()
    .addHelpText(
      'after',
      `
Signals are passed on to the command. The exit code is 128 and the number of the signal that ended it, 127 if there is no such
command, 126 if it cannot be run. The command emp is this one, wherever it is installed.

Examples:
  emp testbed exec a -- ip addr
  emp testbed exec b -- emp echo --driver xdp --interface emp0
  emp testbed exec --name emp-lab a -- ping -c 3 198.18.0.2     --name comes before the side`,
    )
    .action(exec);
}

function nameOption(): Option {
  return new Option('--name <name>', "its name, which starts with 'emp'").default('emp').argParser(testbedName);
}

function testbedName(text: string): string {
  if (isTestbedName(text)) return text;
  throw new InvalidArgumentError(TESTBED_NAMES);
}

interface UpFlags {
  name: string;
  links: number;
  mtu: number;
  queues: number;
  switched?: boolean;
  json?: boolean;
}

async function up(flags: UpFlags): Promise<void> {
  const { name, links, mtu, queues, switched = false } = flags;
  const testbed = await Testbed.up({ name, links, mtu, queues, switched, persistent: true });
  if (flags.json === true) return printJson({ testbed: describe(testbed) });
  print(`The testbed '${name}' is up.\n${linkTable(testbed)}`);
}

async function down({ name, json }: { name: string; json?: boolean }, command: Command): Promise<void> {
  const found = Testbed.list().filter((one) => one.name === name || one.stale);
  const removed = found.sort((a, b) => Number(b.name === name) - Number(a.name === name)).map((one) => one.name);
  if (removed.length > 0 && process.geteuid?.() !== 0) throw noPermission('A testbed cannot be removed.');
  for (const one of removed) await Testbed.find(one)?.down();
  // Who did not ask for a name may have come for what was left behind.
  const isDefault = command.getOptionValueSource('name') === 'default';
  if (!removed.includes(name) && !(isDefault && removed.length > 0)) throw noTestbed(name, removed);
  if (json === true) return printJson({ removed });
  const lines = found.map((one) => (one.stale ? `${one.name} (its process is gone)` : one.name));
  print(`Removed: ${lines.join(', ')}.`);
}

function status({ json }: { json?: boolean }): void {
  const testbeds = Testbed.list();
  if (json === true) {
    printJson({ testbeds: testbeds.map((one) => ({ ...one, ...describe(Testbed.find(one.name)) })) });
  } else if (testbeds.length === 0) {
    print('No testbed is up. emp testbed up makes one.');
  } else {
    for (const one of testbeds) {
      const testbed = Testbed.find(one.name);
      print(`${stateOf(one)}${testbed === undefined ? '' : `\n${linkTable(testbed)}`}`);
    }
  }
}

function stateOf({ name, owner, up: isUp, stale }: TestbedStatus): string {
  if (stale) return `${name}: left behind by process ${owner}, which is gone; emp testbed down removes it`;
  const whose = owner === undefined ? '' : ` of process ${owner}`;
  return `${name}${whose}: ${isUp ? 'up' : `incomplete; emp testbed down --name ${name} removes it`}`;
}

async function exec(side: 'a' | 'b', command: string[], flags: { name: string }, self: Command): Promise<void> {
  if (command[0] === '--help' || command[0] === '-h') self.help();
  const words = command[0] === '--' ? command.slice(1) : command;
  if (words.length === 0 || words[0] === '') throw new ArgumentError('There is no command to run.', EXEC_HELP);
  if (command[0].startsWith('-') && words === command) {
    throw new ArgumentError(`'${command[0]}' stands where the command begins.`, EXEC_HELP);
  }
  const testbed = Testbed.list().find(({ name }) => name === flags.name);
  const namespace = Testbed.find(flags.name)?.namespaces[side === 'a' ? 0 : 1];
  if (testbed === undefined || namespace === undefined) throw noTestbed(flags.name);
  if (!testbed.up) {
    throw new EmpError('ERR_EMP_TESTBED', `The testbed '${flags.name}' is incomplete.`, {
      remedy: `Make it anew: emp testbed down --name ${flags.name}, then emp testbed up --name ${flags.name}.`,
    });
  }
  if (process.geteuid?.() !== 0) throw noPermission('A command cannot be run in another network namespace.');
  process.exitCode = await execute(namespace, words);
}

const EXEC_HELP = { remedy: 'Options come before the side: emp testbed exec --name <name> a -- <command...>' };

function noTestbed(name: string, removed: readonly string[] = []): EmpError {
  const swept = removed.length === 0 ? '' : ` Removed, because their processes are gone: ${removed.join(', ')}.`;
  return new EmpError('ERR_EMP_TESTBED', `There is no testbed '${name}'.${swept}`, {
    remedy: 'Make it with emp testbed up, or name another with --name; emp testbed status lists them.',
  });
}

function describe(testbed: Testbed | undefined): object {
  if (testbed === undefined) return {};
  const { name, mtu, queues, switched, namespaces, links } = testbed;
  return { name, mtu, queues, switched, namespaces, links };
}

function linkTable({ links, mtu, queues }: Testbed): string {
  const rows = links.flatMap(({ a, b }) =>
    [a, b].map((end) => [end.namespace, end.interface, end.mac, end.ipv4, end.ipv6, String(mtu), String(queues)]),
  );
  return table(['NAMESPACE', 'INTERFACE', 'MAC', 'IPV4', 'IPV6', 'MTU', 'QUEUES'], rows);
}
