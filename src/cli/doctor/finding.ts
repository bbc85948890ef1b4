import type { DriverName } from '../../nic/contract.js';
import type { Machine } from './machine.js';

/** fail: some driver cannot work. warn: it works, but less well than it could. info: good to know. */
export type Status = 'ok' | 'info' | 'warn' | 'fail';

export interface Finding {
  readonly check: string;
  readonly status: Status;
  readonly message: string;
  readonly remedy?: string;
  /** Drivers that cannot work because of it. */
  readonly blocks?: readonly DriverName[];
}

export type Check = (machine: Machine) => Finding | readonly Finding[];

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message });

export const info = (check: string, message: string, remedy?: string): Finding => ({
  check,
  status: 'info',
  message,
  ...(remedy === undefined ? {} : { remedy }),
});

export const warn = (check: string, message: string, remedy: string): Finding => ({
  check,
  status: 'warn',
  message,
  remedy,
});

export const fail = (check: string, message: string, remedy: string, blocks: readonly DriverName[]): Finding => ({
  check,
  status: 'fail',
  message,
  remedy,
  blocks,
});
