import { ChannelState } from '../channel/core.js';
import type { ChannelCore } from '../channel/core.js';
import { EngineCounter, named } from '../channel/counters.js';
import { Engine } from '../channel/engine.js';
import { resolveChannelOptions } from '../channel/options.js';
import type { ChannelOptions } from '../channel/options.js';
import { closeError } from '../channel/reasons.js';
import { ArgumentError, ChannelError, EmpError } from '../errors.js';
import { NicCounter } from '../nic/contract.js';
import type { LinkAddress, Nic, NicInfo, NicOptions, NicState } from '../nic/contract.js';
import { openNic } from '../nic/open.js';
import { Reject } from '../wire/header.js';
import { checkBoolean, checkFunction, checkOptions, describe } from './arguments.js';
import type { Names } from './arguments.js';
import { Channel } from './channel.js';
import { MonotonicClock, microseconds } from './clock.js';
import { warnOfHandler } from './handlerWarning.js';
import type { MessageHandler } from './inbox.js';
import { checkListenOptions, Listener } from './listener.js';
import type { ConnectionRequest, ListenOptions } from './listener.js';
import { Loop } from './loop.js';
import type { WaitStrategy } from './loop.js';
import { random32 } from './random.js';
import { TappedNic } from './tap/tappedNic.js';
import { tapWanted } from './tap/tapServer.js';

export interface HostChannelOptions extends ChannelOptions {
  /** False (default, as in node:net): when the peer has ended its side, this side ends too. */
  allowHalfOpen?: boolean;
}

export interface HostOptions {
  /** The NIC to open, or one that is open (it is closed with the host). */
  nic: NicOptions | Nic;
  /** How the host waits for frames. Default `adaptive`. */
  wait?: WaitStrategy;
  /** Defaults of all channels of this host. */
  channel?: HostChannelOptions;
  /** Lets `emp capture` see the frames. Default: whether EMP_TAP is set in the environment. */
  tap?: boolean;
  /** 32 random bits, for ids and sequence numbers. Default: the system's generator. For tests. */
  random?: () => number;
}

export interface ConnectOptions extends HostChannelOptions {
  signal?: AbortSignal;
  /** How long to try, ms. Default: `connectTimeout` of the channel options (5000). */
  timeout?: number;
  /** The callback face, set before the first message can arrive. */
  onMessage?: MessageHandler;
}

export interface HostCounters {
  nic: Record<keyof typeof NicCounter, number>;
  host: Record<keyof typeof EngineCounter, number>;
  /** Frames that could not be decoded, by reason. */
  rejected: Record<string, number>;
  channels: number;
}

const CHANNEL_OPTIONS: Names<HostChannelOptions> = {
  window: true,
  maxMessage: true,
  payloadCheck: true,
  initialRto: true,
  minRto: true,
  maxRto: true,
  keepAlive: true,
  peerTimeout: true,
  connectTimeout: true,
  onResend: true,
  allowHalfOpen: true,
};
const CONNECT_OPTIONS: Names<ConnectOptions> = { signal: true, timeout: true, onMessage: true, ...CHANNEL_OPTIONS };
const LISTEN_OPTIONS: Names<ListenOptions & HostChannelOptions> = {
  accept: true,
  onChannel: true,
  backlog: true,
  ...CHANNEL_OPTIONS,
};
const HOST_OPTIONS: Names<HostOptions> = { nic: true, wait: true, channel: true, tap: true, random: true };

/** How long `close` waits for channels to end in peace, ms. */
const CLOSE_PATIENCE = 2000;

/**
 * A machine on the wire: one NIC, its run loop, its channels. It keeps the process alive until it is closed.
 */
export class Host implements AsyncDisposable {
  readonly nic: Nic;
  /** Told when the NIC's link goes up or down or the NIC is removed. */
  onState: ((state: NicState) => void) | undefined = undefined;

  readonly #engine: Engine;
  readonly #loop: Loop;
  readonly #options: HostChannelOptions;
  readonly #listeners = new Map<number, Listener>();
  readonly #channels = new Set<Channel>();
  #closing: Promise<void> | undefined = undefined;

  private constructor(nic: Nic, options: HostOptions) {
    this.nic = nic;
    this.#options = { ...options.channel };
    const clock = new MonotonicClock();
    this.#engine = new Engine(nic, options.random ?? random32, clock);
    this.#loop = new Loop(nic, this.#engine, clock, options.wait ?? 'adaptive', (error) => this.#failed(error));
    nic.onState = (state) => this.#nicState(state);
    this.#loop.start();
  }

  /**
   * Opens the NIC and starts the run loop.
   * @throws NicError of the driver; ERR_EMP_ARGUMENT
   */
  static async open(options: HostOptions): Promise<Host> {
    if (typeof options !== 'object' || options === null || typeof options.nic !== 'object' || options.nic === null) {
      throw new ArgumentError("Host.open() needs { nic: { driver: 'xdp' | 'packet' | 'udp' | 'memory', ... } }.");
    }
    checkOptions('Host.open()', options, HOST_OPTIONS);
    const { wait, channel, tap, random } = options;
    checkFunction('random', random, '() => number, of 32 random bits');
    checkBoolean('tap', tap);
    if (wait !== undefined && wait !== 'spin' && wait !== 'event' && wait !== 'adaptive') {
      throw new ArgumentError(`wait is '${String(wait)}'; it must be 'spin', 'event' or 'adaptive'.`);
    }
    if (channel !== undefined) {
      checkOptions('channel of Host.open()', channel, CHANNEL_OPTIONS);
      checkBoolean('allowHalfOpen', channel.allowHalfOpen);
      resolveChannelOptions(channel);
    }
    const nic = isNic(options.nic) ? options.nic : openNic(options.nic);
    return new Host((tap ?? tapWanted()) ? await TappedNic.wrap(nic) : nic, options);
  }

  get info(): NicInfo {
    return this.nic.info;
  }

  /** This machine's address on the link; what peers pass to `connect`. */
  get address(): LinkAddress {
    return this.nic.info.address;
  }

  /**
   * Opens a channel to a port of the host at `address`.
   * @throws ERR_EMP_ADDRESS, ERR_EMP_REFUSED, ERR_EMP_VERSION, ERR_EMP_TIMEOUT, ERR_EMP_ABORTED (by `signal`), ERR_EMP_CLOSED
   */
  async connect(address: LinkAddress, port: number, options: ConnectOptions = {}): Promise<Channel> {
    this.#assertOpen();
    checkAddress(address);
    checkPort(port);
    checkConnectOptions(options);
    const { signal, timeout, onMessage, ...rest } = options;
    const merged = { ...this.#options, ...rest, ...(timeout === undefined ? {} : { connectTimeout: timeout }) };
    const settings = resolveChannelOptions(merged);
    if (this.nic.state === 'removed') throw closeError('nic-lost', `${address} port ${port}`);
    if (signal?.aborted === true) throw aborted(address, port, signal.reason);
    this.#loop.enter();
    return new Promise<Channel>((resolve, reject) => {
      const onAbort = () => core.fail('aborted', undefined, signal?.reason);
      const settled = () => {
        signal?.removeEventListener('abort', onAbort);
        this.#loop.yield();
      };
      const core: ChannelCore = this.#engine.create(address, port, settings);
      const channel = this.#channel(core, merged.allowHalfOpen ?? false);
      if (onMessage !== undefined) channel.onMessage = onMessage;
      core.events = channel.events(
        () => {
          settled();
          resolve(channel);
        },
        (error) => {
          settled();
          reject(error);
        },
      );
      signal?.addEventListener('abort', onAbort, { once: true });
      core.connect();
    });
  }

  /**
   * Takes connections to a port (32 bits).
   * @throws ERR_EMP_PORT_IN_USE
   */
  listen(port: number, options: ListenOptions & HostChannelOptions = {}): Listener {
    this.#assertOpen();
    checkPort(port);
    checkOptions('listen()', options, LISTEN_OPTIONS);
    checkListenOptions(options);
    checkBoolean('allowHalfOpen', options.allowHalfOpen);
    const merged = { ...this.#options, ...options };
    const settings = resolveChannelOptions(merged);
    const listener = new Listener(port, { ...options }, () => {
      this.#engine.unlisten(port);
      this.#listeners.delete(port);
    });
    this.#engine.listen(port, {
      settings,
      accept: (request, opening) => wanted(listener, request, opening),
      accepted: (core) => this.#accepted(core, listener, merged.allowHalfOpen ?? false),
    });
    this.#listeners.set(port, listener);
    return listener;
  }

  #accepted(core: ChannelCore, listener: Listener, allowHalfOpen: boolean): void {
    const channel = this.#channel(core, allowHalfOpen);
    core.events = channel.events(nothing, nothing);
    try {
      listener.take(channel);
    } catch (error) {
      core.fail('handler', 'onChannel', error);
    }
    this.#loop.yield();
  }

  #channel(core: ChannelCore, allowHalfOpen: boolean): Channel {
    const channel = new Channel(core, this.#loop, allowHalfOpen);
    this.#channels.add(channel);
    void channel.closed.then(() => this.#channels.delete(channel));
    return channel;
  }

  /** One turn of the run loop, for programs with a loop of their own. Returns the frames received. */
  poll(): number {
    if (!this.#loop.running) throw hostClosed();
    return this.#loop.turn();
  }

  /**
   * Turns without pause until `until` returns true. Nothing else of this thread runs meanwhile.
   * @throws ERR_EMP_CLOSED when the host is closed before that; ERR_EMP_ARGUMENT in a handler
   */
  spin(until: () => boolean): void {
    if (typeof until !== 'function') {
      throw new ArgumentError(`spin() was given ${describe(until)}; expected a function.`, {
        remedy: 'Pass () => boolean: it spins until that is true.',
      });
    }
    this.#loop.spin(until);
    if (!this.#loop.running) throw hostClosed();
  }

  /** Counters by name, of the NIC and of frames that reached no channel; each channel has its own. */
  counters(): HostCounters {
    return {
      nic: named(NicCounter, this.nic.counters),
      host: named(EngineCounter, this.#engine.counters),
      rejected: named(Reject, this.#engine.rejects),
      channels: this.#engine.channelCount,
    };
  }

  /**
   * Ends the channels in peace, as far as the peers let it within two seconds (`force`: not at all), then closes the NIC. Idempotent.
   */
  async close(options: { force?: boolean } = {}): Promise<void> {
    checkOptions('close()', options, { force: true });
    checkBoolean('force', options.force);
    this.#closing ??= this.#close(options.force ?? false);
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(force: boolean): Promise<void> {
    for (const listener of [...this.#listeners.values()]) listener.close();
    if (!force && this.nic.state !== 'removed' && this.nic.state !== 'closed') await this.#drain();
    for (const core of this.#engine.channels) core.fail('host-closed');
    await new Promise<void>((resolve) => {
      this.#loop.stop(() => {
        if (this.nic.state !== 'closed') {
          this.nic.flush();
          this.nic.close();
        }
        resolve();
      });
    });
  }

  /** Waits until every channel has ended and lingered, or patience has run out. */
  async #drain(): Promise<void> {
    const cores = this.#engine.channels;
    if (cores.length === 0) return;
    for (const core of cores) {
      core.hostClosing = true;
      if (core.state < ChannelState.open) core.fail('host-closed');
    }
    for (const channel of this.#channels) void channel.close();
    this.#loop.enter();
    const deadline = microseconds() + CLOSE_PATIENCE * 1000;
    while (this.#engine.channelCount > 0 && microseconds() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** A turn threw, or the NIC was closed under us: every channel hears of it, and the host is closed. */
  #failed(error: unknown): void {
    const reason = this.nic.state === 'closed' ? 'nic-lost' : 'failed';
    for (const core of this.#engine.channels) core.fail(reason, undefined, error);
    if (reason === 'failed') warnOfHandler('turn', error);
    void this.close({ force: true });
  }

  #nicState(state: NicState): void {
    if (state === 'removed') {
      this.#loop.enter();
      for (const core of this.#engine.channels) core.fail('nic-lost');
    }
    try {
      this.onState?.(state);
    } catch (error) {
      warnOfHandler('onState', error);
    }
  }

  #assertOpen(): void {
    if (this.#closing === undefined && this.nic.state !== 'closed') return;
    throw hostClosed();
  }
}

function hostClosed(): EmpError {
  return new EmpError('ERR_EMP_CLOSED', 'This host is closed.', { remedy: 'Open another one with Host.open().' });
}

function isNic(nic: NicOptions | Nic): nic is Nic {
  return 'receive' in nic && typeof nic.receive === 'function';
}

function wanted(listener: Listener, request: ConnectionRequest, opening: number): boolean | 'backlog' {
  try {
    return listener.wants(request, opening);
  } catch (error) {
    warnOfHandler('accept', error);
    return false;
  }
}

function checkAddress(address: string): void {
  if (typeof address === 'string' && address !== '') return;
  throw new ArgumentError(`The address is ${describe(address)}; expected the address of a host, as text.`, {
    remedy: 'Pass what `host.address` says there.',
  });
}

function checkConnectOptions(options: ConnectOptions): void {
  checkOptions('connect()', options, CONNECT_OPTIONS);
  const { signal, timeout, onMessage, allowHalfOpen } = options;
  checkFunction('onMessage', onMessage, '(bytes, offset, length, type) => void');
  checkBoolean('allowHalfOpen', allowHalfOpen);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new ArgumentError(`signal is ${describe(signal)}; expected an AbortSignal.`, {
      remedy: 'Pass the signal of an AbortController, or AbortSignal.timeout(ms).',
    });
  }
  if (timeout !== undefined && typeof timeout !== 'number') {
    throw new ArgumentError(`timeout is ${describe(timeout)}; expected a number.`, { remedy: 'Pass a time in ms.' });
  }
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 0xffffffff) {
    throw new ArgumentError(`The port is ${String(port)}; it must be an integer from 0 to 4294967295.`);
  }
}

function aborted(address: string, port: number, cause: unknown): ChannelError {
  return new ChannelError('ERR_EMP_ABORTED', `connect(${address}, ${port}) was aborted by its signal.`, { cause });
}

function nothing(): void {}
