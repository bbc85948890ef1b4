import { ATTEMPTS } from './path.js';
import type { Path } from './path.js';
import type { PathPeer } from './peer.js';

/** A queue that moves may take so many times longer than silence would. */
const SLOWEST = 10;

/** Whether a path has failed, though its link is up: it has been asked, and has been silent, for long since another one has answered. */
export function isSilent(peer: PathPeer, suspect: Path, now: number): boolean {
  const patience = suspect.patience(peer.trip);
  const silence = now - suspect.witnessedAt;
  if (suspect.askedSince < ATTEMPTS || silence < patience || suspect.member.backlogged) return false;
  // While acknowledgements advance a probe may wait in a long queue, but not for ever: one direction may be dead, and they come another way.
  const progressAt = peer.policy === 'stripe' ? suspect.load.arrivedAt : peer.progressAt;
  const carries = suspect === peer.active || peer.policy !== 'failover';
  return !(carries && now - progressAt < patience && silence < SLOWEST * patience);
}

/** When that is to be looked at, µs. */
export function verdictAt(peer: PathPeer, suspect: Path): number {
  return suspect.witnessedAt + suspect.patience(peer.trip);
}

/** Other paths to the peer that have not been asked since the suspect was: their answer tells its silence from the peer's. */
export function witnessesToAsk(peer: PathPeer, suspect: Path): Path[] {
  const { unansweredSince } = suspect;
  return peer.paths.filter((path) => {
    const isAsked = path.unanswered > 0 && path.probedAt >= unansweredSince;
    return path !== suspect && path.isUsable && !isAsked && path.echoedProbeAt < unansweredSince;
  });
}

/** A path has answered: those that were asked before, and have not, are suspects. */
export function bearWitness(peer: PathPeer, witness: Path, now: number): void {
  for (const path of peer.paths) {
    if (path !== witness && path.isUsable && path.unanswered > 0 && witness.echoedProbeAt >= path.unansweredSince) {
      path.witnessed(now);
    }
  }
}
