import type { Command } from 'commander';
import { Option } from 'commander';

import { ArgumentError, EmpError } from '../errors.js';
import { commandOf } from '../host/stat/files.js';
import { readHosts, type HostSnapshot } from '../host/stat/read.js';
import { interruption } from './interrupt.js';
import { decimal, integer, jsonOption } from './options.js';
import { note, print, printJson } from './output.js';
import { partners } from './partners.js';
import { watch } from './stat/live.js';
import { endpoint, serveMetrics, type Endpoint } from './stat/prometheus.js';
import { hostTable, hostView } from './stat/view.js';

/** Seconds. */
const INTERVAL = 1;

export function register(program: Command): void {
  program
    .command('stat')
    .description('the counters of running hosts: which hosts there are, or those of one process, live')
    .argument('[pid]', 'the process; without it, all hosts are listed', integer(1, 2 ** 31))
    .addOption(new Option('--once', 'print once, and end').conflicts('interval'))
    .option('--interval <seconds>', `between two looks (default: ${INTERVAL})`, decimal(0.1, 3600))
    .addOption(
      new Option('--prometheus <[ip:]port>', 'serve /metrics of all hosts, or of those of the process (ip: 127.0.0.1)')
        .argParser(endpoint)
        .conflicts(['once', 'interval']),
    )
    .option('--per-channel', 'serve series of each channel, too')
    .addOption(jsonOption())
    .hook('preAction', partners({ perChannel: 'prometheus' }))
    .addHelpText(
      'after',
      `
It reads what hosts count in shared memory: they neither stop nor notice. You see hosts of your own user; root sees all. Counters that are
0 are left out. It ends at Ctrl-C, or with the process. With --json it prints one object a look.

Examples:
  emp stat                          which hosts there are
  emp stat 4711                     totals and rates of process 4711, live
  emp stat 4711 --once --json       everything, once
  emp stat --prometheus 9464        for Prometheus, http://127.0.0.1:9464/metrics`,
    )
    .action(stat);
}

interface StatFlags {
  once?: boolean;
  interval?: number;
  prometheus?: Endpoint;
  perChannel?: boolean;
  json?: boolean;
}

async function stat(pid: number | undefined, flags: StatFlags): Promise<void> {
  const { json = false, once = false, interval = INTERVAL, prometheus, perChannel = false } = flags;
  if (prometheus !== undefined) {
    const read = (): HostSnapshot[] => hostsOf(pid);
    return serveMetrics(read, prometheus, { perChannel, json, signal: interruption() });
  }
  if (pid === undefined) {
    refuseAlone(flags);
    return list(json);
  }
  const hosts = hostsOf(pid);
  if (hosts.length === 0) throw nobody(pid);
  if (!once) return watch(() => hostsOf(pid), { interval, json, signal: interruption() });
  if (json) printJson({ hosts: hosts.map(withCommand) });
  else print(hosts.map((host) => hostView(host)).join('\n\n'));
}

function hostsOf(pid: number | undefined): HostSnapshot[] {
  return readHosts().hosts.filter((host) => pid === undefined || host.pid === pid);
}

function refuseAlone({ once, interval }: StatFlags): void {
  const flag = once === true ? '--once' : interval === undefined ? undefined : '--interval';
  if (flag === undefined) return;
  throw new ArgumentError(`${flag} means nothing without a process.`, { remedy: `Name one, or leave ${flag} out.` });
}

function nobody(pid: number): EmpError {
  if (readHosts().hidden.some((file) => file.pid === pid)) {
    const remedy = 'Run emp stat as that user, or as root.';
    return new EmpError('ERR_EMP_PERMISSION', `The hosts of process ${pid} belong to another user.`, { remedy });
  }
  return new ArgumentError(`Process ${pid} has no host.`, { remedy: 'See which hosts there are: emp stat.' });
}

function list(json: boolean): void {
  const { hosts, hidden } = readHosts();
  if (json) return printJson({ hosts: hosts.map(withCommand), hidden: hidden.length });
  print(hosts.length === 0 ? 'No host is open.' : hostTable(hosts));
  if (hidden.length > 0) note(`Hosts of other users, which root sees: ${hidden.length}.`);
}

function withCommand(host: HostSnapshot): HostSnapshot & { command: string } {
  return { ...host, command: commandOf(host.pid) };
}
