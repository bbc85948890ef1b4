import type { EmpError } from '../errors.js';

/**
 * Takes one message where it lies: `length` bytes of `bytes` from `offset`. They are valid during the call only; who wants to keep
 * them copies them. An exception ends the channel with `ERR_EMP_HANDLER`; the host and its other channels go on.
 */
export type MessageHandler = (bytes: Uint8Array, offset: number, length: number, type: number) => void;

/**
 * Takes `length` bytes of a message of several frames, from its byte `position` on; the last piece ends at `total`. As with
 * `MessageHandler`, they are valid during the call only.
 */
export type FragmentHandler = (
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  total: number,
  type: number,
) => void;

export interface Message {
  /** The payload, a copy. */
  readonly data: Uint8Array;
  /** The sender's message type, 0..65535. */
  readonly type: number;
}

/** An iterator that is not read holds at most so much, then the peer is held back. */
const HIGH_WATER_MESSAGES = 1024;
const HIGH_WATER_BYTES = 4 * 1024 * 1024;

interface Reader {
  resolve(result: IteratorResult<Message>): void;
  reject(error: EmpError): void;
}

/** The run loop, as those see it who go on by promises. */
interface Turns {
  /** A promise was settled. */
  yield(): void;
  /** To be waited for first; undefined: nothing. */
  lookAndRest(): Promise<void> | undefined;
}

/** Where messages go: to a handler, in place, or to a queue for an iterator, as copies. */
export class Inbox {
  handler: MessageHandler | undefined = undefined;
  readonly #pause: () => void;
  readonly #resume: () => void;
  readonly #loop: Turns;
  #iterating = false;
  #paused = true;
  readonly #queue: Message[] = [];
  #queuedBytes = 0;
  readonly #readers: Reader[] = [];
  /** Somebody was told to wait for the event loop: results are given out in the order in which they were asked for. */
  #resting: Promise<void> | undefined = undefined;
  #ended = false;
  #error: EmpError | undefined = undefined;
  /** An iterator was told of the end. */
  #endSeen = false;
  #whenRead: (() => void) | undefined = undefined;

  constructor(pause: () => void, resume: () => void, loop: Turns) {
    this.#pause = pause;
    this.#resume = resume;
    this.#loop = loop;
  }

  get attached(): boolean {
    return this.handler !== undefined || this.#iterating;
  }

  setHandler(handler: MessageHandler | undefined): void {
    this.handler = handler;
    if (handler === undefined) {
      if (!this.#iterating) this.#stop();
      return;
    }
    while (this.#queue.length > 0 && this.handler === handler) {
      const { data, type } = this.#take();
      handler(data, 0, data.length, type);
    }
    if (this.handler === handler) this.#go();
    this.#checkRead();
  }

  message(bytes: Uint8Array, offset: number, length: number, type: number): void {
    if (this.handler !== undefined) {
      this.handler(bytes, offset, length, type);
      return;
    }
    const message = { data: bytes.slice(offset, offset + length), type };
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ value: message, done: false });
      this.#loop.yield();
      return;
    }
    this.#queue.push(message);
    this.#queuedBytes += length;
    if (this.#queue.length >= HIGH_WATER_MESSAGES || this.#queuedBytes >= HIGH_WATER_BYTES) this.#stop();
  }

  end(error: EmpError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const reader of this.#readers.splice(0)) {
      this.#endSeen = true;
      if (error === undefined) reader.resolve({ value: undefined, done: true });
      else reader.reject(error);
    }
    this.#loop.yield();
  }

  /** Calls `then` once nobody is going to read more before the end: a loop has come to it, or nothing waits and no loop runs. */
  whenRead(then: () => void): void {
    this.#whenRead = then;
    this.#checkRead();
  }

  #checkRead(): void {
    if (this.#whenRead === undefined || this.#queue.length > 0) return;
    // The last message was taken, but the body of the loop has not come back for the next one: it may still answer.
    if (this.handler === undefined && this.#iterating && !this.#endSeen) return;
    const then = this.#whenRead;
    this.#whenRead = undefined;
    then();
  }

  iterate(): AsyncIterableIterator<Message> {
    this.#iterating = true;
    this.#go();
    const iterator: AsyncIterableIterator<Message> = {
      next: () => this.#next(),
      return: () => {
        this.#iterating = false;
        if (this.handler === undefined) this.#stop();
        this.#checkRead();
        return Promise.resolve({ value: undefined, done: true });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #next(): Promise<IteratorResult<Message>> {
    const rest = this.#resting ?? (this.#queue.length > 0 ? this.#loop.lookAndRest() : undefined);
    if (rest === undefined) return this.#nextNow();
    const result = rest.then(() => this.#nextNow());
    // Whoever asks meanwhile comes after it.
    const resting = result.then(nothing, nothing).then(() => {
      if (this.#resting === resting) this.#resting = undefined;
    });
    this.#resting = resting;
    return result;
  }

  #nextNow(): Promise<IteratorResult<Message>> {
    if (this.#queue.length > 0) {
      const value = this.#take();
      if (this.#queue.length <= HIGH_WATER_MESSAGES / 2 && this.#queuedBytes <= HIGH_WATER_BYTES / 2) this.#go();
      return Promise.resolve({ value, done: false });
    }
    if (this.#ended) {
      this.#endSeen = true;
      this.#checkRead();
      return this.#error === undefined
        ? Promise.resolve({ value: undefined, done: true })
        : Promise.reject(this.#error);
    }
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  #take(): Message {
    const message = this.#queue.shift()!;
    this.#queuedBytes -= message.data.length;
    return message;
  }

  #stop(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#pause();
  }

  #go(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#resume();
  }
}

function nothing(): void {}
