import type { Host, PathOptions } from '../../src/index.js';
import { MultiNic } from '../../src/path/multiNic.js';
import type { Chance, Interface, Link, Machine, SimHostOptions, SimNic, World } from '../../src/sim/index.js';
import { drawLink } from './troubles.js';

/** A machine, its host, and whether it has lost its power. */
export interface Home {
  readonly machine: Machine;
  /** What its host is opened on. */
  readonly ports: Interface[];
  /** Its host is opened with a list of them, and this. */
  readonly paths: PathOptions;
  readonly hasList: boolean;
  /** All that were open when it did not crash. */
  readonly nics: SimNic[];
  options: SimHostOptions;
  host: Host;
  hasCrashed: boolean;
}

export interface Stage {
  readonly homes: readonly Home[];
  readonly links: readonly Link[];
  /** Interface `i` of each machine is on the wires `lanes[i]`. */
  readonly lanes: readonly (readonly Link[])[];
  /** All lanes meet in one hub: what goes by one of them can be sent to an interface of another. */
  readonly isShared: boolean;
  /** The lane that no trouble takes for good. */
  readonly kept: number;
}

/** Machines with one interface each: two on a wire, or all on a hub. */
export function buildSingle(world: World, chance: Chance): Stage {
  const machines = drawMachines(world, chance);
  const hub = machines.length > 2 || chance.happens(0.3) ? world.switch('hub') : undefined;
  const links =
    hub === undefined
      ? [world.link(machines[0], machines[1], drawLink(chance))]
      : machines.map((machine) => world.link(machine, hub, drawLink(chance)));
  const homes = machines.map((machine) => settle(machine, [machine.interfaces[0]], false, {}, chance));
  return { homes, links, lanes: [links], isShared: false, kept: 0 };
}

/** Machines with two or three interfaces, each of them on a wire of its own, on a hub of its own, or all on one hub. */
export function buildSeveral(world: World, chance: Chance): Stage {
  const machines = drawMachines(world, chance);
  const count = chance.pick([2, 2, 3]);
  const kept = chance.between(0, count - 1);
  const shared = chance.happens(0.2) ? world.switch('hub') : undefined;
  const isDirect = shared === undefined && machines.length === 2 && chance.happens(0.6);
  const lanes = Array.from({ length: count }, (_, lane) => {
    if (isDirect) return [world.link(machines[0], machines[1], drawLink(chance))];
    const hub = shared ?? world.switch(`hub${lane}`);
    return machines.map((machine) => world.link(machine, hub, drawLink(chance)));
  });
  // One machine that has less than the others, in some stories. Without a list it knows one address of each peer, and so must not know any but the kept one.
  const poor = chance.pick([undefined, undefined, 'a list of one', shared === undefined ? 'no list' : 'a list of one']);
  const homes = machines.map((machine, i) => {
    const isPoor = i === 0 && poor !== undefined;
    const ports = isPoor ? [machine.interfaces[kept]] : [...machine.interfaces];
    const policy = chance.pick(['failover', 'stripe', 'duplicate'] as const);
    const paths = { policy, idleProbe: chance.pick([1000, 50]), probation: chance.pick([500, 20]) };
    return settle(machine, ports, !isPoor || poor === 'a list of one', paths, chance);
  });
  return { homes, links: lanes.flat(), lanes, isShared: shared !== undefined, kept };
}

function drawMachines(world: World, chance: Chance): Machine[] {
  return Array.from({ length: chance.pick([2, 2, 3, 4]) }, (_, i) =>
    world.machine(`m${i}`, { clockRate: chance.pick([1, 1, 0.9, 1.001, 1.2]) }),
  );
}

function settle(machine: Machine, ports: Interface[], hasList: boolean, paths: PathOptions, chance: Chance): Home {
  const home = { machine, ports, hasList, paths, nics: [], hasCrashed: false } as unknown as Home;
  open(home, chance);
  return home;
}

/** Opens the host of a machine that has none. */
export function open(home: Home, chance: Chance): void {
  const { machine, ports, hasList, paths } = home;
  const { channel, ...options } = drawHost(chance);
  // Of several ways one works again before a channel may give up.
  const peerTimeout = hasList ? chance.pick([20_000, 5000]) : 20_000;
  home.options = { ...options, channel: { ...channel, peerTimeout } };
  const where = hasList ? { interface: ports, paths } : { interface: ports[0] };
  home.host = machine.open({ ...home.options, ...where });
  home.nics.push(...ports.map(({ nic }) => nic!));
}

function drawHost(chance: Chance): SimHostOptions {
  const harsh = chance.happens(0.3);
  const bits = chance.fork().bits;
  let drawn = 0;
  return {
    nic: {
      mtu: chance.pick([256, 576, 1500]),
      txFrames: chance.pick([64, 256, 1024]),
      rxFrames: chance.pick([64, 256, 1024]),
      ring: chance.pick([16, 64, 256]),
      temper: {
        busy: harsh ? 0.05 : 0,
        holdFails: harsh ? 0.05 : 0,
        holdCopies: chance.pick([0, 0.5, 1]),
        inFlight: chance.pick([0, 0, 40, 1000]),
      },
    },
    wait: chance.pick(['event', 'adaptive']),
    // Half of the sequence numbers begin just before they wrap, or change their sign. Ids, which are drawn in turn with them, are left to chance: were
    // they alike, what an enemy makes one host say of its channel would end that of another.
    random: () => {
      if (drawn++ % 2 === 0 || chance.happens(0.5)) return bits();
      return (chance.pick([0, 0x80000000]) - chance.between(1, 300)) | 0;
    },
    channel: {
      window: chance.pick([4, 16, 64, 256]),
      // Faults flip bits of payloads, too, and no link with a checksum is below.
      payloadCheck: true,
      minRto: chance.pick([1, 5]),
      congestion: chance.pick(['delay', 'fixed']),
      connectTimeout: 25_000,
    },
  };
}

/** The machine loses its power, and gets it back. */
export function powerCut(world: World, home: Home, chance: Chance): void {
  home.hasCrashed = true;
  // What the protocol held is gone with the machine: only breaches before that count.
  const lost = home.nics.splice(0);
  home.machine.crash();
  const breaches = lost.flatMap((nic) => nic.breaches);
  if (breaches.length > 0) throw new Error(breaches.join('; '));
  world.after(chance.between(1, 500), () => {
    home.machine.restart();
    open(home, chance);
  });
}

export function isExcused(...homes: readonly Home[]): boolean {
  return homes.some(({ hasCrashed }) => hasCrashed);
}

/** What is left when all hosts have been closed. */
export function leaksOf({ machine, host, nics }: Home): string[] {
  const found = nics.flatMap((nic) => nic.leaks());
  const { nic } = host;
  if (nic instanceof MultiNic && machine.alive && nic.used > 0)
    found.push(`${nic.used} frames of the common memory are missing`);
  return found.map((text) => `${machine.name}: ${text}`);
}
