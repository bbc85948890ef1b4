import { Engine } from '../channel/engine.js';
import { resolveChannelOptions } from '../channel/options.js';
import type { Nic } from '../nic/contract.js';
import { VERSION } from '../wire/header.js';
import { Channel } from './channel.js';
import { Loop } from './loop.js';
import { random32 } from './random.js';
import { PlainHostMemory, type HostMemory } from './stat/hostMemory.js';
import { thisProcess } from './surroundings.js';

/**
 * When a class has been instantiated seven times, V8 decides for good how many fields its instances hold within themselves: as many as
 * those have that are alive then. If none is, because hosts and channels came one after another and were collected, that is none; and
 * private fields beyond the twelfth outside make an object a dictionary. Every channel from then on would be three to five times slower.
 */
const DECIDED_AFTER = 8;
const SETTINGS = resolveChannelOptions({ window: 2 });
const HANDSHAKE = {
  port: 0,
  mtu: 1500,
  window: 2,
  maxMessage: 0,
  payloadCheck: false,
  coalesces: true,
  version: VERSION,
};

const nothing = (): void => undefined;
let fixed = false;

/**
 * Has V8 decide while full instances of the classes on a message's path are alive: once in a process. They are made of what
 * the host to come is made of, for V8 notes of each field what classes of objects it holds, too, and compiles for that.
 */
export function fixShapes(nic: Nic, memory: HostMemory): void {
  if (fixed) return;
  fixed = true;
  const surroundings = thisProcess();
  const kept: unknown[] = [];
  for (let i = 0; i < DECIDED_AFTER; i++) {
    const engine = new Engine(nic, random32, surroundings.clock, new PlainHostMemory());
    const loop = new Loop(nic, engine, surroundings, memory, 'event', nothing);
    const core = engine.mould(SETTINGS);
    core.agree(1, HANDSHAKE, 0);
    const channel = new Channel(core, loop, false);
    core.events = channel.events(nothing, nothing);
    kept.push(channel);
  }
}
