import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import type { NicOptions } from '../../src/nic/contract.js';

const fixture = (name: string) => new URL(`../host/fixture/${name}.mjs`, import.meta.url).pathname;

/** A peer in a process of its own, which can be killed. It echoes on port 1. */
export class EchoProcess implements AsyncDisposable {
  private constructor(
    readonly child: ChildProcess,
    readonly address: string,
  ) {}

  static async start(nic: NicOptions, wait = 'adaptive', server = 'echoServer'): Promise<EchoProcess> {
    const child = spawn(process.execPath, [fixture(server), JSON.stringify(nic), wait], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const address of createInterface(child.stdout)) return new EchoProcess(child, address);
    throw new Error('the echo process ended before it was ready');
  }

  /** As the kernel kills: no handler of its runs. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
