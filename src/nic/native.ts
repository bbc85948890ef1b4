/**
 * The members of the addons, declared once (row A11). They hand out memory and make the few calls that need the kernel; they
 * know no protocol and check no arguments: the drivers do. A failed system call is an Error with `code`, `errno` and
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

// ---- core: memory --------------------------------------------------------------------------------------------------------

/** Page-aligned memory, zeroed. `close` detaches `buffer` and frees the memory. */
export interface FrameMemory {
  readonly buffer: ArrayBuffer;
  close(): void;
}

// ---- loading -------------------------------------------------------------------------------------------------------------

export interface CoreAddon {
  Poller: new (fd: number) => Poller;
  FrameMemory: new (length: number) => FrameMemory;
}

const require = createRequire(import.meta.url);

/** The directory of package.json: this file is in src/nic or in dist/src/nic of it. */
function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && directory !== dirname(directory)) directory = dirname(directory);
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
    throw new EmpError('ERR_EMP_ADDON_MISSING', `The native addon emp_core cannot be loaded: ${(cause as Error).message}.`, {
      remedy: 'Run `npm run build` in the package directory.',
      cause,
    });
  }
}
