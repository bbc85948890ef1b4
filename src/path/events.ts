import type { LinkAddress } from '../nic/contract.js';
import { pathStates } from './path.js';
import type { Path } from './path.js';
import type { PathPeer } from './peer.js';

/** One way to a peer: from a NIC here to an address there. */
export interface PathInfo {
  /** The peer, by the address it was first known by. */
  readonly peer: LinkAddress;
  /** Name of the interface here, if it has one. */
  readonly interface: string | undefined;
  readonly local: LinkAddress;
  readonly remote: LinkAddress;
  /** `resting`: it works again, but has not done so for long enough to be preferred. */
  readonly state: (typeof pathStates)[number];
  /** Frames go by it now. */
  readonly active: boolean;
  /** Smoothed round trip time of its probes, µs; undefined: it has not answered yet. */
  readonly rtt: number | undefined;
}

/**
 * Why a path failed: `link-down`, its NIC here has no link; `peer-link-down`, the peer says that its NIC has none; `silent`, it does not answer while
 * another one does; `removed`, its NIC or its address is gone.
 */
export type PathReason = 'link-down' | 'peer-link-down' | 'silent' | 'removed';

export type PathEvent =
  | { readonly type: 'down'; readonly path: PathInfo; readonly reason: PathReason }
  | { readonly type: 'up'; readonly path: PathInfo }
  /** Frames to the peer go by another path from now on. */
  | { readonly type: 'switch'; readonly from: PathInfo; readonly to: PathInfo };

export function pathInfo(peer: PathPeer, path: Path): PathInfo {
  const { member, address, state, rtt } = path;
  return {
    peer: peer.address,
    interface: member.nic.info.interface,
    local: member.nic.info.address,
    remote: address,
    state: pathStates[state],
    active: path.isUsable && member.up && (peer.active === path || peer.policy !== 'failover'),
    rtt: rtt.known ? rtt.smoothed : undefined,
  };
}
