import { NicError } from '../errors.js';

/** What every driver says of a wrong call. */

export function closedError(): NicError {
  return new NicError('ERR_EMP_CLOSED', 'This NIC is closed.', { remedy: 'Open another one.' });
}

export function tooLong(length: number, mtu: number): NicError {
  return new NicError('ERR_EMP_MESSAGE_TOO_LONG', `A frame of ${length} bytes does not fit: the MTU is ${mtu}.`, {
    remedy: `Send ${mtu} bytes or less, or open the NIC with a larger mtu.`,
  });
}
