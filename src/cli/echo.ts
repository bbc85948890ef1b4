import { isIPv6 } from 'node:net';
import type { Command } from 'commander';

import { Control } from '../../bench/ends/control.js';
import { NicError } from '../errors.js';
import type { Faults } from '../fault/faults.js';
import type { Channel } from '../host/channel.js';
import type { MessageHandler } from '../host/inbox.js';
import { Host } from '../host/host.js';
import { preferLatency } from '../host/latency.js';
import type { NicState } from '../nic/contract.js';
import { listLinks } from '../nic/links.js';
import { formatUdpAddress, isAnyAddress, parseUdpAddress, UDP_PORT, type UdpEnd } from '../nic/udpAddress.js';
import { interruption } from './interrupt.js';
import { channelPort, DEFAULT_PORT, faultList, jsonOption, nicFrom, nicOptions, type NicFlags } from './options.js';
import { note, print, printJson } from './output.js';

export function register(program: Command): void {
  const echo = program
    .command('echo')
    .description('a server that sends every message back, and takes part in emp bench --peer, until Ctrl-C')
    .option('-p, --port <number>', 'port of its channels, which is not a UDP port', channelPort, DEFAULT_PORT);
  nicOptions(echo, ['xdp', 'packet', 'udp'], { driver: 'udp', local: `127.0.0.1:${UDP_PORT}`, wait: 'adaptive' })
    .option(
      '--fault <list>',
      'what befalls the frames it receives: drop=1%,delay=1ms..3ms,seed=7 (drop, burst, duplicate, reorder, delay, corrupt, truncate, replay)',
      faultList,
    )
    .addOption(jsonOption('print JSON instead of text, an object on each line'))
    .addHelpText(
      'after',
      `
It prints the address to connect to. It takes part in the tests of emp bench when a client asks for it (emp bench TEST --peer),
one client at a time, and behaves as the test wants it: so leave it to machines that you trust. With --json it prints an object when it
listens, when its interface goes down or up, and when it ends.
When its interface goes down it says so and waits; when its interface is removed it ends with exit code 1.

Examples:
  emp echo                                      over udp, for programs of this machine
  emp echo --local 0.0.0.0                      over udp, for other machines too
  emp echo --driver xdp --interface eth0 --require native --wait spin
  emp echo --fault drop=1%,duplicate=0.5%,seed=7   loses and doubles frames, the same ones each time
  emp echo --driver packet --namespace emp-b --interface emp0`,
    )
    .action(serve);
}

interface EchoFlags extends NicFlags {
  port: number;
  fault?: Faults;
  json?: boolean;
}

async function serve(flags: EchoFlags): Promise<void> {
  preferLatency();
  const interrupted = interruption();
  const json = flags.json === true;
  const { fault: faults } = flags;
  await using host = await Host.open({
    nic: nicFrom(flags),
    wait: flags.wait,
    ...(faults === undefined ? {} : { faults }),
  });
  const ended = untilTheEnd(host, interrupted, (state) => {
    if (json) printJson({ nic: { state } });
    else note(`${nicName(host)} is ${state}${state === 'down' ? ': nothing arrives until it is up again' : ' again'}.`);
  });
  const tell = json ? () => undefined : note;
  const server = new EchoServer(tell);
  new Control(host, flags.wait, tell);
  host.listen(flags.port, { allowHalfOpen: true, onChannel: (channel) => server.serve(channel) });
  const { driver, mode, notes } = host.info;
  if (json) {
    const { address } = host;
    const reached = isOnAll(host) ? { reached: addressesOf(host) } : {};
    const wire = faults === undefined ? {} : { faults };
    printJson({ listening: { address, ...reached, port: flags.port, driver, mode, ...wire, notes, pid: process.pid } });
  } else {
    const how = `channel port ${flags.port} (${driver}, ${mode})`;
    const wire = faults === undefined ? [] : [`The wire has faults: ${JSON.stringify(faults)}`];
    print([`Listening on ${host.address}, ${how}.${reachableAt(host)}`, ...wire, ...notes].join('\n'));
  }
  await ended;
  const { channels, messages } = server;
  const befallen = host.faults === undefined ? {} : { faults: host.faults };
  if (json) printJson({ ended: { channels, messages, ...befallen } });
  else print([`Echoed ${messages} messages of ${channels} channels.`, ...faultLine(host)].join('\n'));
}

function faultLine({ faults }: Host): string[] {
  if (faults === undefined) return [];
  const { frames, ...kinds } = faults;
  const list = Object.entries(kinds).map(([kind, count]) => `${kind} ${count}`);
  return [`Of ${frames} frames: ${list.join(', ')}.`];
}

/** Resolves at Ctrl-C; rejects when the host has failed, or its interface is gone, which does not come back for this host. */
function untilTheEnd(host: Host, interrupted: AbortSignal, tell: (state: NicState) => void): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    if (interrupted.aborted) resolve();
    interrupted.addEventListener('abort', () => resolve());
    host.onState = (state) => {
      if (state === 'removed') reject(removed(host));
      else tell(state);
    };
    if (host.nic.state !== 'up') host.onState(host.nic.state);
    host.onClose = ({ error }) => {
      if (error !== undefined) reject(error);
    };
  });
}

function nicName({ info }: Host): string {
  return info.interface ?? `The interface of ${info.address}`;
}

function removed(host: Host): NicError {
  return new NicError('ERR_EMP_NIC_FAILED', `${nicName(host)} was removed.`, {
    remedy: 'Start emp echo again when there is an interface; emp nics lists them.',
  });
}

/** Nobody can connect to 0.0.0.0: a server on all addresses is reached at each of them. Nobody else can connect to 127.0.0.1. */
function reachableAt(host: Host): string {
  if (host.info.driver !== 'udp') return '';
  const { ip } = endOf(host);
  if (ip === '::1' || ip.startsWith('127.')) return ' For this machine alone; others need --local.';
  return isOnAll(host) ? ` Reached at ${addressesOf(host).join(', ')}.` : '';
}

function isOnAll(host: Host): boolean {
  return host.info.driver === 'udp' && isAnyAddress(endOf(host).ip);
}

/** Of a host over udp. A scope is written as its number. */
function endOf({ address }: Host): UdpEnd {
  return parseUdpAddress(address, () => undefined);
}

/** All of this machine, of the family. */
function addressesOf(host: Host): string[] {
  const { ip, port } = endOf(host);
  return listLinks({ namespace: host.info.namespace })
    .flatMap((link) => link.addresses)
    .filter((one) => isIPv6(one) === isIPv6(ip) && !one.startsWith('fe80:')) // those would need a scope
    .map((one) => formatUdpAddress({ ip: one, port, scope: 0 }));
}

class EchoServer {
  channels = 0;
  messages = 0;
  readonly #tell: (text: string) => void;

  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  serve(channel: Channel): void {
    this.channels += 1;
    const name = `Channel ${this.channels} from ${channel.address}`;
    this.#tell(`${name}.`);
    channel.onClose = ({ reason, error }) => this.#tell(`${name} ended: ${error?.message ?? reason}`);
    echo(channel, () => (this.messages += 1));
  }
}

/** Sends back what comes. While there is no room to send, it does not read: the peer is held back in its turn. */
function echo(channel: Channel, count: () => void): void {
  const waiting: { bytes: Uint8Array; type: number }[] = [];
  let peerEnded = false;
  const onMessage: MessageHandler = (bytes, offset, length, type) => {
    count();
    let message = bytes.subarray(offset, offset + length);
    // A longer message is read while the window opens, after this call: that needs a copy.
    if (length > channel.maxFrameMessage) message = message.slice();
    if (waiting.length === 0 && channel.send(message, type)) return;
    waiting.push({ bytes: message.slice(), type });
    channel.onMessage = undefined;
  };
  const goOn = (): void => {
    while (waiting.length > 0) {
      if (!channel.writable) return;
      const { bytes, type } = waiting[0];
      if (!channel.send(bytes, type)) return;
      waiting.shift();
    }
    channel.onMessage ??= onMessage;
    if (peerEnded && waiting.length === 0) channel.end().catch(() => undefined); // `onClose` tells
  };
  channel.onMessage = onMessage;
  channel.onWritable = goOn;
  channel.onEnd = () => {
    peerEnded = true;
    goOn();
  };
}
