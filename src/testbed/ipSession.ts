import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';

import { explain, TOOL } from './ip.js';

/** Its answer, one line, says that what stood before it is done: `ip` writes out what it says of a link at once. */
const MARK = 'link show dev lo';

interface Order {
  readonly commands: readonly string[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * An `ip` that stays, in one namespace, and does what it is told when it is told: who measures what a change does would else measure the start of a process, too.
 * It does not keep this process alive, and ends with it.
 */
export class IpSession {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Those that are not done, in order. */
  readonly #orders: Order[] = [];
  readonly #exited: Promise<void>;
  /** Why it ended. */
  #end: Error | undefined = undefined;
  /** Of those that are done: `ip` tells a command that failed by the number of its line. */
  #lines = 0;
  #stderr = '';

  constructor(namespace: string) {
    const child = spawn(TOOL, ['-oneline', '-netns', namespace, '-batch', '-'], { stdio: 'pipe' });
    this.#child = child;
    child.stdin.on('error', () => undefined); // it has ended: `close` says so
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (let lines = text.split('\n').length - 1; lines > 0; lines--) this.#done();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#exited = new Promise((resolve) => {
      const over = (error: Error): void => {
        this.#end ??= error;
        const said = this.#stderr.replace(/(?<=Command failed -:)\d+/, (line) => String(Number(line) - this.#lines));
        for (const { commands, reject } of this.#orders.splice(0)) reject(explain(error, said, commands));
        resolve();
      };
      child.on('error', over);
      child.on('close', (code, signal) => over(new Error(`it ended with ${signal ?? `exit code ${code}`}`)));
    });
    child.unref();
    for (const pipe of this.#pipes) pipe.unref();
  }

  get #pipes(): Socket[] {
    const { stdin, stdout, stderr } = this.#child;
    return [stdin, stdout, stderr] as unknown as Socket[];
  }

  /** It has ended, as it does after a command that failed. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** Runs commands that print nothing; rejects at the first that fails, which ends the session. */
  run(commands: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) return reject(explain(this.#end, '', []));
      this.#orders.push({ commands, resolve, reject });
      for (const pipe of this.#pipes) pipe.ref(); // who waits for it lives
      this.#child.stdin.write([...commands, MARK, ''].join('\n'));
    });
  }

  #done(): void {
    const order = this.#orders.shift();
    if (order === undefined) return;
    this.#lines += order.commands.length + 1;
    if (this.#orders.length === 0) for (const pipe of this.#pipes) pipe.unref();
    order.resolve();
  }

  /** Settles when it has ended. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    for (const pipe of this.#pipes) pipe.ref();
    this.#child.ref();
    await this.#exited;
  }
}
