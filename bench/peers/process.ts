// A process of a peer: started where its end belongs, and ended with everything it has started.
import { spawn, type ChildProcess } from 'node:child_process';

import { withParent } from '../withParent.js';
import type { Place, Words } from './contract.js';

export interface StartOptions {
  words: Words;
  place: Place;
  /** On the core of its place, with all its threads. */
  pin: boolean;
  env: Readonly<Record<string, string>>;
}

/**
 * The words before a command that put it into its place. In a namespace of the network it gets a namespace of process ids, too: the kernel
 * ends all of it with its first process, also what became a daemon.
 */
export function placed({ words, place: { namespace, core }, pin }: Omit<StartOptions, 'env'>): Words {
  return [
    ...(namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]),
    ...(namespace === undefined ? [] : ['unshare', '--pid', '--fork', '--kill-child', '--']),
    ...(pin && core !== undefined ? ['taskset', '-c', `${core}`] : []),
    ...words,
  ];
}

export class PeerProcess {
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #how: string | undefined;
  /** Resolves, and never rejects. */
  readonly ended: Promise<void>;

  constructor(options: StartOptions) {
    const [program, ...words] = [...withParent(), ...placed(options)] as [string, ...string[]];
    const env = { ...process.env, ...options.env };
    this.#child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.#child.stdout?.on('data', (text) => (this.#stdout += String(text)));
    this.#child.stderr?.on('data', (text) => (this.#stderr += String(text)));
    this.ended = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        this.#how = error.message;
        resolve();
      });
      this.#child.on('close', (code, signal) => {
        this.#how ??= signal ?? `exit code ${code}`;
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get output(): string {
    return this.#stdout;
  }

  get hasEnded(): boolean {
    return this.#how !== undefined;
  }

  /** How it ended, and the last it had to say of that. */
  get end(): string {
    const said = (this.#stderr.trim() === '' ? this.#stdout : this.#stderr).trim().split('\n').slice(-3).join(' / ');
    return `${this.#how ?? 'still running'}${said === '' ? '' : `: ${said}`}`;
  }

  async stop(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGKILL');
    await this.ended;
  }
}
