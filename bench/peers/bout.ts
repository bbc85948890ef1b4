// One bout: starts the server, waits until it listens, starts the client, reads what it prints. Both are gone afterwards, whatever happened.
import { setTimeout as delay } from 'node:timers/promises';

import type { Bout, Contest, Figures } from './contract.js';
import { isListening } from './listening.js';
import { PeerProcess } from './process.js';

const LOOK_EVERY = 10; // ms

/** Throws an Error that says why there are no figures. An abort ends the processes at once. */
export async function play(contest: Contest, bout: Bout, signal: AbortSignal): Promise<Figures> {
  const processes: PeerProcess[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(processes.map((one) => one.stop())));
  const onAbort = (): void => void stop();
  signal.addEventListener('abort', onAbort);
  const start = (role: 'server' | 'client'): PeerProcess => {
    signal.throwIfAborted();
    const one = new PeerProcess({
      words: contest[role]!(bout),
      place: bout[role],
      pin: contest.pinsItself !== true,
      env: { TMPDIR: bout.folder, LC_ALL: 'C', ...contest.env },
    });
    processes.push(one);
    return one;
  };
  try {
    await contest.prepare?.(bout, signal);
    const server = contest.server === undefined ? undefined : start('server');
    if (server !== undefined) await ready(server, contest.listens!, bout.port, signal);
    const client = start('client');
    await client.ended;
    signal.throwIfAborted();
    return figures(contest, bout, client, server);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await stop();
  }
}

async function ready(server: PeerProcess, kind: 'tcp' | 'udp', port: number, signal: AbortSignal): Promise<void> {
  while (server.pid === undefined || !isListening(server.pid, kind, port)) {
    if (server.hasEnded) throw new Error(`the server ended (${server.end})`);
    await delay(LOOK_EVERY, undefined, { signal });
  }
}

/** What tools exit with says little: some end a failure with 0. */
function figures(contest: Contest, bout: Bout, client: PeerProcess, server: PeerProcess | undefined): Figures {
  try {
    return contest.parse(client.output, bout);
  } catch (error) {
    const other = server?.hasEnded === true ? `; the server ended (${server.end})` : '';
    throw new Error(`${(error as Error).message} (${client.end})${other}`, { cause: error });
  }
}
