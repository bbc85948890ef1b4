/**
 * The members of the addons, declared once (row A11). They hand out memory and make the few calls that need the kernel; they
 * know no protocol, and of arguments they refuse only what would harm memory: the drivers check them. A failed system call is an Error with `code`, `errno` and
 * `syscall`. Importing this module never fails; the addon is loaded by the first driver that needs it.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EmpError } from '../errors.js';

/** A failed system call, as C++ reports it. */
export interface SystemCallError extends Error {
  /** The name of the error: `EPERM`. */
  code: string;
  errno: number;
  /** The step that failed: `socket`, `bind`, `open namespace`. */
  syscall: string;
}

export function isSystemCallError(error: unknown): error is SystemCallError {
  return error instanceof Error && 'code' in error && 'errno' in error && 'syscall' in error;
}

// ---- core: waiting -------------------------------------------------------------------------------------------------------

export const READABLE = 1;
export const WRITABLE = 2;

/** Waits for a descriptor in the event loop of the thread that made it. Close it before the descriptor. */
export interface Poller {
  /**
   * Calls `callback` once when the descriptor is ready, with the ready events or a negative errno; it has stopped by then.
   * Keeps the process alive until then. Started again, it forgets the first callback.
   */
  start(callback: (events: number) => void, events?: number): void;
  stop(): void;
  close(): void;
}

// ---- core: packet --------------------------------------------------------------------------------------------------------

/** What the kernel knows about an interface. */
export interface LinkFacts {
  readonly index: number;
  readonly mtu: number;
  /** Switched on by the administrator. */
  readonly up: boolean;
  /** Able to carry frames: the peer is there. */
  readonly running: boolean;
  /** ARPHRD_*; 1 is Ethernet. */
  readonly hardwareType: number;
  readonly address: string;
}

/** AF_PACKET rings of one interface. */
export interface PacketSocket {
  readonly link: LinkFacts;
  /** Readable when frames are in the receive ring. */
  readonly fd: number;
  /** What `kick` takes. */
  readonly bell: number;
  /** Makes the rings and starts to receive. The memory: receive slots, transmit slots, pool. */
  open(etherType: number, slotSize: number, rxSlots: number, txSlots: number, poolBytes: number): ArrayBuffer;
  /** Frames lost because the receive ring was full, since the last call. */
  drops(): number;
  /** The pending error of the socket, an errno, which it forgets; 0 if none. Until then the socket polls as ready. */
  takeError(): number;
  close(): void;
}

// ---- core: udp -----------------------------------------------------------------------------------------------------------

export interface RawUdpEnd {
  ip: string;
  port: number;
  /** Interface index of a link-local address, or 0. */
  scope: number;
}

/** A UDP socket, bound. The tables are described in native/core/udp_tables.h. */
export interface UdpSocket {
  readonly fd: number;
  readonly local: RawUdpEnd;
  /** The interface that owns the local address. */
  readonly interface: { name: string; index: number; mtu: number } | undefined;
  /** Bytes, as one asks for them (the kernel itself counts twice as many). */
  readonly receiveBuffer: { obtained: number; wanted: number };
  /** Before `open`. Returns what the kernel has of it. */
  enableOffload(): { gso: boolean; gro: boolean };
  /** Maps `length` bytes for frames; the receive buffers are in there from `rxOffset` on. */
  open(length: number, rxOffset: number, rxSize: number, rxCount: number, maxFrame: number): void;
  readonly frames: ArrayBuffer;
  readonly tables: ArrayBuffer;
  setPeer(index: number, ip: string, port: number, scope: number): void;
  source(datagram: number): RawUdpEnd;
  close(): void;
}

// ---- core: links ---------------------------------------------------------------------------------------------------------

/** What netlink says of a link; texts are empty where it says nothing. */
export interface RawLink {
  index: number;
  /** Of an event: the link is gone. */
  removed: boolean;
  /** ARPHRD_... */
  hardwareType: number;
  /** IFF_... */
  flags: number;
  name: string;
  address: string;
  kind: string;
  mtu: number;
  /** IF_OPER_... */
  operstate: number;
  txQueues: number;
  rxQueues: number;
  /** Ids of XDP programs, 0 for none. */
  xdpNative: number;
  xdpGeneric: number;
  xdpOffload: number;
}

/** The same with what ethtool and the netdev family add. */
export interface RawLinkFacts extends RawLink {
  driver: string;
  /** Mbit/s, 0 if unknown. */
  speed: number;
  addresses: string[];
  channels?: { rx: number; tx: number; combined: number };
  /** Bits of NETDEV_XDP_ACT_...; absent before Linux 6.3. */
  xdpFeatures?: number;
  xdpZcMaxSegments?: number;
}

/** Hears of the changes of links in one namespace. Wait for `fd` to be readable, then `read`. */
export interface LinkMonitor {
  readonly fd: number;
  /** All links as they are now. */
  dump(): RawLink[];
  /** What has changed since; null if the kernel had to drop events. */
  read(): RawLink[] | null;
  close(): void;
}

// ---- core: counters ------------------------------------------------------------------------------------------------------

/** A file in which this process counts, and which others read. Made by its path, which must be free; removed by `close`, or at the end of the thread. */
export interface CounterFile {
  /** The file's memory, of which as much may be used as it has grown. It outlives the file. */
  map(capacity: number): ArrayBuffer;
  /** Allocates all pages up to `length` bytes. */
  grow(length: number): void;
  close(): void;
}

// ---- loading -------------------------------------------------------------------------------------------------------------

export interface CoreAddon {
  /** `background`: waiting does not keep the process alive. */
  Poller: new (fd: number, background?: boolean) => Poller;
  /** `namespace` '' is the process's own. */
  PacketSocket: new (namespace: string, interfaceName: string) => PacketSocket;
  UdpSocket: new (namespace: string, ip: string, port: number, scope: number) => UdpSocket;
  LinkMonitor: new (namespace: string) => LinkMonitor;
  CounterFile: new (path: string) => CounterFile;
  listLinks(namespace: string): RawLinkFacts[];
  /** Reads the monotonic clock, µs, into its `cell`: no allocation. */
  clock: (() => void) & { readonly cell: Float64Array };

  // The calls of the hot path take a descriptor; native/common/hot_function.h says why they are not methods.

  /** A packet socket (its `bell`) sends every slot marked TP_STATUS_SEND_REQUEST. Returns an errno, undefined for success. */
  kick(this: void, fd: number): number | undefined;
  /** Sends the first `count` descriptors of a UDP socket; returns how many the kernel took or lost. */
  udpSend(this: void, fd: number, count: number): number;
  /** Returns the number of frames received. */
  udpReceive(this: void, fd: number): number;
}

const require = createRequire(import.meta.url);

/** The directory of package.json: this file is in src/nic or in dist/src/nic of it. */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && directory !== dirname(directory))
    directory = dirname(directory);
  return directory;
}

/** Loads `build/Release/<name>.node`; throws what the dynamic linker says. */
export function requireAddon(name: 'emp_core' | 'emp_xdp'): unknown {
  return require(join(packageRoot(), 'build', 'Release', `${name}.node`));
}

let loaded: CoreAddon | undefined;

export function core(): CoreAddon {
  loaded ??= loadCore();
  return loaded;
}

function loadCore(): CoreAddon {
  try {
    return requireAddon('emp_core') as CoreAddon;
  } catch (cause) {
    throw new EmpError(
      'ERR_EMP_ADDON_MISSING',
      `The native addon emp_core cannot be loaded: ${(cause as Error).message}.`,
      {
        remedy: 'Run `npm run build` in the package directory.',
        cause,
      },
    );
  }
}
