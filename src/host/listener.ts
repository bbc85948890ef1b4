import type { Channel } from './channel.js';

/** Who asks for a channel. */
export interface ConnectionRequest {
  readonly address: string;
  readonly port: number;
}

export interface ListenOptions {
  /** Whether to take a connection; default: all. False, or an exception, refuses it (`ERR_EMP_REFUSED` there). */
  accept?: (request: ConnectionRequest) => boolean;
  /** Told of each new channel, in the turn in which it was opened: set `onMessage` here to miss nothing. */
  onChannel?: (channel: Channel) => void;
  /** Channels that may wait for the iterator; more are refused. Default 128. */
  backlog?: number;
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

  /** @internal */
  wants(request: ConnectionRequest): boolean {
    if (this.options.onChannel === undefined && this.#queue.length >= (this.options.backlog ?? 128)) return false;
    return this.options.accept?.(request) ?? true;
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
