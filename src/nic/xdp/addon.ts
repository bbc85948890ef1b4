/** The members of the xdp addon (row A11): each does one step of opening an AF_XDP socket, and says what failed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { EmpError } from '../../errors.js';
import { packageRoot, requireAddon } from '../native.js';
import type { MappedRing } from './ring.js';

/** Steps in this order: new, memory, rings, bind, attach. */
export interface XdpSocket {
  readonly fd: number;
  /** Whether the kernel moves frames without a copy; known after bind. */
  readonly zeroCopy: boolean;
  /**
   * Maps `bytes` of memory, of huge pages if `huge`, and registers the first `registered` as frames of `chunk` bytes, each
   * with `headroom` bytes to be left free on receive.
   */
  memory(bytes: number, registered: number, chunk: number, headroom: number, huge: boolean): ArrayBuffer;
  rings(fill: number, completion: number, rx: number, tx: number): [MappedRing, MappedRing, MappedRing, MappedRing];
  bind(flags: number): void;
  /** Puts the socket behind EMP's XDP program, which it attaches if need be. True when another process had attached it. */
  attach(program: Uint8Array, etherType: number, generic: boolean): boolean;
  busyPoll(microseconds: number, budget: number): void;
  /** Frames lost on receive since the socket was opened: no chunk in the fill ring (or too long for one), no entry in the receive ring. */
  statistics(): { dropped: number; ringFull: number };
  close(): void;
}

export interface XdpAddon {
  XdpSocket: new (namespace: string, interfaceIndex: number, queue: number) => XdpSocket;
  /** sendto: the kernel looks at the transmit ring. Returns an errno, undefined for success. */
  kick(this: void, fd: number): number | undefined;
  /** recvfrom: the kernel looks at the fill ring. Returns an errno, undefined for success. */
  wake(this: void, fd: number): number | undefined;
}

let addon: XdpAddon | undefined;
let object: Uint8Array | undefined;

/** Loads the addon; throws ERR_EMP_LIBRARY_MISSING or ERR_EMP_ADDON_MISSING, with the package to install. */
export function xdpAddon(): XdpAddon {
  addon ??= load();
  return addon;
}

/** The XDP program, as the maintainer compiled it. */
export function xdpProgram(): Uint8Array {
  object ??= readFileSync(join(packageRoot(), 'native', 'bpf', 'emp_xdp.bpf.o'));
  return object;
}

function load(): XdpAddon {
  try {
    return requireAddon('emp_xdp') as XdpAddon;
  } catch (cause) {
    throw missing((cause as Error).message, cause);
  }
}

/** libbpf, or one of the libraries that it needs itself, is not there or is not whole. */
const LIBRARY = /(lib[^ /]*\.so[^ /]*): (?:cannot open shared object|file too short|invalid ELF header)/;

/** Why the addon did not load, from what the dynamic linker or Node said. */
export function missing(said: string, cause?: unknown): EmpError {
  const library = LIBRARY.exec(said)?.[1];
  if (library !== undefined) {
    return new EmpError(
      'ERR_EMP_LIBRARY_MISSING',
      `The xdp driver needs the library ${library}, which is missing or damaged.`,
      {
        remedy: 'Install it: apt install libbpf1 (with --reinstall if it is damaged).',
        cause,
      },
    );
  }
  if (!/Cannot find module/.test(said)) {
    return new EmpError('ERR_EMP_ADDON_MISSING', `The native addon emp_xdp cannot be loaded: ${said}.`, {
      remedy: 'Run `npm run build` in the package directory.',
      cause,
    });
  }
  if (existsSync('/usr/include/bpf/libbpf.h')) {
    return new EmpError('ERR_EMP_ADDON_MISSING', 'The native addon emp_xdp has not been built.', {
      remedy: 'Run `npm run build` in the package directory.',
      cause,
    });
  }
  return new EmpError('ERR_EMP_LIBRARY_MISSING', "The xdp driver was not built: libbpf's headers were missing.", {
    remedy: 'Run `apt install libbpf-dev` and then `npm run build` in the package directory.',
    cause,
  });
}
