import type { Chance, Failure, Faults, Link, LinkOptions, Machine, World } from '../../src/sim/index.js';

/** What a seed draws for a wire: what it is like, and what befalls its frames for a while. */
export function drawLink(chance: Chance): LinkOptions {
  const rate = chance.pick([Infinity, 1e9, 1e8]);
  return { ...(rate === Infinity ? {} : { rate }), queue: chance.pick([32, 200, 1000]), faults: drawFaults(chance) };
}

function drawFaults(chance: Chance): Faults {
  const worst = chance.pick([0, 0.01, 0.05, 0.2]);
  const some = () => (chance.happens(0.5) ? chance.share * worst : 0);
  const low = chance.between(1, 200);
  return {
    drop: some(),
    burst: some() / 10,
    burstLength: chance.between(2, 40),
    duplicate: some(),
    reorder: some(),
    corrupt: some(),
    truncate: some(),
    replay: some() / 2,
    pad: some(),
    delay: chance.pick([
      low,
      [low, low + 100],
      { mean: low, deviation: low / 4 },
      { mean: low, tail: 'exponential' },
    ] as const),
  };
}

/** A wire that does no harm any more. */
export const CALM: Faults = { delay: 20 };

/** Troubles of a kind that pass: each has a beginning and an end before `until`, ms. */
export function plague(
  world: World,
  chance: Chance,
  links: readonly Link[],
  machines: readonly Machine[],
  until: number,
): void {
  const span = (begin: () => void, end: () => void, longest: number) => {
    const from = chance.share * until;
    world.after(from, begin);
    world.after(Math.min(until, from + chance.share * longest), end);
  };
  for (let n = chance.pick([0, 0, 1, 3]); n > 0; n--) {
    const link = chance.pick(links);
    const way = chance.pick(['a to b', 'b to a', 'both'] as const);
    const flap = chance.happens(0.5);
    span(
      () => (flap ? (link.up = false) : (link.cut = way)),
      () => (flap ? (link.up = true) : (link.cut = 'none')),
      300,
    );
  }
  for (let n = chance.pick([0, 0, 1]); n > 0; n--) {
    const [port] = chance.pick(machines).interfaces;
    const failure = chance.pick<Failure>(['dead', 'mute', 'deaf', 'full']);
    span(
      () => (port.failure = failure),
      () => (port.failure = 'none'),
      300,
    );
  }
  if (machines.length > 2 && chance.happens(0.2)) {
    const some = machines.filter(() => chance.happens(0.5));
    span(
      () => world.partition(some),
      () => world.partition(),
      300,
    );
  }
  for (let n = chance.pick([0, 0, 2]); n > 0; n--) {
    const machine = chance.pick(machines);
    world.after(chance.share * until, () => machine.pause(chance.share * 200));
  }
}
