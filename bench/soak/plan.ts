/** What a storm will be, drawn from its seed: plain data, so that a test can bend it. */
import type { DriverName, HostOptions, PathPolicy } from '../../src/index.js';
import type { Chance } from '../../src/fault/chance.js';
import type { Part } from '../swarm/talker.js';

export type Side = 'a' | 'b';

export interface HostPlan {
  /** Undefined: a single NIC, without paths. */
  readonly policy: PathPolicy | undefined;
  readonly txFrames: number;
  readonly options: Omit<HostOptions, 'nic' | 'paths'>;
}

export interface SessionPlan {
  readonly stream: number;
  readonly parts: readonly [Part, Part];
  /** Cut off on purpose after so long, ms. */
  readonly abortAfter: number | undefined;
}

/**
 * `unplug`: a link goes down at one end. `silence`: a switch drops everything, and tells nobody. `give up`: a NIC is taken from its host, and given back.
 * `close`: a host ends without waiting, and comes back. `power cut`: it does so without a word to its peers.
 */
export type TroubleKind = 'unplug' | 'silence' | 'give up' | 'close' | 'power cut';

export interface TroublePlan {
  readonly kind: TroubleKind;
  readonly side: Side;
  readonly lane: number;
  /** When it begins, and how long it lasts, ms. */
  readonly at: number;
  readonly lasts: number;
}

/** Sessions that begin together, and what happens to them. The next one begins when all is over. */
export interface Act {
  readonly sessions: readonly SessionPlan[];
  readonly troubles: readonly TroublePlan[];
}

export interface StormPlan {
  /** Of each lane; both hosts have a NIC of that driver there. */
  readonly drivers: readonly DriverName[];
  readonly hosts: Readonly<Record<Side, HostPlan>>;
  readonly acts: readonly Act[];
}

/** What there is to choose from. */
export interface Means {
  readonly drivers: readonly DriverName[];
  readonly lanes: number;
  /** There are links that can be unplugged, and switches that can fall silent. */
  readonly hasLinks: boolean;
}

/** The longest of the troubles, and how late they begin, ms. */
const LONGEST = 400;
const SPREAD = 600;

export function drawStorm(chance: Chance, means: Means): StormPlan {
  const several = chance.happens(0.65);
  const count = several ? chance.between(1, means.lanes) : 1;
  const drivers = Array.from({ length: count }, () => chance.pick(means.drivers));
  const host = (): HostPlan => drawHost(chance, several);
  const kinds = kindsFor(drivers, several, means);
  const acts = Array.from({ length: chance.between(1, 3) }, (_, act) => ({
    sessions: Array.from({ length: chance.between(1, 6) }, (__, i) => drawSession(chance, 12 * act + 2 * i)),
    troubles: Array.from({ length: chance.pick([0, 1, 2, 4]) }, () => drawTrouble(chance, kinds, count)),
  }));
  return { drivers, hosts: { a: host(), b: host() }, acts };
}

function kindsFor(drivers: readonly DriverName[], several: boolean, { hasLinks }: Means): TroubleKind[] {
  const wired = hasLinks && drivers.every((driver) => driver !== 'memory');
  return [
    ...(wired ? (['unplug', 'unplug', 'unplug', 'silence', 'silence'] as const) : []),
    ...(several && drivers.length > 1 ? (['give up', 'give up'] as const) : []),
    'close',
    'power cut',
  ];
}

function drawHost(chance: Chance, several: boolean): HostPlan {
  const worst = chance.pick([0, 0.01, 0.03]);
  const some = (): number => (chance.happens(0.5) ? chance.share * worst : 0);
  const faults = {
    ...{ drop: some(), burst: some() / 10, duplicate: some(), reorder: some(), corrupt: some(), truncate: some() },
    ...{ replay: some(), seed: chance.bits() },
  };
  return {
    policy: several ? chance.pick(['failover', 'stripe', 'duplicate'] as const) : undefined,
    txFrames: chance.pick([512, 4096]),
    options: {
      wait: chance.pick(['event', 'adaptive', 'spin']),
      channel: {
        ...{ window: chance.pick([8, 64, 256]), payloadCheck: true, congestion: chance.pick(['delay', 'fixed']) },
        keepAlive: 500, // who outlives its peer learns it soon
      },
      ...(chance.happens(0.8) ? { faults } : {}),
    },
  };
}

function drawSession(chance: Chance, stream: number): SessionPlan {
  return {
    stream,
    parts: [drawPart(chance), drawPart(chance)],
    abortAfter: chance.happens(0.15) ? chance.share * 100 : undefined,
  };
}

function drawPart(chance: Chance): Part {
  const longest = chance.pick([16, 300, 3000, 500_000]);
  const few = longest > 3000;
  const count = few ? chance.between(0, 16) : chance.pick([0, 1, 100, 1000, 10_000]);
  return {
    lengths: Array.from({ length: count }, () => chance.between(0, longest)),
    // Some last so long that they meet all troubles.
    pause: few ? chance.pick([0, 40]) : count <= 1000 ? chance.pick([0, 2]) : 0,
    rest: chance.pick([undefined, undefined, 3]),
  };
}

function drawTrouble(chance: Chance, kinds: readonly TroubleKind[], lanes: number): TroublePlan {
  return {
    kind: chance.pick(kinds),
    side: chance.pick(['a', 'b'] as const),
    lane: chance.between(0, lanes - 1),
    at: chance.share * SPREAD,
    lasts: chance.share * LONGEST,
  };
}
