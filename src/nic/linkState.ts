import type { RawLink } from './native.js';

/** `other`: neither Ethernet nor loopback (tun, ppp, ...); EMP's Ethernet drivers cannot use it. */
export type LinkType = 'ethernet' | 'loopback' | 'other';
export type XdpMode = 'native' | 'generic' | 'offload';

export interface XdpAttachment {
  readonly mode: XdpMode;
  readonly programId: number;
}

/** What the kernel tells of a link whenever it changes. */
export interface LinkState {
  readonly index: number;
  readonly name: string;
  readonly type: LinkType;
  /** veth, bridge, vlan, ...; undefined for a device that is real to the kernel. */
  readonly kind: string | undefined;
  /** Hardware address, `02:00:00:00:00:01`; undefined if the link has none. */
  readonly address: string | undefined;
  readonly mtu: number;
  /** Set up by the administrator. */
  readonly up: boolean;
  /** The other side is there: cable in, peer up. */
  readonly carrier: boolean;
  readonly xdp: { readonly attached: readonly XdpAttachment[] };
}

// linux/if_arp.h, linux/if.h
const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
const IFF_UP = 0x1;
const IFF_LOWER_UP = 0x10000;

export function linkState(raw: RawLink): LinkState {
  return {
    index: raw.index,
    name: raw.name,
    type: linkType(raw.hardwareType),
    kind: raw.kind || undefined,
    address: raw.address || undefined,
    mtu: raw.mtu,
    up: (raw.flags & IFF_UP) !== 0,
    carrier: (raw.flags & IFF_LOWER_UP) !== 0,
    xdp: { attached: attachments(raw) },
  };
}

function linkType(hardwareType: number): LinkType {
  if (hardwareType === ARPHRD_ETHER) return 'ethernet';
  return hardwareType === ARPHRD_LOOPBACK ? 'loopback' : 'other';
}

function attachments(raw: RawLink): XdpAttachment[] {
  const slots: XdpAttachment[] = [
    { mode: 'native', programId: raw.xdpNative },
    { mode: 'generic', programId: raw.xdpGeneric },
    { mode: 'offload', programId: raw.xdpOffload },
  ];
  return slots.filter(({ programId }) => programId !== 0);
}

/** Frames can pass. */
export function running(link: LinkState): boolean {
  return link.up && link.carrier;
}

export type LinkEventType = 'added' | 'removed' | 'up' | 'down' | 'changed';

export interface LinkEvent {
  readonly type: LinkEventType;
  /** As it is now; for `removed`, as it was. */
  readonly link: LinkState;
  /** As it was; undefined for `added`. */
  readonly previous: LinkState | undefined;
}

/** What lies between two states of a link, as one event; undefined if nothing that can be seen has changed. */
export function linkEvent(previous: LinkState | undefined, now: LinkState | undefined): LinkEvent | undefined {
  if (now === undefined) return previous && { type: 'removed', link: previous, previous };
  if (previous === undefined) return { type: 'added', link: now, previous };
  if (running(previous) !== running(now)) return { type: running(now) ? 'up' : 'down', link: now, previous };
  return sameLink(previous, now) ? undefined : { type: 'changed', link: now, previous };
}

function sameLink(a: LinkState, b: LinkState): boolean {
  return (
    a.name === b.name &&
    a.address === b.address &&
    a.mtu === b.mtu &&
    a.up === b.up &&
    a.carrier === b.carrier &&
    sameAttachments(a.xdp.attached, b.xdp.attached)
  );
}

function sameAttachments(a: readonly XdpAttachment[], b: readonly XdpAttachment[]): boolean {
  return a.length === b.length && a.every((x, i) => x.mode === b[i].mode && x.programId === b[i].programId);
}
