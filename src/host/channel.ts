import type { ChannelEvents } from '../channel/events.js';
import type { ChannelCore } from '../channel/core.js';
import { ChannelCounter, named } from '../channel/counters.js';
import { ArgumentError, ChannelError, describe } from '../errors.js';
import type { CloseReason, EmpError } from '../errors.js';
import type { LinkAddress } from '../nic/contract.js';
import { checkFunction, checkMessage, checkType } from './arguments.js';
import { warnOfHandler } from './handlerWarning.js';
import { Inbox } from './inbox.js';
import type { FragmentHandler, Message, MessageHandler } from './inbox.js';
import type { Loop } from './loop.js';

export interface CloseInfo {
  readonly reason: CloseReason;
  /** Undefined when the channel ended in peace: everything sent, both ways, was delivered. */
  readonly error: EmpError | undefined;
}

/**
 * A reliable, ordered channel of messages to one peer (rows E1, E5). Each message is delivered exactly once, in order, or the
 * sender gets a typed error.
 */
export class Channel implements AsyncDisposable {
  /** Told when `send` or `reserve`, having refused before, may succeed again (E5). */
  onWritable: (() => void) | undefined = undefined;
  /**
   * Takes messages of several frames piece by piece, in order and in place, as they arrive: nothing is put together or copied. Set it with
   * `onMessage`, which keeps getting the messages of one frame. It holds for messages that begin while it is set.
   */
  onFragment: FragmentHandler | undefined = undefined;
  /** Told when the peer has ended its side and everything it sent was delivered. */
  onEnd: (() => void) | undefined = undefined;
  /** Told once, last. */
  onClose: ((info: CloseInfo) => void) | undefined = undefined;
  /** Settles once, never rejects. */
  readonly closed: Promise<CloseInfo>;

  readonly #core: ChannelCore;
  readonly #loop: Loop;
  readonly #inbox: Inbox;
  readonly #allowHalfOpen: boolean;
  #info: CloseInfo | undefined = undefined;
  #resolveClosed!: (info: CloseInfo) => void;
  /** The application has ended its side; writes that wait are still sent. */
  #ending = false;
  #endDelivered = false;
  #endWaiters: PromiseWithResolversLike[] = [];
  #writeWaiters: (() => void)[] = [];
  /** Writes that are not done: nothing overtakes them. */
  #writes = 0;
  /** Settles, without an error, with the last of them. */
  #lastWrite: Promise<void> = Promise.resolve();

  /** @internal Channels come from `host.connect` and `host.listen`. */
  constructor(core: ChannelCore, loop: Loop, allowHalfOpen: boolean) {
    this.#core = core;
    this.#loop = loop;
    this.#allowHalfOpen = allowHalfOpen;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#inbox = new Inbox(
      () => core.pause(),
      () => this.#resume(),
      loop,
    );
  }

  /** Tells this channel from the others of its host: `emp.source` of the frames that it sends, in a capture. */
  get id(): number {
    return this.#core.link.localId >>> 0;
  }

  /** The peer's address on the link. */
  get address(): LinkAddress {
    return this.#core.address;
  }

  /** The port that was connected to. */
  get port(): number {
    return this.#core.port;
  }

  /** Longest message that fits one frame, bytes: what `reserve` takes. */
  get maxFrameMessage(): number {
    return this.#core.link.maxPayload;
  }

  /** The memory that `reserve` points into. */
  get bytes(): Uint8Array {
    return this.#core.link.port.bytes;
  }

  /** Smoothed round trip time, µs, as the protocol measured it. */
  get rtt(): number {
    return this.#core.sender.rtt.smoothed;
  }

  get writable(): boolean {
    return this.#core.isOpen && !this.#ending;
  }

  /** The callback face: no copy, no allocation. Messages wait (and the peer is held back) until there is a handler or an iterator. */
  get onMessage(): MessageHandler | undefined {
    return this.#inbox.handler;
  }

  set onMessage(handler: MessageHandler | undefined) {
    checkFunction('onMessage', handler, '(bytes, offset, length, type) => void');
    try {
      this.#inbox.setHandler(handler);
    } catch (error) {
      // It was called for messages that had waited.
      this.#core.fail('handler', 'onMessage', error);
    }
  }

  /**
   * Sends one message of 0 B to `maxMessage` (16 MiB) with an application-defined `type` (0..65535; E2). True: it was taken. False:
   * back-pressure; nothing was taken, `onWritable` tells when to try again. Messages of one frame are copied during the call. Longer
   * ones are read as the window opens: leave the buffer unchanged until `await write()` returns or, after `send`, `onWritable` or the next
   * successful `send`.
   * @throws ERR_EMP_CLOSED, ERR_EMP_MESSAGE_TOO_LONG, ERR_EMP_ARGUMENT
   */
  send(bytes: Uint8Array, type = 0): boolean {
    if (!this.#core.isOpen || this.#ending) throw this.#notWritable();
    checkMessage(bytes, type);
    if (this.#writes > 0) return this.#refuse();
    return this.#submit(bytes, type);
  }

  #submit(bytes: Uint8Array, type: number): boolean {
    this.#loop.enter();
    const taken = this.#core.sender.submit(bytes, type);
    this.#core.owner.touch(this.#core);
    return taken;
  }

  /** Back-pressure while writes wait: nothing overtakes them. */
  #refuse(): false {
    this.#loop.enter();
    this.#core.owner.touch(this.#core);
    return this.#core.sender.refuse();
  }

  /**
   * Room for a message of up to `length` bytes in a transmit frame: the offset in `bytes` to write it at, or -1 (back-pressure). Then
   * `commit`. No copy is made between here and the wire. The promise ends with the turn: write and commit before your handler returns, or
   * your code awaits, polls or returns to the event loop. After that the frame has left, or is another's, and `commit` throws. Another
   * `reserve` takes the place of one that was not committed.
   * @throws ERR_EMP_CLOSED, ERR_EMP_MESSAGE_TOO_LONG (more than `maxFrameMessage`)
   */
  reserve(length: number): number {
    if (!this.#core.isOpen || this.#ending) throw this.#notWritable();
    if (!Number.isInteger(length) || length < 0) {
      throw new ArgumentError(`reserve() takes a length in bytes, a whole number, not ${describe(length)}.`);
    }
    this.#loop.enter();
    const offset = this.#core.sender.reserve(length);
    // Even if nothing is committed: the end of the turn takes the frame back.
    this.#core.owner.touch(this.#core);
    return offset;
  }

  /**
   * Sends the first `length` bytes of what was reserved in this turn.
   * @throws ERR_EMP_CLOSED, ERR_EMP_ARGUMENT (nothing, or less, is reserved)
   */
  commit(length: number, type = 0): void {
    if (!this.#core.isOpen || this.#ending) throw this.#notWritable();
    checkType(type);
    this.#loop.enter();
    this.#core.sender.commit(length, type);
    this.#core.owner.touch(this.#core);
  }

  /** Sends one message, waiting for room; settles when `bytes` may be changed again. Calls are served in order. */
  async write(bytes: Uint8Array, type = 0): Promise<void> {
    if (!this.writable) throw this.#notWritable();
    checkMessage(bytes, type);
    const taken = this.#writes === 0 && this.#submit(bytes, type);
    if (taken && !this.#core.sender.reading) return this.#loop.rest();
    this.#writes++;
    const mine = this.#finishWrite(this.#lastWrite, taken, bytes, type).finally(() => this.#writes--);
    this.#lastWrite = mine.catch(nothing);
    return mine;
  }

  async #finishWrite(before: Promise<void>, taken: boolean, bytes: Uint8Array, type: number): Promise<void> {
    await before;
    while (!taken) {
      if (!this.#core.isOpen) throw this.#info?.error ?? this.#notWritable();
      taken = this.#submit(bytes, type);
      if (!taken) await this.#room();
    }
    while (this.#core.isOpen && this.#core.sender.reading) await this.#room();
    if (this.#info?.error !== undefined) throw this.#info.error;
  }

  /** Settles at the next `writable`, or the end of the channel. */
  #room(): Promise<void> {
    this.#core.sender.blocked = true;
    return new Promise((resolve) => this.#writeWaiters.push(resolve));
  }

  /**
   * Sends no more than what is being written; the peer may go on (half-close). Settles when everything was delivered to the peer's
   * application: its handler has returned, or its iterator has it.
   * @throws the error that ended the channel before that
   */
  end(): Promise<void> {
    if (this.#endDelivered) return Promise.resolve();
    if (this.#info !== undefined) {
      return this.#info.error === undefined ? Promise.resolve() : Promise.reject(this.#info.error);
    }
    this.#endSide();
    const delivered = new Promise<void>((resolve, reject) => this.#endWaiters.push({ resolve, reject }));
    // Who does not wait for it hears of an error by `closed`: no unhandled rejection.
    delivered.catch(nothing);
    return delivered;
  }

  #endSide(): void {
    if (this.#ending || this.#info !== undefined) return;
    this.#ending = true;
    if (this.#writes === 0) this.#sendEnd();
    else void this.#lastWrite.then(() => this.#sendEnd());
  }

  #sendEnd(): void {
    this.#loop.enter();
    this.#core.end();
  }

  /**
   * Ends this side and waits for the peer to end its own. Messages that still arrive go to the handler or iterator; if there is neither,
   * the channel is aborted instead, so that the peer learns that they were not delivered.
   */
  close(): Promise<CloseInfo> {
    if (this.#info === undefined) {
      this.#endSide();
      if (!this.#inbox.attached) this.#inbox.setHandler(() => this.abort());
    }
    return this.closed;
  }

  /** Ends the channel at once, both ways. What was not delivered is not; the peer gets `ERR_EMP_PEER_ABORTED`. */
  abort(): void {
    this.#loop.enter();
    this.#core.fail('aborted');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {});
  }

  /**
   * The iterator face: each message as a copy of its own. Ends when the peer ends its side; throws the channel's error otherwise.
   * Leaving the loop early stops reading (the peer is held back); a later loop goes on where this one stopped.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.#inbox.iterate();
  }

  /** Counters by name: frames, bytes, messages, resends by cause, duplicates, back-pressure. */
  counters(): Record<keyof typeof ChannelCounter, number> {
    return named(ChannelCounter, this.#core.link.counters);
  }

  #resume(): void {
    this.#loop.enter();
    this.#core.resume();
  }

  #notWritable(): ChannelError {
    const cause = this.#info?.error;
    const why = this.#ending ? 'this side has ended it' : this.#info === undefined ? 'it is not open' : 'it has ended';
    return new ChannelError('ERR_EMP_CLOSED', `The channel to ${this.#core.name} takes no messages: ${why}.`, {
      remedy: 'Connect again to send more.',
      cause,
      reason: this.#info?.reason,
    });
  }

  /** @internal What the protocol tells; `opened` is the business of whoever made the channel. */
  events(opened: () => void, failed: (error: EmpError) => void): ChannelEvents {
    return new Events(this, this.#inbox, opened, failed);
  }

  /** @internal */
  pauseUntilRead(): void {
    if (!this.#inbox.attached) this.#core.pause();
  }

  /** @internal */
  tellWritable(): void {
    const waiters = this.#writeWaiters;
    if (waiters.length > 0) {
      this.#writeWaiters = [];
      for (const resolve of waiters) resolve();
      this.#loop.yield();
      // The writes that waited come first.
      this.#core.sender.blocked = true;
      return;
    }
    this.onWritable?.();
  }

  /** @internal */
  tellPeerEnded(): void {
    this.#inbox.end(undefined);
    this.onEnd?.();
    // Not before the reader has come to the end: a loop that answers each message may be far behind.
    if (!this.#allowHalfOpen) this.#inbox.whenRead(() => this.#endSide());
  }

  /** @internal */
  tellEnded(): void {
    this.#endDelivered = true;
    for (const { resolve } of this.#endWaiters) resolve();
    this.#endWaiters = [];
    this.#loop.yield();
  }

  /** @internal */
  tellClosed(reason: CloseReason, error: EmpError | undefined): void {
    this.#info = { reason, error };
    this.#inbox.end(error);
    for (const { resolve, reject } of this.#endWaiters) {
      if (error === undefined) resolve();
      else reject(error);
    }
    this.#endWaiters = [];
    for (const resolve of this.#writeWaiters) resolve();
    this.#writeWaiters = [];
    this.#resolveClosed(this.#info);
    this.#loop.yield();
    // Nobody looks: a fault of the application must not pass in silence.
    if (reason === 'handler' && this.onClose === undefined) warnOfHandler('A handler of a channel', error?.cause);
    try {
      this.onClose?.(this.#info);
    } catch (thrown) {
      warnOfHandler('onClose', thrown);
    }
  }
}

function nothing(): void {}

interface PromiseWithResolversLike {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Joins a channel of the protocol to the `Channel` the application sees. */
class Events implements ChannelEvents {
  #isOpen = false;
  constructor(
    readonly channel: Channel,
    readonly inbox: Inbox,
    readonly whenOpened: () => void,
    readonly whenFailed: (error: EmpError) => void,
  ) {}

  opened(): void {
    this.#isOpen = true;
    this.channel.pauseUntilRead();
    this.whenOpened();
  }
  get wantsFragments(): boolean {
    return this.channel.onFragment !== undefined;
  }
  fragment(bytes: Uint8Array, offset: number, length: number, position: number, total: number, type: number): void {
    this.channel.onFragment?.(bytes, offset, length, position, total, type);
  }
  message(bytes: Uint8Array, offset: number, length: number, type: number): void {
    this.inbox.message(bytes, offset, length, type);
  }
  writable(): void {
    this.channel.tellWritable();
  }
  peerEnded(): void {
    this.channel.tellPeerEnded();
  }
  ended(): void {
    this.channel.tellEnded();
  }
  closed(reason: CloseReason, error: EmpError | undefined): void {
    this.channel.tellClosed(reason, error);
    if (!this.#isOpen && error !== undefined) this.whenFailed(error);
  }
}
