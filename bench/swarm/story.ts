import { World } from '../../src/sim/index.js';
import type { Chance } from '../../src/sim/index.js';
import { Enemy } from './enemy.js';
import { buildSeveral, buildSingle, isExcused, leaksOf, powerCut, type Home, type Stage } from './homes.js';
import { PathEnemy } from './pathEnemy.js';
import { calm, plaguePaths } from './pathTroubles.js';
import { Talker, type Part } from './talker.js';
import { plague } from './troubles.js';

/** Phase two: with all faults over, everything must be done within so much of virtual time, ms. */
const PATIENCE = 30_000;
const STEP = 50;
/** So many stories are of machines with several NICs. */
const SEVERAL = 1 / 3;

export interface Story {
  /** What went wrong; empty: nothing. */
  readonly found: readonly string[];
  /** The same for the same seed, or the world is not deterministic. */
  readonly digest: string;
}

interface Session {
  readonly client: Talker;
  readonly server: Talker;
  /** A machine of it has crashed: it ends, but not in peace. */
  readonly machines: readonly [Home, Home];
  /** Of the server's machine. */
  readonly address: string;
}

/**
 * One seed: it draws machines, wires, traffic, and the probabilities of everything that may go wrong. While it goes wrong, nothing may be lost, doubled,
 * reordered or changed (safety); then it stops, but for some ways of several, and all must come to its end (progress). Nothing may be left behind.
 */
export async function tell(seed: number): Promise<Story> {
  const world = new World({ seed });
  const chance = world.fork();
  const several = world.fork();
  const stage = several.happens(SEVERAL) ? buildSeveral(world, several) : buildSingle(world, chance);
  const { homes, links } = stage;
  const until = chance.between(50, 1500);
  plague(
    world,
    chance,
    links,
    homes.map(({ machine }) => machine),
    until,
  );
  const lasts = stage.lanes.length > 1 && plaguePaths(world, several, stage, until);
  if (chance.happens(0.25)) war(world, chance, stage, until);
  const crash = chance.happens(0.15) ? chance.pick(homes) : undefined;
  if (crash !== undefined) world.after(chance.share * until, () => powerCut(world, crash, chance));
  const sessions = Array.from({ length: chance.between(1, 5) }, (_, i) => draw(chance, stage, lasts, i));

  return world.run(async () => {
    for (const session of sessions) void begin(world, session, chance.share * 20);
    await world.sleep(until);
    calm(stage);
    await progress(world, sessions);
    const found = sessions.flatMap(verdict);
    await Promise.all(homes.filter(({ machine }) => machine.alive).map(({ host }) => host.close()));
    found.push(...homes.flatMap(leaksOf));
    return { found, digest: digestOf(world, sessions, stage) };
  });
}

/** An enemy on the wires throws frames at all, for as long as there are faults. */
function war(world: World, chance: Chance, { homes, lanes, isShared }: Stage, until: number): void {
  const enemy = new Enemy(chance.fork());
  const dice = chance.fork();
  const ofPaths = lanes.length > 1 ? new PathEnemy(dice.fork()) : undefined;
  const wireOf = (lane: number): number => (isShared ? 0 : lane);
  for (const [lane, links] of lanes.entries()) {
    for (const link of links) {
      link.filter = (packet) => {
        enemy.see(packet, wireOf(lane));
        ofPaths?.see(packet);
        return true;
      };
    }
  }
  const all = homes.flatMap(({ machine }) => machine.interfaces.map(({ name }) => name));
  const own = (address: string): string[] => all.filter((name) => name.startsWith(address.slice(0, 3)));
  for (let at = dice.share * 5; at < until; at += dice.share * 10) {
    world.after(at, () => {
      const [victim, other] = [dice.pick(homes), dice.pick(homes)];
      const port = dice.pick(victim.ports);
      const { nic } = port;
      if (!victim.machine.alive || nic === undefined) return;
      // Among several NICs it names whoever sent what it repeats, or somebody on this wire: who carries the frames of a channel from one address to
      // another can do to it what the peer can (docs/security.md).
      const lane = victim.machine.interfaces.indexOf(port);
      const { name } = other.machine.interfaces[lane];
      const forged = ofPaths !== undefined && dice.happens(0.5) ? ofPaths.frame(own, all) : undefined;
      const bytes = forged?.bytes ?? enemy.frame(nic.address, wireOf(lane));
      const from = forged?.from ?? (ofPaths === undefined ? name : (enemy.origin ?? name));
      nic.arrive(bytes.subarray(0, nic.info.mtu), from);
    });
  }
}

function draw(chance: Chance, { homes, kept }: Stage, lasts: boolean, index: number): Session {
  const from = chance.pick(homes);
  const to = chance.pick(homes.filter((home) => home !== from));
  const client = new Talker(from.machine, index * 2, drawPart(chance), chance.fork());
  const server = new Talker(to.machine, index * 2 + 1, drawPart(chance), chance.fork());
  client.partner = server;
  server.partner = client;
  // It is known by one address until it has been reached: by one that will always be there.
  const isSure = lasts || to.ports.length === 1 || from.ports.length === 1;
  const port = isSure ? to.machine.interfaces[kept] : chance.pick(to.ports);
  return { client, server, machines: [from, to], address: port.name };
}

function drawPart(chance: Chance): Part {
  const longest = chance.pick([20, 300, 3000, 100_000]);
  const count = longest > 3000 ? chance.between(0, 5) : chance.pick([0, 1, 20, 150]);
  return {
    lengths: Array.from({ length: count }, () => chance.between(0, longest)),
    pause: chance.pick([0, 0, 1, 10]),
    rest: chance.pick([undefined, undefined, 5, 50]),
  };
}

/** Connects, talks, and closes; a crash may end it at any point. */
async function begin(world: World, session: Session, delay: number): Promise<void> {
  const {
    client,
    server,
    machines: [from, to],
    address,
  } = session;
  const port = client.stream;
  to.host.listen(port, {
    allowHalfOpen: true,
    onChannel: (channel) => {
      if (server.channel !== undefined) {
        server.faults.push(`stream ${server.stream} was accepted twice`);
        return;
      }
      server.attach(channel);
      void server.talk();
    },
  });
  await world.sleep(delay);
  try {
    const channel = await from.host.connect(address, port, { allowHalfOpen: true });
    client.attach(channel);
    await client.talk();
  } catch (error) {
    if (!isExcused(from, to)) client.faults.push(`stream ${port} was not connected: ${String(error)}`);
  }
}

/** Waits until all is done that can be done. */
async function progress(world: World, sessions: readonly Session[]): Promise<void> {
  for (let waited = 0; waited < PATIENCE && !sessions.every(isOver); waited += STEP) await world.sleep(STEP);
}

function isOver({ client, server, machines }: Session): boolean {
  if (!isExcused(...machines)) return client.isDone && server.isDone;
  // Whoever had no crash hears of it; the other one has nobody left to tell.
  return [client, server].every(
    ({ channel, end }, i) => machines[i].hasCrashed || channel === undefined || end !== undefined,
  );
}

function verdict(session: Session): string[] {
  const { client, server, machines } = session;
  const found = [...client.faults, ...server.faults];
  if (isOver(session)) return found;
  for (const side of [client, server]) {
    const { stream, sent, received, end, part, partner } = side;
    const told = end === undefined ? 'open' : `${end.reason} ${end.error?.message ?? ''}`;
    const whole = `${sent} of ${part.lengths.length} sent, ${received} of ${partner.part.lengths.length} heard`;
    const where = isExcused(...machines) ? ', of a machine that crashed' : '';
    found.push(`stream ${stream}${where} is not done after ${PATIENCE / 1000} s without faults: ${told}; ${whole}`);
  }
  return found;
}

function digestOf(world: World, sessions: readonly Session[], { links }: Stage): string {
  const streams = sessions.flatMap(({ client, server }) =>
    [client, server].map((one) => `${one.sent}/${one.received}`),
  );
  const frames = links.map((link) => link.count.frames);
  return `${world.now} ${streams.join(' ')} ${frames.join(' ')} ${world.fingerprint}`;
}
