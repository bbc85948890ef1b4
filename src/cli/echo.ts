import type { Command } from 'commander';

import type { Channel } from '../host/channel.js';
import type { MessageHandler } from '../host/inbox.js';
import { Host } from '../host/host.js';
import { preferLatency } from '../host/latency.js';
import { interruption } from './interrupt.js';
import { DEFAULT_PORT, MAX_PORT, integer, jsonOption, nicFrom, nicOptions, type NicFlags } from './options.js';
import { note, print, printJson } from './output.js';

export function register(program: Command): void {
  const echo = program
    .command('echo')
    .description('a server that sends every message back to where it came from, until Ctrl-C')
    .option('-p, --port <number>', 'port to listen on', integer(0, MAX_PORT), DEFAULT_PORT);
  nicOptions(echo, ['xdp', 'packet', 'udp'], 'udp')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
It prints the address to connect to. With --json it prints one object when it listens, and one when it ends.

Examples:
  emp echo --driver udp --address 0.0.0.0
  emp echo --driver xdp --interface eth0 --require native --wait spin
  emp echo --driver packet --namespace emp-b --interface emp0`,
    )
    .action(serve);
}

interface EchoFlags extends NicFlags {
  port: number;
  json?: boolean;
}

async function serve(flags: EchoFlags): Promise<void> {
  preferLatency();
  const interrupted = interruption();
  await using host = await Host.open({ nic: nicFrom(flags), wait: flags.wait });
  const server = new EchoServer(flags.json === true ? () => undefined : note);
  host.listen(flags.port, { allowHalfOpen: true, onChannel: (channel) => server.serve(channel) });
  const { driver, mode, notes } = host.info;
  const ready = { listening: { address: host.address, port: flags.port, driver, mode, notes, pid: process.pid } };
  if (flags.json === true) printJson(ready);
  else print([`Listening on ${host.address}, port ${flags.port} (${driver}, ${mode}).`, ...notes].join('\n'));
  await new Promise<void>((resolve) => {
    if (interrupted.aborted) resolve();
    interrupted.addEventListener('abort', () => resolve());
  });
  const { channels, messages } = server;
  if (flags.json === true) printJson({ ended: { channels, messages } });
  else print(`Echoed ${messages} messages of ${channels} channels.`);
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
