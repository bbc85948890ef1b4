import { Deadlines } from '../arq/deadlines.js';
import type { LinkAddress, PeerIndex } from '../nic/contract.js';
import { PathCounter } from './counters.js';
import { Directory } from './directory.js';
import { pathInfo } from './events.js';
import type { PathEvent, PathInfo, PathReason } from './events.js';
import { PathFrames } from './frames.js';
import { Hearing, type PathOwner } from './hearing.js';
import { isSilent, verdictAt, witnessesToAsk } from './judge.js';
import type { Member } from './member.js';
import type { PathSettings, PathSurroundings } from './options.js';
import { Path, PathState } from './path.js';
import { PathPeer } from './peer.js';
import { Spread } from './spread.js';

/** Who is late by more than this has slept, and not its peers: µs. */
const OVERSLEPT = 5000;
/** A judgement that has to wait is made so much later, µs. */
const SOON = 1000;

/**
 * Which NIC reaches which peer (rows A8, A11): asks, judges, chooses, and tells. A path works if it answers; it has failed if its link is down, here or
 * there, or if it is silent while another path to the same peer answers. Silence of all paths is the peer's: nothing is switched then.
 */
export class Paths implements PathOwner {
  /** Frames under way to a peer are better sent again: they went by a path that has failed. */
  onReroute: (peer: PeerIndex, path: number) => void = () => undefined;
  onEvent: ((event: PathEvent) => void) | undefined = undefined;

  readonly members: Member[] = [];
  /** Whose burst is looked at. */
  lender: Member | undefined = undefined;
  /** From whom an entry of it came. */
  sourceOf!: (entry: number) => LinkAddress;
  /** Defined if frames to one peer go by several paths. */
  readonly spread: Spread | undefined;
  readonly #settings: PathSettings;
  readonly #now: Float64Array;
  readonly #clock: PathSurroundings['clock'];
  readonly #frames: PathFrames;
  readonly #directory = new Directory();
  readonly #deadlines = new Deadlines();
  /** The next deadline, as it was when `tick` had run: to see that we have overslept. */
  readonly #due = new Float64Array([Infinity]);
  readonly #hearing: Hearing;

  constructor(settings: PathSettings, { clock, random }: PathSurroundings) {
    this.#settings = settings;
    this.#now = clock.cell;
    this.#clock = clock;
    this.#frames = new PathFrames(this.members, random);
    this.#hearing = new Hearing(this.#directory, this.#frames, clock, this);
    this.spread = settings.policy === 'stripe' ? new Spread(this.#directory.peers, clock.cell) : undefined;
  }

  /** By `PathCounter`. */
  get counters(): Float64Array {
    return this.#frames.counters;
  }

  /** Counts there from now on, beginning with what was counted so far. */
  countIn(memory: Float64Array): void {
    memory.set(this.counters);
    this.#frames.counters = memory;
  }

  /** When `tick` wants to be called, µs. */
  get next(): number {
    return this.#deadlines.next;
  }

  at(index: PeerIndex): PathPeer {
    return this.#directory.peers[index]!;
  }

  get list(): PathInfo[] {
    return this.#directory.all.flatMap((peer) => peer.paths.map((path) => pathInfo(peer, path)));
  }

  // ---- peers

  /** @throws ERR_EMP_ADDRESS if no NIC takes it for one */
  enter(address: LinkAddress): PathPeer {
    const directory = this.#directory;
    const known = directory.at(address);
    if (known !== undefined) {
      known.uses++;
      return known;
    }
    const peer = new PathPeer(directory.number(), address);
    peer.policy = this.#settings.policy;
    const refusal = this.#seek(peer, address);
    if (refusal !== undefined) {
      directory.release(peer.index);
      throw refusal;
    }
    directory.enter(peer);
    // Who is answered for the first time is answered by the NIC that he came by.
    if (this.lender !== undefined) peer.heard(this.lender);
    return peer;
  }

  leave(index: PeerIndex): void {
    const peer = this.#directory.peers[index];
    if (peer === undefined || --peer.uses > 0) return;
    for (const path of peer.paths) path.member.nic.forget(path.nicPeer);
    this.#deadlines.remove(index);
    this.#directory.leave(peer);
  }

  /** There is a channel to the peer, or will be: which paths are there? (Whoever is only refused something is not worth so many questions.) */
  meet(index: PeerIndex): void {
    const peer = this.at(index);
    if (peer.isMet) return;
    peer.isMet = true;
    this.#clock.read();
    for (const path of peer.paths) this.probe(peer, path);
    this.schedule(peer);
  }

  /** By whatever address it is known. */
  known(address: LinkAddress): PathPeer | undefined {
    return this.#directory.at(address);
  }

  /** A path from each NIC that takes the address for one of its kind. What the last one said, if none does. */
  #seek(peer: PathPeer, address: LinkAddress): Error | undefined {
    let refusal: Error | undefined;
    for (const member of this.members) {
      if (member.nic.state === 'closed' || member.nic.state === 'removed') continue;
      if (peer.isFull || peer.find(member, address) !== undefined) continue;
      try {
        peer.add(new Path(member, address, member.nic.peer(address), this.#settings, this.#now[0]));
      } catch (error) {
        refusal = error as Error; // another kind of address
      }
    }
    return peer.paths.length === 0 ? refusal : undefined;
  }

  /** Addresses that it has told of. Our own are none: two machines on two networks may use the same. */
  seekTold(peer: PathPeer): void {
    const own = this.members.map(({ nic }) => nic.info.address);
    for (const address of peer.told) if (!own.includes(address)) this.#seek(peer, address);
  }

  // ---- NICs

  join(member: Member): void {
    this.members.push(member);
    this.#changed(() => {
      for (const peer of this.#directory.all) {
        this.#seek(peer, peer.address);
        this.seekTold(peer);
        for (const path of peer.paths) if (path.member === member) this.probe(peer, path);
      }
    });
  }

  /** The NIC is given up. */
  part(member: Member): void {
    member.up = false;
    this.members.splice(this.members.indexOf(member), 1);
    this.#frames.left(member.nic.info.address);
    this.#changed(() => {
      for (const peer of this.#directory.all) {
        for (const path of peer.paths.filter((one) => one.member === member)) this.drop(peer, path);
      }
    });
  }

  /** The link of a NIC went up or down. */
  link(member: Member, up: boolean): void {
    if (up === member.up) return;
    member.up = up;
    this.#changed(() => {
      for (const peer of this.#directory.all) {
        for (const path of peer.paths) {
          if (path.member !== member) continue;
          if (!up) this.fail(peer, path, 'link-down');
          else this.probe(peer, path);
        }
      }
    });
  }

  /** Peers have to hear of it, by whatever path they are reached. */
  #changed(change: () => void): void {
    this.#clock.read();
    this.#frames.changed();
    change();
    for (const peer of this.#directory.all) {
      this.choose(peer);
      if (peer.active !== undefined) this.probe(peer, peer.active);
      this.schedule(peer);
    }
  }

  // ---- choosing

  /** Takes the best path. Frames that are under way by one that has failed go again. */
  choose(peer: PathPeer): void {
    const best = peer.best();
    const before = peer.active;
    const others = peer.usable.filter((path) => path !== before && path.isUsable);
    peer.usable = peer.paths.filter((path) => path.isUsable && path.member.up);
    if (best === undefined) {
      peer.active = undefined;
      return;
    }
    if (before === undefined && !best.isUsable) return;
    if (peer.usable.length === 0) peer.usable.push(best);
    if (best === before) return;
    const from = before ?? peer.tried;
    peer.active = best;
    // The first path that is found is no other one, unless frames were tried by one that nobody has answered on.
    if (from === undefined || from === best) return;
    this.counters[PathCounter.switches]++;
    this.onEvent?.({ type: 'switch', from: pathInfo(peer, from), to: pathInfo(peer, best) });
    // Copies of all that is under way have gone by another one, which works.
    const isCovered = peer.policy === 'duplicate' && others.length > 0;
    if (!from.isUsable && !isCovered) this.onReroute(peer.index, from.number);
  }

  fail(peer: PathPeer, path: Path, reason: PathReason): void {
    if (path.state === PathState.down) return;
    const was = path.state;
    const carried = peer.usable.includes(path);
    path.failed(this.#now[0]);
    if (was === PathState.unknown) return;
    if (reason === 'link-down') this.counters[PathCounter.linkDowns]++;
    if (reason === 'peer-link-down') this.counters[PathCounter.peerLinkDowns]++;
    if (reason === 'silent') this.counters[PathCounter.silences]++;
    this.onEvent?.({ type: 'down', path: pathInfo(peer, path), reason });
    // Frames of a peer that is reached by several paths at once have gone by this one, too.
    if (carried && peer.policy === 'stripe' && peer.active !== path) {
      peer.usable = peer.usable.filter((one) => one !== path);
      this.onReroute(peer.index, path.number);
    }
  }

  drop(peer: PathPeer, path: Path): void {
    this.fail(peer, path, 'removed');
    peer.remove(path);
    // Now, not when the last of several is dropped: nothing may go by one that is forgotten.
    this.choose(peer);
    this.#directory.drop(peer, path);
    path.member.nic.forget(path.nicPeer);
  }

  /** A frame has gone by the path, the first since it was asked. */
  use(peer: PathPeer, path: Path): void {
    if (path.use(this.#now[0])) this.schedule(peer);
  }

  // ---- what channels tell

  /** A channel to the peer has waited for an acknowledgement longer than it should have to. */
  suspect(index: PeerIndex): void {
    const path = this.#directory.peers[index]?.active;
    if (path === undefined || path.unanswered > 0 || this.#now[0] - path.probedAt < SOON) return;
    this.probe(this.at(index), path);
    this.schedule(this.at(index));
  }

  /** A frame of a channel to the peer, which no other machine could have made, is an entry of the burst that is looked at. */
  heard(index: PeerIndex, entry: number): void {
    const peer = this.#directory.peers[index];
    if (peer === undefined || peer.active !== undefined || this.lender === undefined) return;
    peer.heard(this.lender);
    if (!peer.isSought) return;
    peer.isSought = false;
    if (!peer.isSure) this.follow(peer, this.sourceOf(entry));
  }

  /** Nobody answers where the peer is known to be, and yet it is heard: perhaps by another of its NICs, whose address is asked. */
  follow(peer: PathPeer, address: LinkAddress): void {
    if (peer.has(address)) return;
    this.#clock.read();
    this.#seek(peer, address);
    for (const path of peer.paths) if (path.address === address) this.probe(peer, path);
    this.schedule(peer);
  }

  progressed(index: PeerIndex, trip: Float64Array): void {
    this.#directory.peers[index]?.progressed(this.#now, trip);
  }

  // ---- time

  /** Asks what is to be asked, and judges what has not answered. */
  tick(): void {
    const now = this.#now[0];
    if (now - this.#due[0] > OVERSLEPT) this.#forgive(now);
    for (let index = this.#deadlines.due(now); index >= 0; index = this.#deadlines.due(now)) {
      const peer = this.#directory.peers[index];
      if (peer !== undefined) this.#examine(peer, now);
    }
    this.#due[0] = this.#deadlines.next;
  }

  /** We slept, or were stopped: what was not answered meanwhile may have been answered to nobody. */
  #forgive(now: number): void {
    for (const peer of this.#directory.all) for (const path of peer.paths) path.forgive(now);
  }

  #examine(peer: PathPeer, now: number): void {
    for (const path of peer.paths) {
      if (now >= path.probeAt) this.probe(peer, path);
      if (!path.isUsable || path.unanswered < 2) continue;
      if (isSilent(peer, path, now)) this.fail(peer, path, 'silent');
      else for (const witness of witnessesToAsk(peer, path)) this.probe(peer, witness);
    }
    this.choose(peer);
    this.schedule(peer);
    peer.isSought = peer.active === undefined;
  }

  schedule(peer: PathPeer): void {
    const now = this.#now[0];
    let at = Infinity;
    for (const path of peer.paths) {
      if (path.member.isGone) continue;
      if (peer.isMet) at = Math.min(at, Math.max(path.probeAt, now));
      if (!path.isUsable || path.witnessedAt === Infinity) continue;
      const verdict = verdictAt(peer, path);
      at = Math.min(at, verdict > now ? verdict : now + SOON);
    }
    this.#deadlines.by(peer.index, at);
  }

  // ---- frames

  /** Also where the kernel says that there is no link: whoever never lets the event loop run does not hear that there is one again. */
  probe(peer: PathPeer, path: Path): void {
    if (path.member.isGone || !peer.isMet) return;
    const { nonce, forgotten } = this.#frames.probe(peer, path, this.#now[0]);
    this.#directory.ask({ peer, path }, nonce, forgotten);
  }

  /** A PATH frame, whose header is sound: entry `index` of the burst of a NIC. */
  receive(member: Member, at: number, index: number): void {
    this.#hearing.receive(member, at, index);
  }
}
