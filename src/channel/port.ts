import type { Nic } from '../nic/contract.js';

/** What the protocol needs of a NIC: frames in, frames out. No clock, no waiting, no life cycle. */
export type FramePort = Pick<
  Nic,
  'info' | 'bytes' | 'view' | 'rx' | 'alloc' | 'free' | 'send' | 'inFlight' | 'hold' | 'source' | 'peer' | 'forget'
>;
