/**
 * A simulated network: real hosts and channels on machines, links and switches that are not real, in virtual time, with faults by a seed.
 *
 * @packageDocumentation
 */
export { World } from './world.js';
export type { RunOptions, WorldOptions } from './world.js';
export type { Machine, MachineOptions, SimHostOptions } from './machine.js';
export type { Interface } from './interface.js';
export type { Cut, Link, LinkCounts, LinkFaults, LinkOptions } from './link.js';
export type { Switch } from './switch.js';
export type { Failure, SimNicOptions, Temper } from './nicModel.js';
export type { SimNic } from './simNic.js';
export type { Packet, Port } from './wire.js';
export { Chance } from '../fault/chance.js';
export { parseFaults } from '../fault/parse.js';
export type { Delay, Faults, Likely } from '../fault/faults.js';
export type { FaultCounts } from '../fault/model.js';
