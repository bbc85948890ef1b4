import type { Target } from '../target.js';
import { addresses } from './addresses.js';
import { control } from './control.js';
import { counters } from './counters.js';
import { faults } from './faults.js';
import { frame } from './frame.js';
import { host } from './host.js';
import { pcapng } from './pcapng.js';

/** The host first: it has the most to do. */
export const TARGETS: readonly Target[] = [host, frame, control, addresses, faults, counters, pcapng];
