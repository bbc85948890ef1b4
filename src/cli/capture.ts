import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Command } from 'commander';

import { ArgumentError, EmpError } from '../errors.js';
import { tapSockets, type TapSocket } from '../host/tap/directory.js';
import { describeTap, readTap } from '../host/tap/tapReader.js';
import { interruption } from './interrupt.js';
import { decimal, integer, jsonOption, nonEmpty } from './options.js';
import { note, print, printJson, table } from './output.js';
import { partners } from './partners.js';

export function register(program: Command): void {
  program
    .command('capture')
    .description('write the frames that pass through a host to a pcapng file, for Wireshark')
    .option(
      '-p, --pid <number>',
      'the process whose host to capture; without it, list what can be captured',
      integer(1, 2 ** 31),
    )
    .option('--host <number>', 'which host of the process, if it has several', integer(1, 2 ** 31))
    .option('-w, --write <file>', 'the file, or - for the standard output', nonEmpty)
    .option('-c, --count <frames>', 'stop after this many frames', integer(1, 2 ** 40))
    .option('-s, --seconds <seconds>', 'stop after this time', decimal(0.001, 1e6))
    .addOption(jsonOption())
    .hook('preAction', partners({ host: 'pid', write: 'pid', count: 'pid', seconds: 'pid', pid: 'write' }))
    .addHelpText(
      'after',
      `
A host can be captured if its process was started with EMP_TAP=1 in its environment, or opened it with { tap: true }.
A capture ends with --count, --seconds, Ctrl-C, or with the host; the file is whole in each case.

Examples:
  EMP_TAP=1 emp echo --driver udp &
  emp capture                                   which hosts there are
  emp capture --pid $! -w emp.pcapng
  emp capture --pid $! -w - | wireshark -X lua_script:tools/wireshark/emp.lua -k -i -`,
    )
    .action(capture);
}

interface CaptureFlags {
  pid?: number;
  host?: number;
  write?: string;
  count?: number;
  seconds?: number;
  json?: boolean;
}

async function capture(flags: CaptureFlags): Promise<void> {
  if (flags.pid === undefined || flags.write === undefined) return list(flags);
  if (flags.write === '-' && flags.json === true) {
    throw new ArgumentError('The standard output cannot take both frames and --json.', {
      remedy: 'Name a file with -w.',
    });
  }
  const tap = choose(flags.pid, flags.host);
  const interrupted = interruption();
  const timeout = flags.seconds === undefined ? [] : [AbortSignal.timeout(flags.seconds * 1000)];
  const output = await openOutput(flags.write);
  const result = await readTap(tap, {
    ...(flags.count === undefined ? {} : { count: flags.count }),
    signal: AbortSignal.any([interrupted, ...timeout]),
    onBlocks: (blocks) => output.write(blocks),
  }).finally(() => output.close());
  if (flags.json === true) return printJson({ file: flags.write, ...result });
  note(`${result.frames} frames, ${result.dropped} dropped, ${result.bytes} bytes in ${flags.write}`);
}

interface Output {
  write(blocks: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

async function openOutput(path: string): Promise<Output> {
  if (path === '-') return standardOutput;
  const failed = (cause: unknown): EmpError => {
    const message = `The capture cannot be written: ${cause instanceof Error ? cause.message : String(cause)}.`;
    return new EmpError('ERR_EMP_TOOL_FAILED', message, { remedy: 'Name another file with -w.', cause });
  };
  const file = await open(path, 'w').catch((cause: unknown) => Promise.reject(failed(cause)));
  return {
    write: (blocks) => file.appendFile(blocks).catch((cause: unknown) => Promise.reject(failed(cause))),
    close: () => file.close(),
  };
}

const standardOutput: Output = {
  async write(blocks) {
    if (!process.stdout.write(blocks)) await once(process.stdout, 'drain');
  },
  close: () => Promise.resolve(),
};

function choose(pid: number, host: number | undefined): TapSocket {
  const ofProcess = tapSockets().filter((tap) => tap.pid === pid);
  const chosen = host === undefined ? ofProcess : ofProcess.filter((tap) => tap.number === host);
  const [first, second] = chosen;
  if (first === undefined) {
    throw new EmpError(
      'ERR_EMP_ARGUMENT',
      `Process ${pid} has no ${host === undefined ? '' : 'such '}host to capture.`,
      {
        remedy: 'Start it with EMP_TAP=1 in its environment, as the same user; emp capture lists what there is.',
      },
    );
  }
  if (second !== undefined) {
    const numbers = chosen.map((tap) => tap.number).join(', ');
    throw new ArgumentError(`Process ${pid} has several hosts: ${numbers}.`, { remedy: 'Choose one with --host.' });
  }
  return first;
}

async function list(flags: CaptureFlags): Promise<void> {
  const found = await Promise.all(tapSockets().map(async (tap) => ({ ...tap, nic: await describeTap(tap) })));
  const hosts = found.map(({ pid, number, nic }) => ({
    pid,
    host: number,
    interface: nic?.name ?? null,
    description: nic?.description ?? null,
    command: commandOf(pid) ?? null,
  }));
  if (flags.json === true) return printJson({ hosts });
  if (hosts.length === 0) return print('No host can be captured. Start a program with EMP_TAP=1 in its environment.');
  print(
    table(
      ['PID', 'HOST', 'INTERFACE', 'DESCRIPTION', 'COMMAND'],
      hosts.map((host) => [
        String(host.pid),
        String(host.host),
        host.interface ?? '?',
        host.description ?? 'does not answer',
        host.command ?? '',
      ]),
    ),
  );
}

function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, 60);
  } catch {
    return undefined;
  }
}
