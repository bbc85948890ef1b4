/** What a simulated NIC is like, and how it fails. */
import { checkOptions, type Names } from '../host/arguments.js';
import { SMALLEST_MTU } from '../nic/options.js';
import { checkCount } from './arguments.js';

/** What a NIC is plugged into. */
export interface Medium {
  /** Virtual time of whoever sends now, µs. */
  readonly now: number;
  /** The bytes are a copy. */
  carry(bytes: Uint8Array, from: string, to: string): void;
  /** Has the machine of the NIC run something, when it can. */
  soon(run: () => void): void;
  /** The addresses that there are; undefined: anything may be one. */
  addresses?(): string[];
}

/** How a NIC fails without a word: it neither sends nor receives; does not send; does not receive; its transmit ring is full for ever. */
export type Failure = 'none' | 'dead' | 'mute' | 'deaf' | 'full';
export const FAILURES: readonly Failure[] = ['none', 'dead', 'mute', 'deaf', 'full'];

/** How a NIC makes life hard for the protocol, within the contract. Probabilities; times in µs. */
export interface Temper {
  /** `send` says that the ring is full. */
  busy: number;
  /** `hold` finds no memory; `hold` copies. */
  holdFails: number;
  holdCopies: number;
  /** How long, at most, the kernel may read a frame after `flush`. */
  inFlight: number;
}
export const GENTLE: Temper = { busy: 0, holdFails: 0, holdCopies: 0, inFlight: 0 };

export interface SimNicOptions {
  /** Bytes of the largest EMP frame. Default 1500. */
  mtu?: number;
  /** Frames to send from, and to receive into. Default 1024 each. */
  txFrames?: number;
  rxFrames?: number;
  /** Entries of the transmit ring. Default 256. */
  ring?: number;
  /** Frames that are received at once, at most 64. */
  burst?: number;
  /** What is left out is 0. */
  temper?: Partial<Temper>;
}

const OPTIONS: Names<SimNicOptions> = {
  mtu: true,
  txFrames: true,
  rxFrames: true,
  ring: true,
  burst: true,
  temper: true,
};
const TEMPER: Names<Temper> = { busy: true, holdFails: true, holdCopies: true, inFlight: true };

/** @throws ERR_EMP_ARGUMENT */
export function checkNicOptions(options: SimNicOptions): void {
  checkOptions('nic', options, OPTIONS);
  const { mtu, txFrames, rxFrames, ring, burst, temper } = options;
  checkCount('mtu', mtu, SMALLEST_MTU, 65535);
  checkCount('txFrames', txFrames, 16, 65536);
  checkCount('rxFrames', rxFrames, 16, 65536);
  checkCount('ring', ring, 1, 65536);
  checkCount('burst', burst, 1, 64);
  if (temper !== undefined) checkOptions('temper', temper, TEMPER);
}
