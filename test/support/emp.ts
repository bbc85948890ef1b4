import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What `npm test` has built before the suite runs. */
export const dist = new URL('../../dist/', import.meta.url);

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The command `emp` as a child process. */
export class Emp {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #closed: Promise<unknown>;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const script = new URL('src/cli/emp.js', dist).pathname;
    this.child = spawn(process.execPath, [script, ...args], { env: { ...process.env, ...env } });
    this.child.stdout?.on('data', (text) => (this.stdout += String(text)));
    this.child.stderr?.on('data', (text) => (this.stderr += String(text)));
    this.#closed = once(this.child, 'close');
  }

  /** Waits until it has printed something. */
  async said(what: RegExp): Promise<void> {
    while (!what.test(this.stdout)) {
      if (this.child.exitCode !== null) throw new Error(`emp has ended: ${this.stdout}${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async ended(): Promise<Result> {
    await this.#closed;
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  interrupt(): Promise<Result> {
    this.child.kill('SIGINT');
    return this.ended();
  }
}

export function emp(...args: string[]): Promise<Result> {
  return new Emp(args).ended();
}

/** Every command, as its words, those that only have others below them included: what `--help` shows is what there is. */
export async function everyCommand(words: readonly string[] = []): Promise<string[][]> {
  const { stdout } = await emp(...words, '--help');
  const listed = stdout.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? '';
  const names = [...listed.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name).filter((name) => name !== 'help');
  const below = await Promise.all(names.map((name) => everyCommand([...words, name])));
  return [[...words], ...below.flat()];
}
