import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { statFiles } from '../../src/host/stat/files.js';
import { readHost, type HostSnapshot } from '../../src/host/stat/read.js';

const HOST = new URL('../host/fixture/statHost.mjs', import.meta.url).pathname;

/** A host of its own process: over udp, echoing on port 1. `how`: see the fixture. */
export class OtherHost implements AsyncDisposable {
  private constructor(
    readonly child: ChildProcess,
    readonly address: string,
  ) {}

  static async start(how = ''): Promise<OtherHost> {
    const child = spawn(process.execPath, [HOST, how], { stdio: ['ignore', 'pipe', 'ignore'] });
    for await (const address of createInterface(child.stdout)) return new OtherHost(child, address);
    throw new Error('the process ended before its host was open');
  }

  get pid(): number {
    return this.child.pid!;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async kill(): Promise<void> {
    if (this.ended) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** Paths of the counter files of a process. */
export function filesOf(pid: number): string[] {
  return statFiles().flatMap((file) => (file.pid === pid ? [file.path] : []));
}

/** What the only host of a process has counted. */
export function snapshotOf(pid: number): HostSnapshot {
  const [file, ...others] = statFiles().filter((one) => one.pid === pid);
  if (file === undefined || others.length > 0) throw new Error(`process ${pid} has not one host`);
  const snapshot = readHost(file);
  if (snapshot === undefined || snapshot === 'hidden') throw new Error(`the host of process ${pid} cannot be read`);
  return snapshot;
}
