import type { EmpError } from '../errors.js';
import type { CloseReason } from './reasons.js';

export const ChannelState = {
  /** CONNECT was sent. */
  connecting: 0,
  /** ACCEPT was sent, the peer has not shown that it came. */
  accepting: 1,
  /** Messages flow, in both ways or (after an end) in one. */
  open: 2,
  /** Both ways have ended; late repeats of the peer's last frame are still acknowledged. */
  lingering: 3,
  closed: 4,
} as const;
export type ChannelStateValue = (typeof ChannelState)[keyof typeof ChannelState];

/** What the owner of a channel is told. Methods may call into the channel; `opened`, `ended` and `closed` must not throw. */
export interface ChannelEvents {
  opened(): void;
  /** A message, in place: valid during the call only. An exception ends the channel, not the host. */
  message(bytes: Uint8Array, offset: number, length: number, type: number): void;
  /** Whether a message of several frames that begins now is wanted piece by piece. */
  readonly wantsFragments: boolean;
  /** A piece of such a message, in place, from byte `position` of `total`. As `message`. */
  fragment(bytes: Uint8Array, offset: number, length: number, position: number, total: number, type: number): void;
  /** `send` said false before; now there is room. */
  writable(): void;
  /** The peer sends no more. */
  peerEnded(): void;
  /** Everything sent, the end included, was consumed by the peer. */
  ended(): void;
  /** The last event. `error` is undefined when the channel ended in peace. */
  closed(reason: CloseReason, error: EmpError | undefined): void;
}
