import { ChannelState } from '../channel/events.js';
import type { ChannelCore } from '../channel/core.js';
import { Engine } from '../channel/engine.js';
import { resolveChannelOptions } from '../channel/options.js';
import { closeError } from '../channel/reasons.js';
import { AbortError, ArgumentError, describe, EmpError } from '../errors.js';
import type { FaultCounts } from '../fault/model.js';
import { NIC_COUNTERS } from '../nic/contract.js';
import type { LinkAddress, Nic, NicInfo, NicOptions, NicState } from '../nic/contract.js';
import type { PathEvent, PathInfo } from '../path/events.js';
import { MultiNic } from '../path/multiNic.js';
import { checkBoolean, checkOptions } from './arguments.js';
import { Channel } from './channel.js';
import type { CloseInfo } from './channel.js';
import { callHandler } from './handlerWarning.js';
import { Listener, type ListenOptions } from './listener.js';
import { Loop, type WaitStrategy } from './loop.js';
import { HostNics } from './nics.js';
import { hostError, wanted } from './verdicts.js';
import { checkConnect, checkHostOptions, checkListen, checkOptionsOf, checkWait } from './options.js';
import type { ConnectOptions, HostChannelOptions, HostOptions } from './options.js';
import { random32 } from './random.js';
import { fixShapes } from './shapes.js';
import { countersOf, type HostCounters, type HostMemory } from './stat/hostMemory.js';
import { thisProcess, type Surroundings } from './surroundings.js';
import type { Clock } from '../channel/link.js';
import type { Timers } from './timers.js';

export type { ConnectOptions, ConnectSignal, HostChannelOptions, HostOptions } from './options.js';
export type { HostCounters } from './stat/hostMemory.js';

/** How long `close` waits for channels to end in peace, ms. */
const CLOSE_PATIENCE = 2000;

interface Machine {
  readonly memory: HostMemory;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly isReal: boolean;
  readonly nics: HostNics;
}

/**
 * A machine on the wire: one NIC, its run loop, its channels. It keeps the process alive until it is closed.
 */
export class Host implements AsyncDisposable {
  readonly nic: Nic;
  /** Told when the NIC's link goes up or down or the NIC is removed. */
  onState: ((state: NicState) => void) | undefined = undefined;
  /** Told when a path to a peer fails or works again, and when frames take another one. Only with a list of NICs. */
  onPath: ((event: PathEvent) => void) | undefined = undefined;
  /** Told once, last: when the host is closed, by `close` or because it failed. */
  onClose: ((info: CloseInfo) => void) | undefined = undefined;
  /** The same as a promise. Never rejects: `error` is undefined if it was closed by `close`. */
  readonly closed: Promise<CloseInfo>;

  /** Few fields are better than many: see `shapes.ts`. */
  readonly #machine: Machine;
  readonly #engine: Engine;
  readonly #loop: Loop;
  readonly #options: HostChannelOptions;
  readonly #listeners = new Map<number, Listener>();
  readonly #channels = new Set<Channel>();
  #closing: Promise<void> | undefined = undefined;
  /** How it ends, unless it fails. */
  #end: CloseInfo = { reason: 'ended', error: undefined };
  #resolveClosed!: (info: CloseInfo) => void;

  private constructor(nic: Nic, options: Omit<HostOptions, 'nic'>, surroundings: Surroundings, nics: HostNics) {
    this.nic = nic;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#options = { ...options.channel };
    const { random = random32, wait = 'adaptive' } = options;
    const { clock, timers, isReal } = surroundings;
    const memory = surroundings.memory(nic.info, wait);
    this.#machine = { memory, clock, timers, isReal, nics };
    nic.countIn(memory.nic);
    fixShapes(nic, memory);
    this.#engine = new Engine(nic, random, clock, memory);
    this.#loop = new Loop(nic, this.#engine, surroundings, memory, wait, (error) => this.#failed(error));
    nic.onState = (state) => this.#nicState(state);
    // Not in the middle of things: a handler may take a NIC away.
    const tell = (event: PathEvent) => timers.microtask(() => this.#tellPath(event));
    nics.watch(memory.paths, () => this.#loop.enter(), tell);
    this.#loop.start();
  }

  /**
   * Opens the NIC and starts the run loop.
   * @throws NicError of the driver; ERR_EMP_ARGUMENT
   */
  static async open(options: HostOptions): Promise<Host> {
    checkHostOptions(options);
    const surroundings = thisProcess();
    const nics = new HostNics(options);
    const nic = await nics.open(options, { clock: surroundings.clock, random: options.random ?? random32 });
    return new Host(nic, options, surroundings, nics);
  }

  /**
   * On a machine that is not this process: of the simulator.
   * @internal
   */
  static openIn(surroundings: Surroundings, open: () => Nic, options: Omit<HostOptions, 'nic'>): Host {
    checkOptionsOf(options);
    const nics = new HostNics({ tap: false });
    const nic = open();
    if (nic instanceof MultiNic) nics.multi = nic;
    return new Host(nic, options, surroundings, nics);
  }

  get info(): NicInfo {
    return this.nic.info;
  }

  /** This machine's address on the link; what peers pass to `connect`. */
  get address(): LinkAddress {
    return this.#machine.nics.multi?.address ?? this.nic.info.address;
  }

  /** The ways to all peers. Empty without a list of NICs. */
  get paths(): PathInfo[] {
    return this.#machine.nics.multi?.paths.list ?? [];
  }

  /**
   * Another NIC for a host that was opened with a list of NICs: peers hear of it, and frames may go by it.
   * @throws NicError of the driver; ERR_EMP_MTU if it takes shorter frames than the host sends; ERR_EMP_ARGUMENT
   */
  async addNic(nic: NicOptions | Nic): Promise<Nic> {
    this.#assertOpen();
    const opened = await this.#machine.nics.add(nic, () => this.#assertOpen());
    this.#loop.enter();
    return opened;
  }

  /**
   * Gives up a NIC of `nics` and closes it; what is under way by it goes again by another.
   * @throws ERR_EMP_ARGUMENT if it is none of them, or the last one
   */
  removeNic(nic: Nic): void {
    this.#assertOpen();
    this.#loop.enter();
    this.#machine.nics.remove(nic);
  }

  /** Those that it has now. */
  get nics(): Nic[] {
    return this.#machine.nics.multi?.nics ?? [this.nic];
  }

  /** What the faults that it was opened with have done so far. */
  get faults(): Readonly<FaultCounts> | undefined {
    return this.#machine.nics.faults;
  }

  /**
   * Opens a channel to a port of the host at `address`.
   * @throws ERR_EMP_ADDRESS, ERR_EMP_REFUSED, ERR_EMP_VERSION, ERR_EMP_TIMEOUT, ERR_EMP_ABORTED (by `signal`), ERR_EMP_CLOSED
   */
  async connect(address: LinkAddress, port: number, options: ConnectOptions = {}): Promise<Channel> {
    this.#assertOpen();
    checkConnect(address, port, options);
    const { signal, timeout, onMessage, ...rest } = options;
    const merged = { ...this.#options, ...rest, ...(timeout === undefined ? {} : { connectTimeout: timeout }) };
    const settings = resolveChannelOptions(merged);
    if (this.nic.state === 'removed') throw closeError('nic-lost', `${address} port ${port}`);
    const call = `connect(${address}, ${port})`;
    if (signal?.aborted === true) throw new AbortError(call, signal.reason);
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
          reject(
            signal?.aborted === true && error.code === 'ERR_EMP_ABORTED' ? new AbortError(call, signal.reason) : error,
          );
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
    checkListen(port, options);
    const merged = { ...this.#options, ...options };
    const settings = resolveChannelOptions(merged);
    const listener = new Listener(port, { ...options }, () => {
      this.#engine.handshakes.unlisten(port);
      this.#listeners.delete(port);
    });
    this.#engine.handshakes.listen(port, {
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

  /**
   * Waits for frames in another way from now on.
   * @throws ERR_EMP_ARGUMENT
   */
  waitBy(wait: WaitStrategy): void {
    checkWait(wait);
    this.#loop.waitBy(wait);
  }

  /** One turn of the run loop, for programs with a loop of their own. Returns the frames received. */
  poll(): number {
    if (!this.#loop.running) throw this.#isClosed();
    return this.#loop.poll();
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
    if (!this.#machine.isReal) {
      throw new ArgumentError('spin() lets no time pass in a simulated world.', {
        remedy: 'Await world.sleep() instead.',
      });
    }
    this.#loop.spin(until);
    if (!this.#loop.running) throw this.#isClosed();
  }

  /** The channels that are open or opening. */
  get channels(): Channel[] {
    return [...this.#channels];
  }

  /** What this host has counted, by name: its NIC, its loop, all its channels together. Each channel has its own. */
  counters(): HostCounters {
    void this.nic.counters; // the newest numbers of the kernel
    const channels = this.#engine.channels.map(({ link }) => link.counters);
    return countersOf(this.#machine.memory, channels);
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
    this.#endChannels('host-closed');
    await new Promise<void>((resolve) => {
      this.#loop.stop(() => {
        this.#release();
        this.#machine.memory.end();
        resolve();
      });
    });
    this.#resolveClosed(this.#end);
    callHandler('onClose', () => this.onClose?.(this.#end));
  }

  #release(): void {
    const { nic } = this;
    try {
      if (nic.state !== 'closed') nic.flush();
    } catch (error) {
      this.#note('failed', error);
    }
    try {
      nic.close();
    } catch (error) {
      this.#note('failed', error);
    }
    // The newest NIC of a driver outlives its host (`nic/open.ts`).
    nic.onState = undefined;
    nic.countIn(new Float64Array(NIC_COUNTERS));
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
    const { clock, timers } = this.#machine;
    clock.read();
    const deadline = clock.cell[0] + CLOSE_PATIENCE * 1000;
    while (this.#engine.channelCount > 0 && clock.cell[0] < deadline) {
      await new Promise<void>((resolve) => timers.timeout(resolve, 5));
      clock.read();
    }
  }

  /** A turn threw, or the NIC was closed under us: every channel hears of it, and the host is closed. */
  #failed(cause: unknown): void {
    const reason = this.nic.state === 'closed' ? 'nic-lost' : 'failed';
    this.#note(reason, cause);
    this.#endChannels(reason, cause);
    // Nobody looks: a fault must not pass in silence.
    if (this.onClose === undefined) process.emitWarning(this.#end.error!);
    void this.close({ force: true });
  }

  #endChannels(reason: 'host-closed' | 'failed' | 'nic-lost', cause?: unknown): void {
    for (const core of this.#engine.channels) {
      try {
        core.fail(reason, undefined, cause);
      } catch (error) {
        core.fail('nic-lost', undefined, error); // a NIC that takes no frame: the peer is not told
      }
    }
  }

  /** The first failure is the one that is told. */
  #note(reason: 'failed' | 'nic-lost', cause: unknown): void {
    if (this.#end.error === undefined) this.#end = { reason, error: hostError(reason, this.address, cause) };
  }

  #nicState(state: NicState): void {
    if (state === 'removed') {
      this.#loop.enter();
      for (const core of this.#engine.channels) core.fail('nic-lost');
    }
    callHandler('onState', () => this.onState?.(state));
  }

  #tellPath(event: PathEvent): void {
    if (this.#loop.running) callHandler('onPath', () => this.onPath?.(event));
  }

  #assertOpen(): void {
    if (this.#closing === undefined && this.nic.state !== 'closed') return;
    throw this.#isClosed();
  }

  #isClosed(): EmpError {
    const remedy = 'Open another one with Host.open().';
    return new EmpError('ERR_EMP_CLOSED', 'This host is closed.', { remedy, cause: this.#end.error });
  }
}

function nothing(): void {}
