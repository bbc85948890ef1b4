import { ArgumentError, describe } from '../errors.js';
import { checkFunction } from './arguments.js';
import type { Channel } from './channel.js';
import { warnOfAnswer } from './handlerWarning.js';

/** Who asks for a channel. */
export interface ConnectionRequest {
  readonly address: string;
  readonly port: number;
}

export interface ListenOptions {
  /** Whether to take a connection; default: all. False refuses it (`ERR_EMP_REFUSED` there), and so does whatever else is not true. */
  accept?: (request: ConnectionRequest) => boolean;
  /** Told of each new channel, in the turn in which it was opened: set `onMessage` here to miss nothing. */
  onChannel?: (channel: Channel) => void;
  /** Channels that may wait for the iterator, those being opened included; more are refused. Default 128. */
  backlog?: number;
}

const BACKLOG = 128;

export function checkListenOptions({ accept, onChannel, backlog }: ListenOptions): void {
  checkFunction('accept', accept, '({ address, port }) => boolean');
  checkFunction('onChannel', onChannel, '(channel) => void');
  if (backlog === undefined || (Number.isInteger(backlog) && backlog >= 1)) return;
  throw new ArgumentError(`backlog is ${describe(backlog)}; expected a whole number of channels.`, {
    remedy: 'Pass 1 or more.',
  });
}

/** Takes connections to one port: by `onChannel`, or `for await (const channel of listener)`. */
export class Listener implements AsyncDisposable {
  readonly #stop: () => void;
  readonly #queue: Channel[] = [];
  readonly #waiting: ((result: IteratorResult<Channel>) => void)[] = [];
  #closed = false;

  /** @internal */
  constructor(
    readonly port: number,
    readonly options: ListenOptions,
    stop: () => void,
  ) {
    this.#stop = stop;
  }

  /** @internal `opening`: connections that will need a place when they stand. */
  wants(request: ConnectionRequest, opening: number): boolean | 'backlog' {
    const { accept, onChannel, backlog = BACKLOG } = this.options;
    if (onChannel === undefined && this.#queue.length + opening >= backlog) return 'backlog';
    if (accept === undefined) return true;
    const answer: unknown = accept(request);
    if (typeof answer === 'boolean') return answer;
    warnOfAnswer('accept', describe(answer), 'Answer true or false; what is to be awaited can follow in onChannel.');
    return false;
  }

  /** @internal */
  take(channel: Channel): void {
    if (this.options.onChannel !== undefined) return this.options.onChannel(channel);
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting({ value: channel, done: false });
    else this.#queue.push(channel);
  }

  /** Takes no more connections. Channels that stand go on; those that nobody has taken are aborted. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    for (const channel of this.#queue.splice(0)) channel.abort();
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Channel> {
    const iterator: AsyncIterableIterator<Channel> = {
      next: () => {
        const channel = this.#queue.shift();
        if (channel !== undefined) return Promise.resolve({ value: channel, done: false });
        if (this.#closed) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve) => this.#waiting.push(resolve));
      },
      return: () => {
        this.close();
        return Promise.resolve({ value: undefined, done: true });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }
}
