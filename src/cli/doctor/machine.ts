// What the checks may look at. Tests make machines up.
import { accessSync, constants, openSync, closeSync, readSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { listLinks, type LinkInfo } from '../../nic/links.js';
import { requireAddon } from '../../nic/native.js';
import { Testbed } from '../../testbed/testbed.js';

export type AddonName = 'emp_core' | 'emp_xdp';

export interface Machine {
  /** A file's text without white space around it; undefined if it cannot be read. */
  read(path: string): string | undefined;
  /** Names in a folder; none if it cannot be read. */
  list(path: string): string[];
  /** Whether a command is in the path. */
  hasCommand(name: string): boolean;
  /** What went wrong when an addon was loaded; undefined if nothing. */
  addonError(name: AddonName): string | undefined;
  /** Network interfaces; throws as `listLinks`. */
  links(): LinkInfo[];
  /** Longest wake-up that somebody tolerates, microseconds (the device cpu_dma_latency); undefined if it cannot be read. */
  wakeupLimit(): number | undefined;
  /** Testbeds that dead processes left behind. */
  staleTestbeds(): string[];
  readonly nodeVersion: string;
  /** Files of the Node and of the command that run now. */
  readonly node: string;
  readonly script: string;
}

export const thisMachine: Machine = {
  read(path) {
    try {
      return readFileSync(path, 'utf8').trim();
    } catch {
      return undefined;
    }
  },
  list(path) {
    try {
      return readdirSync(path).sort();
    } catch {
      return [];
    }
  },
  hasCommand(name) {
    return (process.env['PATH'] ?? '').split(':').some((folder) => isExecutable(join(folder, name)));
  },
  addonError(name) {
    try {
      requireAddon(name);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message.split('\n')[0] : String(error);
    }
  },
  links: () => listLinks(),
  wakeupLimit,
  staleTestbeds: () =>
    Testbed.list()
      .filter(({ stale }) => stale)
      .map(({ name }) => name),
  nodeVersion: process.versions.node,
  node: process.execPath,
  script: process.argv[1] ?? 'emp',
};

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A device, not a file: one read gives a 32-bit number. */
function wakeupLimit(): number | undefined {
  try {
    const descriptor = openSync('/dev/cpu_dma_latency', 'r');
    try {
      const value = Buffer.alloc(4);
      return readSync(descriptor, value) === 4 ? value.readInt32LE() : undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}
