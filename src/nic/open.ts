import { ArgumentError } from '../errors.js';
import type { DriverName, Nic, NicOptions } from './contract.js';
import { openMemory } from './memory.js';
import { openPacket } from './packet.js';
import { openUdp } from './udp.js';
import { openXdp } from './xdp.js';

type Drivers = { readonly [D in DriverName]?: (options: Extract<NicOptions, { driver: D }>) => Nic };

/** One line for each driver. Importing a driver loads no addon: the first open does, and says what is missing. */
const DRIVERS: Drivers = {
  xdp: openXdp,
  packet: openPacket,
  udp: openUdp,
  memory: openMemory,
};

/**
 * The newest of each driver, closed or not: as long as one is alive, V8 knows how many fields the instances of its classes have. Else those of
 * the eighth NIC, opened when all before it have been collected, would be dictionaries (see `host/shapes.ts`). A closed one is small.
 */
const newest = new Map<DriverName, Nic>();

/** Opens the NIC that `options.driver` names. Throws an EmpError that says what was wrong and what to do. */
export function openNic(options: NicOptions): Nic {
  const driver: unknown = (options as NicOptions | undefined)?.driver;
  if (typeof driver === 'string' && Object.hasOwn(DRIVERS, driver)) {
    const nic = (DRIVERS[driver as DriverName] as (options: NicOptions) => Nic)(options);
    newest.set(driver as DriverName, nic);
    return nic;
  }
  throw new ArgumentError(`driver is ${JSON.stringify(driver)}; expected one of ${Object.keys(DRIVERS).join(', ')}.`);
}
