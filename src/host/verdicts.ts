import { NicError } from '../errors.js';
import type { LinkAddress } from '../nic/contract.js';
import { warnOfHandler } from './handlerWarning.js';
import type { ConnectionRequest, Listener } from './listener.js';

/** Why a host was closed by itself. */
export function hostError(reason: 'failed' | 'nic-lost', address: LinkAddress, cause: unknown): NicError {
  const what =
    reason === 'failed'
      ? `a turn of its loop threw (${cause instanceof Error ? cause.message : String(cause)})`
      : 'its network interface was closed under it';
  const remedy =
    reason === 'failed' ? 'The cause says why; open another host.' : 'Close the host instead, which closes its NIC.';
  return new NicError('ERR_EMP_NIC_FAILED', `The host at ${address} was closed: ${what}.`, { remedy, cause });
}

/** Whether a listener takes a connection; one that throws does not. */
export function wanted(listener: Listener, request: ConnectionRequest, opening: number): boolean | 'backlog' {
  try {
    return listener.wants(request, opening);
  } catch (error) {
    warnOfHandler('accept', error);
    return false;
  }
}
