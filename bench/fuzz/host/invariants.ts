import { hold } from '../target.js';
import type { HonestTalk } from './honest.js';
import { WINDOW, type Stage } from './stage.js';

/** Bytes that may be allocated for one input: no length that a frame claims is believed. */
const MOST_BYTES = 32 << 20;

/** What holds at any time. */
export function checkBounds({ victim, nics: [nic], failure }: Stage): void {
  if (failure !== undefined) throw failure;
  const { channels } = victim.counters();
  // Frames that wait for an earlier one: a window for each channel.
  hold(nic.rxUsed <= channels * WINDOW, `${nic.rxUsed} receive frames are held for ${channels} channels`);
  // Frames that are queued or under way: two windows, and one that is being filled; frames for a peer may gather in one.
  const most = channels * (2 * WINDOW + 1) + channels;
  hold(nic.txUsed <= most, `${nic.txUsed} transmit frames are held for ${channels} channels`);
}

/** What holds when all is over. */
export async function checkEnd(stage: Stage, talk: HonestTalk): Promise<void> {
  const { victim, honest, nics } = stage;
  const trouble = await talk.end(stage);
  checkBounds(stage);
  if (trouble !== undefined) throw new Error(trouble);
  checkCounters(stage);
  await victim.close();
  await honest.close();
  if (stage.failure !== undefined) throw stage.failure;
  const left = nics.flatMap((nic) => nic.leaks());
  hold(left.length === 0, left.join('; '));
}

/** Every frame that was offered is in some counter. */
function checkCounters({ victim, nics: [nic], arrived, offered: { length: offered } }: Stage): void {
  const { nic: wire, host, rejected } = victim.counters();
  const taken = arrived - nic.waiting;
  hold(wire.rxFrames === taken, `${taken} frames arrived, ${wire.rxFrames} were counted`);
  hold(
    arrived + wire.rxDropped >= offered,
    `${offered} frames were offered, ${arrived} came, ${wire.rxDropped} were dropped`,
  );
  hold(host.framesReceived >= wire.rxFrames, `of ${wire.rxFrames} frames only ${host.framesReceived} were looked at`);
  const strange = Object.values(rejected).reduce((sum, one) => sum + one, 0);
  const named = strange + host.unknownChannel + host.connectsReceived + host.unexpected;
  hold(named <= host.framesReceived, `${named} frames have a reason, of ${host.framesReceived}`);
}

/** Memory of buffers, for `checkMemory`. */
export function memoryNow(): number {
  return process.memoryUsage().arrayBuffers;
}

export function checkMemory(before: number): void {
  const grown = memoryNow() - before;
  hold(grown < MOST_BYTES, `one input took ${grown} bytes of buffers`);
}
