// What a test has beside it, and what of that can be chosen.
import { Option, type Command } from 'commander';

import { ArgumentError } from '../../errors.js';
import type { DriverName } from '../../nic/contract.js';

/** A flood, which has modes; another program; nothing. */
export type FloorKind = 'flood' | 'other' | 'none';

/** What --slices is. */
export const SLICES: Record<FloorKind, string> = {
  flood: 'how often ours and the baseline take turns',
  other: 'how often ours and the baseline take turns',
  none: 'the parts of that time, each with a warm-up',
};

const MODES: Partial<Record<DriverName, readonly string[]>> = {
  packet: ['ring', 'send'],
  udp: ['batch', 'single', 'gso'],
};

export function floorOptions(command: Command, floor: FloorKind): void {
  if (floor !== 'none') command.option('--no-baseline', 'measure ours alone');
  if (floor !== 'flood') return;
  const modes = new Option('--floor-mode <mode>', 'how bare C works, over packet (ring, send) or udp (the others)');
  command.addOption(modes.choices(Object.values(MODES).flat()).conflicts('baseline'));
}

/** A mode is of one driver: over another the bare C program would fail, or not notice it. */
export function checkFloorMode(mode: string | undefined, drivers: readonly DriverName[] = []): void {
  if (mode === undefined || (drivers.length === 1 && MODES[drivers[0]]?.includes(mode) === true)) return;
  const whose = Object.entries(MODES).find(([, modes]) => modes.includes(mode))?.[0];
  throw new ArgumentError(`--floor-mode ${mode} is for --driver ${whose} alone.`, {
    remedy: 'Add that, or leave it out.',
  });
}
