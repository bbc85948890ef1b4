/** Payloads of the control frames: the handshake's parameters, and the reason of a refusal or a reset. */

/** The largest selective acknowledgement, bytes of bitmap: a window of 4096 frames. */
export const MAX_BITMAP = 512;
/** Bytes of the payload of CONNECT and ACCEPT. */
export const HANDSHAKE_BYTES = 20;

export interface Handshake {
  /** The service asked for: 32 bits. */
  port: number;
  /** Largest EMP frame the sender takes, bytes. */
  mtu: number;
  /** Frames the sender's receive window holds. */
  window: number;
  /** Highest version the sender speaks. */
  version: number;
  /** Every data frame, both ways, carries a payload check. */
  payloadCheck: boolean;
  /** The sender takes several frames in one frame of the link. */
  coalesces: boolean;
  /** Longest message the sender takes, bytes. */
  maxMessage: number;
}

/** Bits of the handshake's options. */
const Option = { payloadCheck: 1, coalesces: 2 } as const;

export function writeHandshake(view: DataView, at: number, h: Handshake): void {
  view.setUint32(at, h.port, true);
  view.setUint32(at + 4, h.maxMessage, true);
  view.setUint32(at + 8, h.mtu, true);
  view.setUint16(at + 12, h.window, true);
  view.setUint8(at + 14, h.version);
  view.setUint8(at + 15, (h.payloadCheck ? Option.payloadCheck : 0) | (h.coalesces ? Option.coalesces : 0));
  view.setUint32(at + 16, 0, true);
}

/** Undefined when the payload is no handshake. */
export function readHandshake(view: DataView, at: number, length: number): Handshake | undefined {
  if (length < HANDSHAKE_BYTES) return undefined;
  const options = view.getUint8(at + 15);
  return {
    port: view.getUint32(at, true),
    maxMessage: view.getUint32(at + 4, true),
    mtu: view.getUint32(at + 8, true),
    window: view.getUint16(at + 12, true),
    version: view.getUint8(at + 14),
    payloadCheck: (options & Option.payloadCheck) !== 0,
    coalesces: (options & Option.coalesces) !== 0,
  };
}

/** Why a CONNECT was refused. */
export const Refusal = {
  noListener: 1,
  refused: 2,
  version: 3,
  backlog: 4,
  parameters: 5,
} as const;

/** Why a channel was reset. */
export const ResetReason = {
  /** The receiver knows no such channel: it has restarted, or the channel has ended. */
  unknownChannel: 1,
  /** The application aborted it. */
  aborted: 2,
  /** A frame broke the protocol. */
  protocol: 3,
  messageTooLong: 4,
  /** The receiving application's handler threw. */
  handler: 5,
  hostClosed: 6,
  gaveUp: 7,
  /** The receiver's channel has ended in peace: it had delivered everything, the end included. */
  ended: 8,
} as const;

/** Bytes of the payload of REFUSE and RESET: reason, highest version spoken, one reserved. */
export const REASON_BYTES = 4;

export function writeReason(view: DataView, at: number, reason: number, version: number): void {
  view.setUint16(at, reason, true);
  view.setUint8(at + 2, version);
  view.setUint8(at + 3, 0);
}

export function readReason(view: DataView, at: number, length: number): number {
  return length >= 2 ? view.getUint16(at, true) : 0;
}

export function readReasonVersion(view: DataView, at: number, length: number): number {
  return length >= 3 ? view.getUint8(at + 2) : 0;
}
