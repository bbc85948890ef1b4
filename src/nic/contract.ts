/**
 * The one contract between the protocol and the world (rows E6, A11). A driver that passes `test/nic/contract.test.ts`
 * is a driver.
 *
 * All frames of a NIC live in one block of memory, `nic.bytes`, mapped from the kernel where the driver can. A frame is
 * named by a plain number: the byte offset in `nic.bytes` of the first byte of its EMP header. What a driver puts in front
 * of it (an Ethernet header, nothing for UDP) is the driver's own business; the room for it is always there.
 *
 * Ownership. `alloc` gives a transmit frame to the caller, who may send it any number of times and keeps it (it is the
 * retransmission buffer) until `free`. `receive` lends frames until `recycle`; `hold` turns one such loan into
 * ownership until `free`. A freed frame that the kernel still has in its transmit ring returns to the pool when the kernel
 * is done with it, not before.
 *
 * The calling order of one turn:  receive, (hold | alloc | send | free | flush)*, recycle, flush.
 * None of these allocates JavaScript memory. Only `flush` (and `receive`, for UDP) enters the kernel.
 */

/** Byte offset in `nic.bytes` of a frame's EMP header. */
export type Frame = number;
/** No frame was to be had. */
export const NO_FRAME = -1;

/**
 * A machine's address on a link, as text in canonical form: `02:00:00:00:00:01` for Ethernet,
 * `198.18.0.1:34997` or `[fd00::1]:34997` for UDP, `memory:a` in one process.
 */
export type LinkAddress = string;

/** A small number that stands for a `LinkAddress` in `send`; from `nic.peer()`. */
export type PeerIndex = number;

export type DriverName = 'xdp' | 'packet' | 'udp' | 'memory';

/** What was really obtained, for headers of measurements and for `emp doctor`. */
export interface NicInfo {
  readonly driver: DriverName;
  /**
   * How frames reach the process: xdp: `native-zerocopy`, `native-copy`, `generic-copy`; packet: `tpacket-v2`;
   * udp: `udp4`/`udp6` followed by `+gso`, `+gro` as obtained; memory: `memory`.
   */
  readonly mode: string;
  /** Interface name, or undefined where there is none. */
  readonly interface: string | undefined;
  /** Network namespace (a name below /run/netns), or undefined for the process's own. */
  readonly namespace: string | undefined;
  readonly queue: number | undefined;
  readonly address: LinkAddress;
  /** Largest EMP frame (header and payload, without the link's own headers), bytes. */
  readonly mtu: number;
  /** Bytes that the link adds to an EMP frame (14 for Ethernet, 28 or 48 for UDP). */
  readonly overhead: number;
  readonly frameSize: number;
  /** Frames that `alloc` can hand out. */
  readonly txFrames: number;
  /** Frames that can be held after receive, in addition to the ring's own. */
  readonly rxFrames: number;
  readonly hugePages: boolean;
  /** Things worth telling a person: a fallback that was taken and why. */
  readonly notes: readonly string[];
}

/** What `receive` found: entries [0, n) are valid until `recycle`. */
export interface RxBurst {
  readonly frame: Int32Array;
  readonly length: Int32Array;
}

/** Names of the slots of `nic.counters`. Counters are doubles in a typed array, so that counting never allocates. */
export const NicCounter = {
  rxFrames: 0,
  rxBytes: 1,
  txFrames: 2,
  txBytes: 3,
  /** Calls into the kernel to send. */
  kicks: 4,
  /** Frames refused because the transmit ring was full. */
  txBusy: 5,
  /** Frames that the kernel or the ring reported lost on receive (ring full, no fill entries). */
  rxDropped: 6,
  /** Received frames that were malformed below EMP (too short, wrong EtherType, truncated). */
  rxInvalid: 7,
  /** `hold` calls that had to copy. */
  holdCopies: 8,
  /** Errors of the kernel on send (interface down, no route, longer than its MTU is by now); the frames count as sent and lost. */
  txErrors: 9,
  /** Of `rxDropped`: the receive ring, or the buffer of the socket, was full. The others found no free frame, or were too long for one. */
  rxRingFull: 10,
} as const;
export type NicCounterName = keyof typeof NicCounter;
export const NIC_COUNTERS = 11;

export type NicState = 'up' | 'down' | 'removed' | 'closed';

export interface Nic {
  readonly info: NicInfo;
  /** All frame memory. Detached (length 0) after `close`. */
  readonly bytes: Uint8Array;
  /** The same memory, for headers. */
  readonly view: DataView;
  readonly rx: RxBurst;
  /** By `NicCounter`. Those that the kernel keeps are as of the last look at this property. */
  readonly counters: Float64Array;
  /** Counts there from now on, beginning with what was counted so far. */
  countIn(memory: Float64Array): void;

  /**
   * A transmit frame with room for `info.mtu` bytes, at a multiple of 4, or NO_FRAME when no more than `reserve` frames are left.
   * Data passes a reserve so that acknowledgements (reserve 0) always find a frame.
   */
  alloc(reserve: number): Frame;
  /** Gives back a frame got from `alloc` or `hold`. */
  free(frame: Frame): void;
  /**
   * Queues one frame of `length` bytes (EMP header included) to a peer. False when the transmit ring is full: nothing was
   * queued, try again after `flush`. The frame's bytes must not change until `inFlight(frame)` is false. More than `info.mtu` bytes
   * would run into the next frame: throws ERR_EMP_MESSAGE_TOO_LONG, and nothing was queued.
   */
  send(frame: Frame, length: number, peer: PeerIndex): boolean;
  /** True while the kernel may still read the frame. */
  inFlight(frame: Frame): boolean;
  /**
   * Rings the doorbell once for everything queued since the last flush, and takes back what the kernel has sent. True when the kernel
   * took everything; false when some is left and `flush` must be called again (do not sleep).
   */
  flush(): boolean;

  /** Takes up to one burst of received frames, at most 64, into `rx`; returns how many. */
  receive(): number;
  /**
   * Keeps entry `index` of the current burst beyond `recycle`. Returns the frame's name from now on (a driver may have to
   * copy it), or NO_FRAME if memory ran out: the frame is then lost, as on the wire. Held frames never take the last memory to receive
   * with: else early frames could fill it, and the late one that they all wait for would find no place.
   */
  hold(index: number): Frame;
  /**
   * Keeps a copy of `length` bytes, at most `info.mtu`, that begin at any byte `at` of an entry of the current burst, or of a frame that is
   * kept already, and lie within it: for entries that hold several frames. Owned until `free`; NO_FRAME as with `hold`.
   */
  keep(at: Frame, length: number): Frame;
  /** Ends the burst: every entry that was not held goes back to the ring. */
  recycle(): void;
  /** Who sent entry `index` of the current burst. Cold path: makes a string. */
  source(index: number): LinkAddress;

  /** The number that stands for an address in `send`. Throws ERR_EMP_ADDRESS. Cold path. */
  peer(address: LinkAddress): PeerIndex;
  /** Forgets a peer (counted: one `forget` for each `peer`). Frames that are queued already still go to it. */
  forget(peer: PeerIndex): void;

  /**
   * Sleep: calls `wake` once, from the event loop, when frames may be there (at once if they already are). A second `watch` before
   * `wake` replaces the first. While it watches, the NIC keeps the process alive.
   */
  watch(wake: () => void): void;
  unwatch(): void;

  readonly state: NicState;
  /** Called, from the event loop, when the state changes. At most one listener. */
  onState: ((state: NicState) => void) | undefined;

  /** Frees all memory and descriptors. Idempotent. Any other call afterwards throws ERR_EMP_CLOSED or does nothing. */
  close(): void;
}

interface CommonOptions {
  /** Network namespace to open in (a name below /run/netns). Needs CAP_SYS_ADMIN. Default: the process's own. */
  namespace?: string;
  /** Transmit frames in the pool; a power of two. Default 4096. */
  txFrames?: number;
  /** Receive frames; a power of two. Default 4096. */
  rxFrames?: number;
  /** Largest EMP frame wanted, bytes. Default: what the interface's MTU allows. ERR_EMP_MTU if it does not fit. */
  mtu?: number;
}

export interface EthernetOptions extends CommonOptions {
  interface: string;
  /** Default 0x88B5, IEEE 802 local experimental EtherType 1. */
  etherType?: number;
}

export interface XdpOptions extends EthernetOptions {
  driver: 'xdp';
  /** Receive and transmit queue. Default 0. */
  queue?: number;
  /** Turns a fallback into ERR_EMP_XDP_MODE. */
  require?: 'zerocopy' | 'native';
  /** Ask only for these modes (for tests); default: native-zerocopy, native-copy, generic-copy, in that order. */
  modes?: readonly ('native-zerocopy' | 'native-copy' | 'generic-copy')[];
  /** Default true: the kernel is kicked only when it asks. */
  needWakeup?: boolean;
  /** SO_PREFER_BUSY_POLL with this many microseconds of SO_BUSY_POLL and this budget. Default off. */
  busyPoll?: { microseconds: number; budget?: number };
  /** Default 'auto': huge pages when there are any. */
  hugePages?: 'auto' | 'never' | 'require';
}

export interface PacketOptions extends EthernetOptions {
  driver: 'packet';
}

export interface UdpOptions extends CommonOptions {
  driver: 'udp';
  /** Local address, IPv4 or IPv6. Default 127.0.0.1. */
  address?: string;
  /** Local port. Default 34997 (0x88B5); 0 lets the kernel choose. */
  port?: number;
  /** Default true: use UDP_SEGMENT and UDP_GRO where the kernel has them. */
  offload?: boolean;
}

export interface MemoryOptions {
  driver: 'memory';
  /** A name within the process; its address is `memory:<name>`. */
  name: string;
  txFrames?: number;
  rxFrames?: number;
  mtu?: number;
}

export type NicOptions = XdpOptions | PacketOptions | UdpOptions | MemoryOptions;
