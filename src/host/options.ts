import type { ChannelOptions } from '../channel/options.js';
import { resolveChannelOptions } from '../channel/options.js';
import { ArgumentError, describe } from '../errors.js';
import { checkFaults } from '../fault/faults.js';
import type { Faults } from '../fault/faults.js';
import type { Nic, NicOptions } from '../nic/contract.js';
import { checkBoolean, checkFunction, checkOptions } from './arguments.js';
import type { Names } from './arguments.js';
import type { MessageHandler } from './inbox.js';
import { resolvePathOptions } from '../path/options.js';
import type { PathOptions } from '../path/options.js';
import { MOST_ADDRESSES } from '../wire/path.js';
import { checkListenOptions } from './listener.js';
import type { ListenOptions } from './listener.js';
import type { WaitStrategy } from './loop.js';

/** What may be asked of a host, and the checks of it. */

export interface HostChannelOptions extends ChannelOptions {
  /** False (default, as in node:net): when the peer has ended its side, this side ends too. */
  allowHalfOpen?: boolean;
}

export interface HostOptions {
  /**
   * The NIC to open, or one that is open (it is closed with the host). A list, of one to eight, the preferred ones first: the host reaches peers that
   * have a list, too, by whichever NICs work (rows A8, A12; docs/paths.md).
   */
  nic: NicOptions | Nic | readonly (NicOptions | Nic)[];
  /** How several NICs are used. Only with a list of NICs. */
  paths?: PathOptions;
  /** How the host waits for frames. Default `adaptive`. */
  wait?: WaitStrategy;
  /** Defaults of all channels of this host. */
  channel?: HostChannelOptions;
  /** What happens to the frames that the NIC receives, for tests: they are lost, doubled, late, damaged, by a seed (row A7). */
  faults?: Faults;
  /** Lets `emp capture` see the frames. Default: whether EMP_TAP is set in the environment. */
  tap?: boolean;
  /** 32 random bits, for ids and sequence numbers. Default: the system's generator. For tests. */
  random?: () => number;
}

/**
 * The type AbortSignal of the project that imports this, of @types/node or of the DOM: so the declarations need neither. Who has neither
 * has no signal to pass.
 */
export type ConnectSignal = typeof globalThis extends { AbortSignal: { prototype: infer Type } } ? Type : never;

export interface ConnectOptions extends HostChannelOptions {
  /** Ends the attempt (`AbortError`). Once the channel is open it has no effect. */
  signal?: ConnectSignal;
  /** How long to try, ms. Default: `connectTimeout` of the channel options (5000). */
  timeout?: number;
  /** The callback face, set before the first message can arrive. */
  onMessage?: MessageHandler;
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
  congestion: true,
  targetDelay: true,
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
/** What a NIC of the application's own must be able to do. */
const NIC_METHODS: Names<MethodsOf<Nic>> = {
  countIn: true,
  alloc: true,
  free: true,
  send: true,
  inFlight: true,
  flush: true,
  receive: true,
  hold: true,
  keep: true,
  recycle: true,
  source: true,
  peer: true,
  forget: true,
  watch: true,
  unwatch: true,
  close: true,
};
const HOST_OPTIONS: Names<HostOptions> = {
  nic: true,
  paths: true,
  wait: true,
  channel: true,
  faults: true,
  tap: true,
  random: true,
};

type MethodsOf<Type> = {
  [Name in keyof Type as Type[Name] extends (...values: never[]) => unknown ? Name : never]: Type[Name];
};

/** Whether it is a NIC that is open, not the options of one. Throws ERR_EMP_ARGUMENT if it is one in part. */
export function isNic(nic: NicOptions | Nic): nic is Nic {
  if (!('receive' in nic)) return false;
  const missing = Object.keys(NIC_METHODS).filter((name) => typeof Reflect.get(nic, name) !== 'function');
  if (missing.length === 0) return true;
  throw new ArgumentError(`nic has receive(), but not ${missing.join('(), ')}().`, {
    remedy: 'Pass what openNic() returned, an object with all that Nic has, or options with a driver.',
  });
}

export function checkHostOptions(options: HostOptions): void {
  if (typeof options !== 'object' || options === null || typeof options.nic !== 'object' || options.nic === null) {
    throw new ArgumentError("Host.open() needs { nic: { driver: 'xdp' | 'packet' | 'udp' | 'memory', ... } }.");
  }
  checkOptions('Host.open()', options, HOST_OPTIONS);
  checkOptionsOf(options);
  const { nic, paths } = options;
  if (!Array.isArray(nic)) return checkNoPaths(paths);
  checkNics(nic);
}

export function checkNic(nic: unknown): void {
  if (typeof nic === 'object' && nic !== null) return;
  throw new ArgumentError(`A NIC is ${describe(nic)}; expected its options, or an open NIC.`, {
    remedy: "Pass { driver: 'xdp' | 'packet' | 'udp' | 'memory', ... }.",
  });
}

function checkNics(nics: readonly unknown[]): void {
  if (nics.length < 1 || nics.length > MOST_ADDRESSES) {
    throw new ArgumentError(`nic is a list of ${nics.length}; expected one to ${MOST_ADDRESSES} NICs.`, {
      remedy: 'Pass the options of each NIC, the preferred ones first.',
    });
  }
  nics.forEach(checkNic);
}

/** One NIC has no paths to choose from, and does not answer those who do. */
export function checkNoPaths(paths: PathOptions | undefined): void {
  if (paths === undefined) return;
  throw new ArgumentError('paths was given, but nic is not a list.', {
    remedy: 'Pass a list of NICs, nic: [...]; it may have one element.',
  });
}

/** All but the NIC. */
export function checkOptionsOf(options: Omit<HostOptions, 'nic'>): void {
  const { wait, channel, faults, tap, random, paths } = options;
  if (paths !== undefined) resolvePathOptions(paths);
  checkFunction('random', random, '() => number, of 32 random bits');
  checkBoolean('tap', tap);
  if (wait !== undefined) checkWait(wait);
  if (faults !== undefined) checkFaults(faults);
  if (channel === undefined) return;
  checkOptions('channel of Host.open()', channel, CHANNEL_OPTIONS);
  checkBoolean('allowHalfOpen', channel.allowHalfOpen);
  resolveChannelOptions(channel);
}

export function checkWait(wait: WaitStrategy): void {
  if (wait === 'spin' || wait === 'event' || wait === 'adaptive') return;
  throw new ArgumentError(`wait is ${describe(wait)}; expected 'spin', 'event' or 'adaptive'.`);
}

export function checkListen(port: number, options: ListenOptions & HostChannelOptions): void {
  checkPort(port);
  checkOptions('listen()', options, LISTEN_OPTIONS);
  checkListenOptions(options);
  checkBoolean('allowHalfOpen', options.allowHalfOpen);
}

export function checkConnect(address: string, port: number, options: ConnectOptions): void {
  checkAddress(address);
  checkPort(port);
  checkConnectOptions(options);
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
  if (Number.isInteger(port) && port >= 0 && port <= 0xffffffff) return;
  throw new ArgumentError(`The port is ${describe(port)}; expected a whole number from 0 to 4294967295.`, {
    remedy: 'Pass the number that the other side listens on.',
  });
}
