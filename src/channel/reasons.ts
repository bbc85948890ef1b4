import { ChannelError } from '../errors.js';
import type { CloseReason, EmpErrorCode } from '../errors.js';
import { Refusal, ResetReason } from '../wire/control.js';

export type { CloseReason };

interface Explanation {
  code: EmpErrorCode;
  text: string;
  remedy: string;
}

const explanations: Record<Exclude<CloseReason, 'ended'>, Explanation> = {
  aborted: { code: 'ERR_EMP_ABORTED', text: 'was aborted on this side', remedy: 'Connect again.' },
  'peer-aborted': {
    code: 'ERR_EMP_PEER_ABORTED',
    text: 'was aborted by the application on the other side',
    remedy: 'Messages not yet acknowledged may not have been delivered; connect again.',
  },
  'peer-reset': {
    code: 'ERR_EMP_PEER_RESET',
    text: 'is unknown to the peer: it has restarted, or has ended the channel',
    remedy: 'Messages not yet acknowledged may not have been delivered; connect again.',
  },
  'peer-handler': {
    code: 'ERR_EMP_PEER_ABORTED',
    text: 'was aborted because the message handler on the other side threw',
    remedy: "Look at the peer's log.",
  },
  'peer-closed': {
    code: 'ERR_EMP_PEER_ABORTED',
    text: 'was aborted because the host on the other side was closed',
    remedy: 'Connect again when it is back.',
  },
  'peer-gave-up': {
    code: 'ERR_EMP_PEER_ABORTED',
    text: "was given up by the other side's resend decision",
    remedy: 'Look at the path between the machines; connect again.',
  },
  refused: {
    code: 'ERR_EMP_REFUSED',
    text: 'was refused by the application on the other side',
    remedy: 'Ask why on the other side.',
  },
  'no-listener': {
    code: 'ERR_EMP_REFUSED',
    text: 'was refused: nothing listens on that port',
    remedy: 'Start the service there, or check the port.',
  },
  backlog: {
    code: 'ERR_EMP_REFUSED',
    text: 'was refused: too many connections are being opened there',
    remedy: 'Try again a little later.',
  },
  version: {
    code: 'ERR_EMP_VERSION',
    text: 'was refused: the peer speaks another version of the protocol',
    remedy: 'Run the same release on both machines.',
  },
  parameters: {
    code: 'ERR_EMP_REFUSED',
    text: 'was refused: the peer could not agree to the parameters',
    remedy: 'Compare MTU, window and release on both machines.',
  },
  timeout: {
    code: 'ERR_EMP_TIMEOUT',
    text: 'could not be opened: the peer did not answer in time',
    remedy: 'Check the address, that a host is running there on this network, and the cable; `emp doctor` helps.',
  },
  unreachable: {
    code: 'ERR_EMP_UNREACHABLE',
    text: 'lost its peer: nothing was heard for longer than peerTimeout',
    remedy: 'Messages not yet acknowledged may not have been delivered; check the peer and the network, connect again.',
  },
  'gave-up': {
    code: 'ERR_EMP_GAVE_UP',
    text: 'was given up by the resend decision of this side',
    remedy: 'Messages not yet acknowledged may not have been delivered.',
  },
  protocol: {
    code: 'ERR_EMP_PEER_RESET',
    text: 'was ended because one side broke the protocol',
    remedy: 'Run the same release on both machines; report it if they are.',
  },
  'message-too-long': {
    code: 'ERR_EMP_MESSAGE_TOO_LONG',
    text: 'was ended because a message was longer than the receiver takes',
    remedy: 'Send less at a time or raise maxMessage on the receiving side.',
  },
  handler: {
    code: 'ERR_EMP_HANDLER',
    text: 'was ended because its handler threw',
    remedy: 'The cause is the exception; catch it in the handler.',
  },
  'host-closed': {
    code: 'ERR_EMP_CLOSED',
    text: 'was ended because its host was closed',
    remedy: 'Close channels before the host to let messages arrive.',
  },
  'no-memory': {
    code: 'ERR_EMP_NO_MEMORY',
    text: 'was ended because there was no memory for a message that was coming in',
    remedy: 'Lower maxMessage, or give the process more memory.',
  },
  failed: {
    code: 'ERR_EMP_NIC_FAILED',
    text: 'was ended because its host failed',
    remedy: 'The cause says why; open the host again, and report it if it is a fault of ours.',
  },
  'nic-lost': {
    code: 'ERR_EMP_NIC_FAILED',
    text: 'was ended because its network interface was removed',
    remedy: 'Open another host on an interface that is there (`emp nics` lists them).',
  },
};

/** The typed error for an end that was not peaceful. */
export function closeError(reason: Exclude<CloseReason, 'ended'>, channel: string, detail?: string, cause?: unknown) {
  const { code, text, remedy } = explanations[reason];
  const more = detail === undefined ? '' : ` (${detail})`;
  return new ChannelError(code, `The channel to ${channel} ${text}${more}.`, { remedy, cause, reason });
}

export function refusalReason(code: number): Exclude<CloseReason, 'ended'> {
  switch (code) {
    case Refusal.noListener:
      return 'no-listener';
    case Refusal.version:
      return 'version';
    case Refusal.backlog:
      return 'backlog';
    case Refusal.parameters:
      return 'parameters';
    default:
      return 'refused';
  }
}

/** What a RESET from the peer means here. */
export function resetReason(code: number): Exclude<CloseReason, 'ended'> {
  switch (code) {
    case ResetReason.aborted:
      return 'peer-aborted';
    case ResetReason.protocol:
      return 'protocol';
    case ResetReason.messageTooLong:
      return 'message-too-long';
    case ResetReason.handler:
      return 'peer-handler';
    case ResetReason.hostClosed:
      return 'peer-closed';
    case ResetReason.gaveUp:
      return 'peer-gave-up';
    default:
      return 'peer-reset';
  }
}

/** What this side tells the peer when it ends a channel for `reason`; undefined: nothing to tell. */
export function resetCode(reason: CloseReason): number | undefined {
  switch (reason) {
    case 'aborted':
      return ResetReason.aborted;
    case 'protocol':
      return ResetReason.protocol;
    case 'message-too-long':
      return ResetReason.messageTooLong;
    case 'handler':
      return ResetReason.handler;
    case 'host-closed':
    case 'failed':
      return ResetReason.hostClosed;
    case 'no-memory':
      return ResetReason.messageTooLong;
    case 'gave-up':
    case 'unreachable':
      return ResetReason.gaveUp;
    default:
      return undefined;
  }
}
