// Child processes that measure: each on a core of its own, ended by its id.
import { execFile, fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { EmpError } from '../src/index.js';
import { statFiles } from '../src/host/stat/files.js';
import { packageRoot } from '../src/nic/native.js';
import type { Reply } from './pingpong/commands.js';
import { withParent } from './withParent.js';

const run = promisify(execFile);

export interface ChildOptions {
  /** Compiled module below dist/. */
  entry: string;
  /** Core of the main thread. */
  core: number | undefined;
  /** Cores of its other threads (compiler, garbage collector); empty: any. */
  others: readonly number[];
}

/** A Node process that carries out one command at a time. */
export class Child<Commands extends { [Name in keyof Commands]: (argument: never) => Promise<unknown> }> {
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  #waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void } | undefined;
  #gone: Error | undefined;

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on('message', (reply: Reply) => this.#answered(reply));
    this.#exited = new Promise((resolve) => {
      const gone = (why: string): void => {
        this.#gone ??= new EmpError('ERR_EMP_TOOL_FAILED', `A process of the measurement ended: ${why}.`);
        this.#waiting?.reject(this.#gone);
        resolve();
      };
      process.on('exit', (code, signal) => gone(signal ?? `exit code ${code}`));
      process.on('error', (error) => gone(error.message));
    });
  }

  /** Starts it with all threads on `others`, then moves the main thread alone to `core`. */
  static async start<T extends { [Name in keyof T]: (argument: never) => Promise<unknown> }>({
    entry,
    core,
    others,
  }: ChildOptions): Promise<Child<T>> {
    const module = join(packageRoot(), 'dist', entry);
    const placed = core === undefined || others.length === 0 ? [] : ['taskset', '-c', others.join(',')];
    const [execPath, ...execArgv] = [...withParent(), ...placed, process.execPath, '--expose-gc'];
    const child = new Child<T>(
      fork(module, [], {
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        execPath,
        execArgv,
      }),
    );
    try {
      await child.#reply();
      if (core !== undefined) await pin(child.#process.pid!, core);
    } catch (error) {
      await child.stop();
      throw error;
    }
    return child;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  call<Name extends keyof Commands & string>(
    command: Name,
    ...[argument]: Parameters<Commands[Name]>
  ): ReturnType<Commands[Name]> {
    const reply = this.#reply();
    if (this.#gone === undefined) this.#process.send({ command, argument });
    return reply as ReturnType<Commands[Name]>;
  }

  /** Ends it, whatever it is doing, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
    statFiles(); // the look at them removes those of the dead
  }

  #reply(): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #answered(reply: Reply): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if ('value' in reply) {
      waiting?.resolve(reply.value);
      return;
    }
    const { code, message, remedy } = reply.error;
    waiting?.reject(
      code === undefined ? new Error(message) : new EmpError(code, message, remedy === undefined ? {} : { remedy }),
    );
  }
}

/** Without -a, taskset moves the one thread that has the process's id: the main thread. */
async function pin(pid: number, core: number): Promise<void> {
  try {
    await run('taskset', ['-c', '-p', String(core), String(pid)]);
  } catch (cause) {
    throw new EmpError('ERR_EMP_TOOL_FAILED', 'A process could not be moved to its core with taskset.', {
      remedy: 'Install it: apt install util-linux; or leave the processes where they are: --no-pin.',
      cause,
    });
  }
}
