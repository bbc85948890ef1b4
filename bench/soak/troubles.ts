import { setTimeout as delay } from 'node:timers/promises';

import type { Home } from './home.js';
import type { Side, TroublePlan } from './plan.js';
import type { Session } from './session.js';
import type { Site } from './site.js';

/** What troubles act on. */
export interface Scene {
  readonly site: Site;
  readonly homes: Readonly<Record<Side, Home>>;
  readonly sessions: readonly Session[];
  /** All sessions have a channel, or have failed to get one. */
  readonly connected: Promise<unknown>;
}

/** Settles when it is over, and mended. Returns whether it could be made at all. */
export async function trouble(scene: Scene, { kind, side, lane, at, lasts }: TroublePlan): Promise<boolean> {
  const { site, homes, connected } = scene;
  const home = homes[side];
  await delay(at);
  switch (kind) {
    case 'unplug':
      await site.plug(lane, side, false);
      await delay(lasts);
      await site.plug(lane, side, true);
      return true;
    case 'silence':
      await site.forward(lane, false);
      await delay(lasts);
      await site.forward(lane, true);
      return true;
    case 'give up': {
      await connected; // an address that is gone cannot be called
      const { generation } = home;
      if (!home.giveUp(lane)) return false;
      await delay(lasts);
      // A new host has opened it.
      if (home.isOpen && home.generation === generation) await home.giveBack(lane);
      return true;
    }
    case 'close':
    case 'power cut':
      await connected;
      return restart(scene, home, kind === 'close' ? () => home.close(true) : () => home.cutPower(), lasts);
  }
}

async function restart({ sessions }: Scene, home: Home, end: () => Promise<void>, lasts: number): Promise<boolean> {
  if (!home.isOpen) return false;
  for (const session of sessions) session.cut();
  await end();
  await delay(lasts);
  await home.open();
  return true;
}
