import type { Chance, Failure, Interface, Link, World } from '../../src/sim/index.js';
import { CALM } from './troubles.js';
import type { Home, Stage } from './homes.js';

/** The longest of those that pass, ms. */
const LONGEST = 500;

/**
 * Troubles of one way of several: each passes before `until`, ms, or, if it is not one of the lane that is kept, lasts for the rest of the story.
 * Returns whether one of them lasts.
 */
export function plaguePaths(world: World, chance: Chance, stage: Stage, until: number): boolean {
  const { homes, lanes, kept } = stage;
  let lasts = false;
  for (let n = chance.pick([0, 1, 2, 4, 8]); n > 0; n--) {
    const lane = chance.between(0, lanes.length - 1);
    const forGood = lane !== kept && chance.happens(0.4);
    const from = chance.share * until;
    const to = forGood ? Infinity : Math.min(until, from + chance.share * LONGEST);
    if (forGood) lasts = true;
    const home = chance.pick(homes);
    const port = home.machine.interfaces[lane];
    const kind = chance.pick(['link', 'cut', 'flap', 'nic', 'nic', 'removed', 'given up'] as const);
    const span = { world, chance, from, to };
    if (kind === 'link') sever(span, chance.pick(lanes[lane]));
    else if (kind === 'cut') cut(span, chance.pick(lanes[lane]));
    else if (kind === 'flap') flap(span, chance.pick(lanes[lane]), until);
    else if (kind === 'nic') fail(span, port);
    else if (lane === kept || !home.hasList) continue;
    else if (kind === 'given up') giveUp(span, home, port);
    else {
      lasts = true;
      world.after(from, () => remove(home, port));
    }
  }
  return lasts;
}

interface Span {
  readonly world: World;
  readonly chance: Chance;
  readonly from: number;
  /** Infinity: for the rest of the story. */
  readonly to: number;
}

function during({ world, from, to }: Span, begin: () => void, end: () => void): void {
  world.after(from, begin);
  if (to < Infinity) world.after(to, end);
}

function sever(span: Span, link: Link): void {
  during(
    span,
    () => (link.up = false),
    () => (link.up = true),
  );
}

function cut(span: Span, link: Link): void {
  const way = span.chance.pick(['a to b', 'b to a', 'both'] as const);
  during(
    span,
    () => (link.cut = way),
    () => (link.cut = 'none'),
  );
}

/** Up and down, again and again. */
function flap({ world, chance, from, to }: Span, link: Link, until: number): void {
  const end = Math.min(to, until);
  const isTold = chance.happens(0.5);
  const set = (works: boolean): void => {
    if (isTold) link.up = works;
    else link.cut = works ? 'none' : 'both';
  };
  const period = chance.pick([2, 10, 40, 100]);
  for (let at = from, works = false; at < end; at += chance.share * period, works = !works) {
    const now = works;
    world.after(at, () => set(now));
  }
  world.after(end, () => set(to < Infinity));
}

function fail(span: Span, port: Interface): void {
  const failure = span.chance.pick<Failure>(['dead', 'mute', 'deaf', 'full']);
  during(
    span,
    () => (port.failure = failure),
    () => (port.failure = 'none'),
  );
}

/** Its module is unloaded. */
function remove(home: Home, port: Interface): void {
  if (!home.ports.includes(port)) return;
  home.ports.splice(home.ports.indexOf(port), 1);
  port.remove();
}

/** The application takes it from its host, and gives it back later. */
function giveUp(span: Span, home: Home, port: Interface): void {
  const chance = span.chance.fork();
  let isAway = false;
  const begin = (): void => {
    const { machine, host, ports } = home;
    if (!machine.alive || !ports.includes(port)) return;
    isAway = true;
    ports.splice(ports.indexOf(port), 1);
    host.removeNic(port.nic!);
  };
  const end = (): void => {
    if (!isAway) return;
    home.ports.push(port);
    if (!home.machine.alive) return; // its next host is opened with it
    const nic = port.open(chance.fork(), home.options.nic);
    home.nics.push(nic);
    void home.host.addNic(nic);
  };
  during(span, begin, end);
}

/** All that passes is over. */
export function calm({ links }: Stage): void {
  for (const link of links) link.faults = CALM;
}
