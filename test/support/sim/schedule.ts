import type { ChannelOptions } from '../../../src/channel/options.js';
import type { Chance } from '../../../src/fault/chance.js';
import { CALM } from './network.js';
import type { Weather } from './network.js';
import type { SimHostOptions } from './simHost.js';
import type { Plan } from './talker.js';
import { MS, SECOND, World } from './world.js';

export type ScheduleKind = 'mixed' | 'gentle' | 'checked' | 'tiny' | 'large' | 'endings';

/**
 * One random schedule: hosts, channels, traffic both ways, faults for a while, then calm. Returns what went wrong; without aborts on
 * purpose, every channel has to end in peace with everything delivered.
 */
export function runSchedule(seed: number, kind: ScheduleKind): string[] {
  const world = new World(seed);
  const { chance, network } = world;
  const a = world.host('a', hostOptions(chance, kind));
  const b = world.host('b', hostOptions(chance, kind));
  network.weather = weather(chance, kind);
  network.after(chance.between(1, 1500) * MS, () => (network.weather = CALM));

  const count = kind === 'large' ? 1 : chance.between(1, 4);
  for (let i = 0; i < count; i++) {
    const [from, to] = chance.happens(0.5) ? [a, b] : [b, a];
    const options = channelOptions(chance, kind);
    const start = chance.between(0, 20) * MS;
    const client = plan(chance, kind);
    const server = plan(chance, kind);
    if (client.keepOpen && server.keepOpen) server.keepOpen = false;
    const serverOptions = channelOptions(chance, kind);
    network.after(start, () => {
      const session = world.session(from, to, client, server, options, serverOptions);
      if (kind !== 'endings' || chance.happens(0.3)) return;
      const victim = chance.pick([session.client, session.server]);
      network.after(chance.between(0, 300) * MS, () => victim.abort());
    });
  }
  const found = world.finish();
  if (kind === 'endings') return found;
  for (const { client, server } of world.sessions) {
    for (const side of [client, server]) {
      if (side.reason !== 'ended') found.push(`stream ${side.stream} closed: ${side.reason} ${side.error?.message}`);
      if (side.sent !== side.plan.lengths.length) found.push(`stream ${side.stream} sent only ${side.sent}`);
    }
  }
  return found;
}

function hostOptions(chance: Chance, kind: ScheduleKind): SimHostOptions {
  const tiny = kind === 'tiny';
  const harsh = kind !== 'gentle' && chance.happens(0.5);
  const bits = chance.fork().bits;
  return {
    mtu: kind === 'large' ? 1500 : chance.pick([96, 128, 200, 256, 512]),
    txFrames: tiny ? chance.pick([8, 16, 32, 64, 128]) : 2048,
    rxFrames: tiny ? chance.between(16, 48) : 2048,
    ring: tiny ? chance.between(4, 16) : 512,
    burst: chance.pick([1, 4, 16, 64]),
    late: chance.pick([0, 0, 30, 500]),
    temper: {
      busy: harsh ? chance.pick([0, 0.02, 0.3]) : 0,
      holdFails: harsh ? chance.pick([0, 0.05, 0.3]) : 0,
      holdCopies: chance.pick([0, 0.3, 1]),
      inFlight: chance.pick([0, 0, 40, 3000]),
    },
    // Half of the sequence numbers begin just before the wrap, or before the sign changes.
    random: () => (chance.happens(0.5) ? bits() : (chance.pick([0, 0x80000000]) - chance.between(1, 300)) | 0),
  };
}

function channelOptions(chance: Chance, kind: ScheduleKind): ChannelOptions {
  return {
    window: chance.pick(kind === 'tiny' ? [2, 4, 8, 16] : [2, 4, 8, 32, 128, 256]),
    payloadCheck: kind === 'checked' || chance.happens(0.2),
    connectTimeout: 20_000,
    peerTimeout: 60_000,
    keepAlive: chance.pick([200, 1000, 5000]),
    minRto: chance.pick([1, 5, 20]),
    initialRto: chance.pick([5, 50]),
  };
}

function weather(chance: Chance, kind: ScheduleKind): Weather {
  if (kind === 'gentle') return { ...CALM, delayMin: 20, delayMax: chance.pick([20, 200, 3000]) };
  const worst = chance.pick([0.02, 0.1, 0.3, 0.5]);
  const some = () => (chance.happens(0.6) ? chance.share * worst : 0);
  const delayMin = chance.between(5, 1000);
  return {
    drop: some(),
    double: some(),
    corrupt: some(),
    replay: some() / 2,
    pad: some(),
    burst: chance.happens(0.3) ? 0.01 : 0,
    burstLength: chance.between(2, 60),
    delayMin,
    delayMax: delayMin + chance.pick([0, 100, 1000, 10_000]),
  };
}

function plan(chance: Chance, kind: ScheduleKind): Plan {
  const lengths: number[] = [];
  // Bursts of small messages, which share frames, and now and then a longer one among them.
  const bursts = kind !== 'large' && chance.happens(0.3);
  const n = kind === 'large' ? chance.between(1, 4) : chance.pick(bursts ? [50, 200, 500] : [0, 1, 5, 30, 200]);
  for (let i = 0; i < n; i++) {
    const small = bursts && !chance.happens(0.02);
    lengths.push(small ? chance.between(0, 40) : messageLength(chance, kind));
  }
  const slow = chance.happens(0.3);
  return {
    lengths,
    start: 0,
    batch: chance.pick(bursts ? [20, 100, Infinity] : [1, 3, 20, Infinity, Infinity]),
    pause: chance.pick([0, 100, 5 * MS]),
    replies: chance.happens(0.3),
    reserve: chance.pick([0, 0.5, 1]),
    rests: slow ? chance.pick([0.01, 0.1, 0.5]) : 0,
    rest: chance.pick([100, 20 * MS, SECOND / 2]),
    abortAfter: kind === 'endings' && chance.happens(0.2) ? chance.between(0, 30) : Infinity,
    throwAfter: kind === 'endings' && chance.happens(0.2) ? chance.between(0, 30) : Infinity,
    keepOpen: chance.happens(0.3),
  };
}

function messageLength(chance: Chance, kind: ScheduleKind): number {
  if (kind === 'large') return chance.between(0, 2 ** chance.between(10, 20));
  if (chance.happens(0.05)) return chance.between(0, 8000);
  if (chance.happens(0.2)) return chance.pick([0, 1, 3, 4, 5]);
  return chance.between(0, 300);
}
