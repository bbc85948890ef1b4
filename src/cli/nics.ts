import type { Command } from 'commander';

import { listLinks, type LinkInfo } from '../nic/links.js';
import { jsonOption, nonEmpty } from './options.js';
import { print, printJson, table } from './output.js';

export function register(program: Command): void {
  program
    .command('nics')
    .description('list the network interfaces, and what EMP can do with each')
    .option('-n, --namespace <name>', 'of another network namespace, as of `ip netns` (needs root)', nonEmpty)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
XDP tells what the kernel says the driver can do: native (its own receive path), zerocopy, and the programs attached now.

Examples:
  emp nics
  emp nics --namespace emp-a --json`,
    )
    .action(nics);
}

interface NicsFlags {
  namespace?: string;
  json?: boolean;
}

function nics(flags: NicsFlags): void {
  const links = listLinks(flags.namespace === undefined ? {} : { namespace: flags.namespace });
  if (flags.json === true) return printJson({ nics: links });
  print(table(['NAME', 'STATE', 'TYPE', 'DRIVER', 'ADDRESS', 'MTU', 'QUEUES', 'SPEED', 'XDP', 'IP'], links.map(row)));
}

function row(link: LinkInfo): string[] {
  return [
    link.name,
    link.up ? (link.carrier ? 'up' : 'no carrier') : 'down',
    link.type,
    link.driver ?? '-',
    link.address ?? '-',
    String(link.mtu),
    queues(link),
    link.speed === undefined ? '-' : `${link.speed / 1000}G`,
    xdp(link),
    link.addresses.join(' '),
  ];
}

function queues({ queues: { rx, tx, combined } }: LinkInfo): string {
  if (combined > 0) return String(combined);
  return rx === tx ? String(rx) : `${rx} rx, ${tx} tx`;
}

function xdp({ xdp: { features, attached } }: LinkInfo): string {
  const words = attached.map(({ mode, programId }) => `attached: ${mode} ${programId}`);
  if (features === undefined) words.unshift('?');
  else if (!features.includes('basic')) words.unshift('generic');
  else words.unshift(features.includes('zerocopy') ? 'zerocopy' : 'native');
  return words.join(', ');
}
