import { ArgumentError, describe } from '../errors.js';

/** What `onResend` is told before a resend (E4). */
export interface ResendInfo {
  /** How many timeouts in a row, this one included. */
  readonly attempts: number;
  /** Frames sent and not acknowledged. */
  readonly outstanding: number;
  /** How long nothing at all was heard of the peer, µs. */
  readonly silence: number;
}

export interface ChannelOptions {
  /** Frames under way at most (E3), and frames this end has room for. A power of two, 2..4096. Default 256. */
  window?: number;
  /** Longest message this end takes, bytes. 0..1 GiB, default 16 MiB. */
  maxMessage?: number;
  /** Check every payload, both ways, end to end. Default false. */
  payloadCheck?: boolean;
  /** Retransmission timeout before the first measurement and its bounds, ms. Defaults 50, 5, 1000. */
  initialRto?: number;
  minRto?: number;
  maxRto?: number;
  /** An idle channel asks its peer for a sign of life after this long, ms. Default 1000. */
  keepAlive?: number;
  /** A peer of which nothing was heard for so long, in spite of resends or probes, is unreachable, ms. Default 10 000. */
  peerTimeout?: number;
  /** How long `connect` tries, ms. Default 5000. */
  connectTimeout?: number;
  /**
   * What keeps a channel from filling the queues on its way: `delay` (default), which holds the delay near `targetDelay`, or `fixed`, the
   * paper's, always the whole window.
   */
  congestion?: 'delay' | 'fixed';
  /** Time that frames may spend in queues, ms, for `delay`. Default 0.25. */
  targetDelay?: number;
  /** The resend decision (E4): called at each timeout; false gives the channel up (`ERR_EMP_GAVE_UP`). */
  onResend?: (info: ResendInfo) => boolean;
}

export const MAX_MESSAGE = 1024 * 1024 * 1024;
const DEFAULT_MAX_MESSAGE = 16 * 1024 * 1024;
const MS = 1000;

/** Options with their defaults, times in µs. */
export interface ChannelSettings {
  readonly window: number;
  readonly maxMessage: number;
  readonly payloadCheck: boolean;
  readonly rto: { readonly initial: number; readonly min: number; readonly max: number };
  readonly keepAlive: number;
  readonly peerTimeout: number;
  readonly connectTimeout: number;
  readonly congestion: 'delay' | 'fixed';
  readonly targetDelay: number;
  readonly onResend: ((info: ResendInfo) => boolean) | undefined;
}

export function resolveChannelOptions(options: ChannelOptions = {}): ChannelSettings {
  const window = options.window ?? 256;
  if (!Number.isInteger(window) || window < 2 || window > 4096 || (window & (window - 1)) !== 0) {
    throw new ArgumentError(`window is ${describe(window)}; it must be a power of two from 2 to 4096 (frames).`);
  }
  const initial = milliseconds('initialRto', options.initialRto, 50);
  const min = milliseconds('minRto', options.minRto, 5);
  const max = milliseconds('maxRto', options.maxRto, 1000);
  if (min > max) throw new ArgumentError(`minRto (${min / MS} ms) is larger than maxRto (${max / MS} ms).`);
  if (options.onResend !== undefined && typeof options.onResend !== 'function') {
    throw new ArgumentError(`onResend is ${describe(options.onResend)}; it must be a function that returns a boolean.`);
  }
  const payloadCheck = options.payloadCheck ?? false;
  if (typeof payloadCheck !== 'boolean') {
    throw new ArgumentError(`payloadCheck is ${describe(payloadCheck)}; it must be true or false.`);
  }
  const congestion = options.congestion ?? 'delay';
  if (congestion !== 'delay' && congestion !== 'fixed') {
    throw new ArgumentError(`congestion is '${String(congestion)}'; it must be 'delay' or 'fixed'.`);
  }
  return {
    window,
    congestion,
    targetDelay: milliseconds('targetDelay', options.targetDelay, 0.25),
    maxMessage: integer('maxMessage', options.maxMessage, DEFAULT_MAX_MESSAGE, 0, MAX_MESSAGE),
    payloadCheck,
    rto: { initial: Math.min(Math.max(initial, min), max), min, max },
    keepAlive: milliseconds('keepAlive', options.keepAlive, 1000),
    peerTimeout: milliseconds('peerTimeout', options.peerTimeout, 10_000),
    connectTimeout: milliseconds('connectTimeout', options.connectTimeout, 5000),
    onResend: options.onResend,
  };
}

function milliseconds(name: string, value: number | undefined, fallback: number): number {
  const ms = value ?? fallback;
  if (typeof ms !== 'number' || !(ms >= 0.1) || ms > 86_400_000) {
    throw new ArgumentError(`${name} is ${describe(ms)}; it must be a time in ms, at least 0.1, at most a day.`);
  }
  return ms * MS;
}

function integer(name: string, value: number | undefined, fallback: number, min: number, max: number): number {
  const n = value ?? fallback;
  if (!Number.isInteger(n) || n < min || n > max) {
    throw new ArgumentError(`${name} is ${describe(n)}; it must be an integer from ${min} to ${max}.`);
  }
  return n;
}
