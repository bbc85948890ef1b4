// Looks again and again. On a terminal the picture stays in its place.
import { clearScreenDown, cursorTo } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { commandOf } from '../../host/stat/files.js';
import type { HostSnapshot } from '../../host/stat/read.js';
import { note, print, printJson } from '../output.js';
import { channelRates, ratesOf, type Before } from './rates.js';
import { hostView } from './view.js';

export interface WatchOptions {
  /** Seconds. */
  interval: number;
  json: boolean;
  signal: AbortSignal;
}

/** Until it is interrupted, or there is no host any more. */
export async function watch(read: () => HostSnapshot[], { interval, json, signal }: WatchOptions): Promise<void> {
  const before = new Map<number, { host: HostSnapshot; time: number }>();
  const show = json ? showJson : process.stdout.isTTY ? showOnScreen : showText;
  for (let hosts = read(); hosts.length > 0; hosts = read()) {
    const time = performance.now();
    const looks = hosts.map((host): Look => {
      const last = before.get(host.host);
      // A host that has the number of one that was closed has counted anew.
      const isSame = last !== undefined && last.host.opened === host.opened;
      return { host, before: isSame ? { host: last.host, seconds: (time - last.time) / 1000 } : undefined };
    });
    before.clear();
    for (const host of hosts) before.set(host.host, { host, time });
    show(looks);
    await sleep(interval * 1000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
  }
  if (!json) note('The host was closed.');
}

interface Look {
  readonly host: HostSnapshot;
  readonly before: Before | undefined;
}

function showText(looks: readonly Look[]): void {
  print(looks.map(({ host, before }) => `${hostView(host, before)}\n`).join('\n'));
}

function showOnScreen(looks: readonly Look[]): void {
  const { columns, rows } = process.stdout;
  const room = Math.floor((rows - 1) / looks.length);
  const lines = looks.flatMap(({ host, before }) => hostView(host, before, room).split('\n'));
  cursorTo(process.stdout, 0, 0);
  clearScreenDown(process.stdout);
  print(
    lines
      .slice(0, rows - 1)
      .map((line) => line.slice(0, columns))
      .join('\n'),
  );
}

function showJson(looks: readonly Look[]): void {
  printJson({ hosts: looks.map(asJson) });
}

function asJson({ host, before }: Look): unknown {
  const command = commandOf(host.pid);
  if (before === undefined) return { ...host, command };
  const rates = channelRates(host, before);
  const channels = host.channels.map((channel) => ({ ...channel, perSecond: rates.get(channel.id) }));
  return { ...host, command, perSecond: ratesOf(host, before), channels };
}
