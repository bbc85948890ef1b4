// `--peer`: the server is an `emp echo` on another machine. Then, and only then, there is a choice of the client's NIC.
import { Option } from 'commander';

import { ArgumentError } from '../../errors.js';
import type { DriverName, LinkAddress, NicOptions } from '../../nic/contract.js';
import { anyLocal, checkedPeer } from '../addresses.js';
import { nicFrom, type NicFlags } from '../options.js';

export const PEER_PARTNERS = {
  interface: 'peer',
  namespace: 'peer',
  queue: 'peer',
  require: 'peer',
  local: 'peer',
  peer: 'driver',
} as const;

export function peerOption(): Option {
  return new Option(
    '--peer <address>',
    'ask the `emp echo` there: its MAC address, or IP:PORT with udp (default port: 34997)',
  );
}

export interface PeerFlags extends Omit<NicFlags, 'driver' | 'wait'> {
  drivers: readonly DriverName[] | undefined;
  mtu?: number;
  peer?: string;
}

export interface Remote {
  nic: NicOptions;
  peer: LinkAddress;
}

/** Undefined: both ends are ours, on a wire that is made for them. */
export function remoteOf({ drivers, ...flags }: PeerFlags): Remote | undefined {
  const { peer, mtu } = flags;
  if (drivers?.length === 1 && drivers[0] === 'memory' && (peer ?? mtu) !== undefined) {
    throw new ArgumentError(`The driver memory has no option ${peer === undefined ? '--mtu' : '--peer'}.`, {
      remedy: 'Leave it out: both ends are in one process, and no interface is made.',
    });
  }
  if (peer === undefined || drivers === undefined) return undefined;
  if (drivers.length !== 1) {
    throw new ArgumentError(`--peer is reached over one driver, and --driver names ${drivers.length}.`, {
      remedy: 'Name the driver of the emp echo there.',
    });
  }
  const [driver] = drivers;
  const here = driver === 'udp' ? { local: { address: anyLocal(peer), port: 0, ...flags.local } } : {};
  return { nic: nicFrom({ ...flags, wait: 'spin', driver, ...here }), peer: checkedPeer(driver, peer) };
}
