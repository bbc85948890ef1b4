/**
 * The network interfaces of this machine, and what happens to them (rows E6, A11): a list for people and for
 * `emp doctor`, and events pushed by the kernel.
 */
import { linkState } from './linkState.js';
import type { LinkState, XdpAttachment } from './linkState.js';
import { LinkWatch } from './linkWatch.js';
import { namespaceArgument, namespaceError } from './namespace.js';
import { core } from './native.js';
import type { RawLinkFacts } from './native.js';

export type { LinkEvent, LinkEventType, LinkState, LinkType, XdpAttachment, XdpMode } from './linkState.js';
export type { LinkWatch } from './linkWatch.js';

/** Names of linux/netdev.h, in the order of their bits. */
const XDP_FEATURES = ['basic', 'redirect', 'ndo-xmit', 'zerocopy', 'hw-offload', 'rx-sg', 'ndo-xmit-sg'] as const;
export type XdpFeature = (typeof XDP_FEATURES)[number];

export interface LinkQueues {
  readonly rx: number;
  readonly tx: number;
  /** Queue pairs that receive and send. An AF_XDP socket binds to one of these, or to an rx and a tx of the same number. */
  readonly combined: number;
}

export interface LinkInfo extends LinkState {
  /** Kernel driver, undefined if there is none to speak of (loopback). */
  readonly driver: string | undefined;
  readonly queues: LinkQueues;
  /** Mbit/s, undefined if the driver does not know. */
  readonly speed: number | undefined;
  /** IPv4 and IPv6 addresses, without prefix lengths. */
  readonly addresses: readonly string[];
  readonly xdp: {
    readonly attached: readonly XdpAttachment[];
    /** What the driver offers; undefined if the kernel cannot tell (older than Linux 6.3). */
    readonly features: readonly XdpFeature[] | undefined;
    /** Frames that one packet may span in zero-copy mode; undefined where the kernel cannot tell, or there is no zero-copy. */
    readonly zerocopySegments: number | undefined;
  };
}

export interface ListLinksOptions {
  /** A name below /run/netns; needs CAP_SYS_ADMIN. Default: the process's own. */
  namespace?: string | undefined;
}

/** All links of a namespace, in the order of their indexes. */
export function listLinks(options: ListLinksOptions = {}): LinkInfo[] {
  const namespace = namespaceArgument(options.namespace);
  try {
    return core().listLinks(namespace).map(linkInfo);
  } catch (error) {
    throw namespaceError(error, options.namespace) ?? error;
  }
}

function linkInfo(raw: RawLinkFacts): LinkInfo {
  const state = linkState(raw);
  return {
    ...state,
    driver: raw.driver || undefined,
    queues: raw.channels ?? { rx: raw.rxQueues, tx: raw.txQueues, combined: 0 },
    speed: raw.speed || undefined,
    addresses: raw.addresses,
    xdp: {
      attached: state.xdp.attached,
      features: raw.xdpFeatures === undefined ? undefined : featureNames(raw.xdpFeatures),
      zerocopySegments: raw.xdpZcMaxSegments || undefined,
    },
  };
}

function featureNames(bits: number): XdpFeature[] {
  return XDP_FEATURES.filter((_, bit) => (bits & (1 << bit)) !== 0);
}

export interface WatchLinksOptions extends ListLinksOptions {
  /** Closes the watch. */
  signal?: AbortSignal | undefined;
}

/**
 * Events of the links of a namespace from now on: `for await (const event of watchLinks())`, or `watch.onEvent = ...`.
 * Ends with `close`, with `break`, and with the signal.
 */
export function watchLinks(options: WatchLinksOptions = {}): LinkWatch {
  return new LinkWatch(options.namespace, options.signal);
}
