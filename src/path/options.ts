import { ArgumentError, describe } from '../errors.js';

/**
 * `failover`: all frames by the best path. `stripe`: by all that work, each frame by the one that has it there first. `duplicate`: by the two best,
 * for the lowest tail.
 */
export type PathPolicy = 'failover' | 'stripe' | 'duplicate';
const POLICIES: readonly unknown[] = ['failover', 'stripe', 'duplicate'] satisfies PathPolicy[];

/** How a host uses several NICs. Times in ms. */
export interface PathOptions {
  /** Default `failover`. */
  policy?: PathPolicy;
  /** A path that rests is asked so often whether it works. Default 1000. */
  idleProbe?: number;
  /** One that carries frames. Default 5. */
  busyProbe?: number;
  /** A path that does not answer for so long, while another one does, has failed. Default 10. */
  silence?: number;
  /** A path that has failed is not preferred again before it has worked for so long; doubled each time it fails within a minute. Default 500. */
  probation?: number;
}

/** With their defaults, in µs. */
export interface PathSettings {
  readonly policy: PathPolicy;
  readonly idleProbe: number;
  readonly busyProbe: number;
  readonly silence: number;
  readonly probation: number;
}

/** What the room needs of the machine that it runs on: time, and chance. */
export interface PathSurroundings {
  readonly clock: { readonly cell: Float64Array; read(): void };
  /** 32 random bits. */
  readonly random: () => number;
}

const LONGEST = 3_600_000;
const NAMES: Readonly<Record<keyof PathOptions, true>> = {
  policy: true,
  idleProbe: true,
  busyProbe: true,
  silence: true,
  probation: true,
};

/** @throws ERR_EMP_ARGUMENT */
export function resolvePathOptions(options: PathOptions = {}): PathSettings {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(`paths is ${describe(options)}; expected an object.`, {
      remedy: `Pass { policy: 'stripe' }.`,
    });
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(NAMES, name)) continue;
    throw new ArgumentError(`paths has no option '${name}'.`, {
      remedy: `Its options are: ${Object.keys(NAMES).join(', ')}.`,
    });
  }
  const { policy = 'failover' } = options;
  if (!POLICIES.includes(policy)) {
    throw new ArgumentError(`paths.policy is ${describe(policy)}; expected 'failover', 'stripe' or 'duplicate'.`);
  }
  return {
    policy,
    idleProbe: microseconds('idleProbe', options.idleProbe, 1000),
    busyProbe: microseconds('busyProbe', options.busyProbe, 5),
    silence: microseconds('silence', options.silence, 10),
    probation: microseconds('probation', options.probation, 500),
  };
}

function microseconds(name: string, value: number | undefined, fallback: number): number {
  const ms = value ?? fallback;
  if (typeof ms === 'number' && ms >= 0.1 && ms <= LONGEST) return ms * 1000;
  throw new ArgumentError(`${name} is ${describe(ms)}; it must be a time in ms, from 0.1 to ${LONGEST}.`);
}
