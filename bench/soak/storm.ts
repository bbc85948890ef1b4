/**
 * A storm: two hosts over real rings whose wires have faults, channels of all kinds between them, links that fail, NICs that come and go, hosts that end and come
 * back. Every byte is checked, and when it is over no frame may be held.
 */
import { setTimeout as delay } from 'node:timers/promises';

import type { Host } from '../../src/index.js';
import { Chance } from '../../src/fault/chance.js';
import { Home } from './home.js';
import type { Act, StormPlan } from './plan.js';
import { Session } from './session.js';
import type { Site } from './site.js';
import { trouble } from './troubles.js';

/** An act that takes longer, ms, has hung. */
const PATIENCE = 60_000;
/** Frames come back from the kernel, and from channels that linger, within so long, ms. */
const SETTLE = 5000;

export interface StormResult {
  /** What went wrong; empty: nothing. */
  readonly found: readonly string[];
  readonly messages: number;
  readonly troubles: number;
  readonly restarts: number;
  /** Times frames took another path. */
  readonly switches: number;
}

/** For tests. */
export interface StormOptions {
  /** Frames come back within so long, ms. Default 5000. */
  readonly settle?: number;
  /** Is shown each host before it is used. */
  readonly onOpen?: (host: Host) => void;
}

export async function storm(
  { drivers, hosts, acts }: StormPlan,
  seed: number,
  site: Site,
  { settle = SETTLE, onOpen }: StormOptions = {},
): Promise<StormResult> {
  const chance = new Chance(seed);
  const homes = { a: new Home('a', site, drivers, hosts.a), b: new Home('b', site, drivers, hosts.b) };
  const both = [homes.a, homes.b];
  const found: string[] = [];
  let messages = 0;
  let troubles = 0;
  try {
    for (const home of both) await home.open().then(() => onOpen?.(home.host));
    for (const [index, act] of acts.entries()) {
      const sessions = act.sessions.map((plan) => new Session(plan, chance));
      const done = await within(PATIENCE, play(act, sessions, homes, site));
      if (done === undefined) found.push(`act ${index} has hung`);
      else troubles += done;
      found.push(...sessions.flatMap((session) => session.verdict()));
      for (const { client, server } of sessions) messages += client.received + server.received;
      if (found.length > 0) break;
      found.push(...(await Promise.all(both.map((home) => leftOver(home, settle)))).flat());
    }
  } catch (error) {
    found.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    for (const home of both) await home.close(chance.happens(0.3));
  }
  const [restarts, switches] = [sum(both, ({ generation }) => generation - 1), sum(both, (home) => home.switches)];
  return { found, messages, troubles, restarts, switches };
}

/** Returns how many troubles there were. */
async function play(act: Act, sessions: Session[], homes: Record<'a' | 'b', Home>, site: Site): Promise<number> {
  const connecting = sessions.map((session) => session.connect(homes.a, homes.b));
  const scene = { site, homes, sessions, connected: Promise.allSettled(connecting) };
  const [made] = await Promise.all([
    Promise.all(act.troubles.map((plan) => trouble(scene, plan))),
    ...sessions.map((session, i) => connecting[i].then(() => session.talk())),
  ]);
  return made.filter(Boolean).length;
}

/** Undefined: it was not over in time. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const late = new AbortController();
  const hung = delay(ms, undefined, { signal: late.signal });
  hung.catch(() => undefined);
  work.catch(() => undefined);
  return Promise.race([work, hung]).finally(() => late.abort());
}

/** Frames that are still held when nothing is under way any more. */
async function leftOver(home: Home, settle: number): Promise<string[]> {
  const until = performance.now() + settle;
  let held = home.heldFrames;
  while (held.length > 0 && performance.now() < until) {
    await delay(5);
    held = home.heldFrames;
  }
  return held.map((frames) => `host ${home.side} still holds frames of ${frames}`);
}

function sum(homes: readonly Home[], of: (home: Home) => number): number {
  return homes.reduce((total, home) => total + of(home), 0);
}
