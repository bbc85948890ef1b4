import { TokenBucket } from '../arq/tokenBucket.js';
import { EmpError } from '../errors.js';
import type { LinkAddress, PeerIndex } from '../nic/contract.js';
import { PathKind, machineHighOf, machineLowOf, nonceHighOf, pathKindOf, readPathFrame } from '../wire/path.js';
import type { PathMessage, TellingAddress } from '../wire/path.js';
import { PathCounter } from './counters.js';
import type { Directory } from './directory.js';
import { pathInfo } from './events.js';
import type { PathEvent, PathReason } from './events.js';
import type { PathFrames } from './frames.js';
import { isSame, type MachineId } from './identity.js';
import { bearWitness } from './judge.js';
import type { Member } from './member.js';
import type { PathSurroundings } from './options.js';
import { PathState } from './path.js';
import type { Path } from './path.js';
import type { PathPeer } from './peer.js';

/** Answers to machines that are not known: so many at once, and so many more a µs. */
const ANSWER_BURST = 64;
const ANSWERS_PER_MICROSECOND = 1000 / 1_000_000;
/** An answer to somebody who asks comes as soon, or not at all, µs. */
const TRACE = 100_000;
/** So many addresses are asked so at a time. */
const MOST_TRACES = 4;
/** A path that was asked so long ago is not asked anew, µs. */
const SOON = 1000;

/** Who acts upon what is heard. */
export interface PathOwner {
  readonly onEvent: ((event: PathEvent) => void) | undefined;
  link(member: Member, up: boolean): void;
  probe(peer: PathPeer, path: Path): void;
  fail(peer: PathPeer, path: Path, reason: PathReason): void;
  drop(peer: PathPeer, path: Path): void;
  seekTold(peer: PathPeer): void;
  follow(peer: PathPeer, address: LinkAddress): void;
  choose(peer: PathPeer): void;
  schedule(peer: PathPeer): void;
}

/** What PATH frames say: questions of other machines, answers to ours, and addresses. */
export class Hearing {
  readonly #directory: Directory;
  readonly #frames: PathFrames;
  readonly #clock: PathSurroundings['clock'];
  readonly #now: Float64Array;
  readonly #owner: PathOwner;
  readonly #answers = new TokenBucket(ANSWER_BURST, ANSWERS_PER_MICROSECOND);

  constructor(directory: Directory, frames: PathFrames, clock: PathSurroundings['clock'], owner: PathOwner) {
    this.#directory = directory;
    this.#frames = frames;
    this.#clock = clock;
    this.#now = clock.cell;
    this.#owner = owner;
  }

  /** A PATH frame, whose header is sound: entry `index` of the burst of a NIC. What strangers send ends before anything is made for it. */
  receive(member: Member, at: number, index: number): void {
    this.#clock.read();
    const { view } = member.nic;
    const kind = pathKindOf(view, at);
    const { counters } = this.#frames;
    if (kind === PathKind.probe) counters[PathCounter.probesReceived]++;
    if (kind === PathKind.probe && !this.#directory.knows(machineHighOf(view, at), machineLowOf(view, at))) {
      if (!this.#answers.take(this.#now[0])) {
        counters[PathCounter.probesUnanswered]++;
        return;
      }
    } else if (kind === PathKind.echo && !this.#directory.awaits(nonceHighOf(view, at))) {
      counters[PathCounter.strayEchoes]++;
      return;
    }
    const message = readPathFrame(view, at);
    if (message === undefined) {
      counters[PathCounter.malformed]++;
      return;
    }
    this.#owner.link(member, true);
    const source = member.nic.source(index);
    if (message.kind === PathKind.echo) this.#echoed(member, source, message);
    else this.#asked(member, source, message);
  }

  #asked(member: Member, source: LinkAddress, message: PathMessage): void {
    const peers = this.#directory.of(message.machine);
    for (const peer of peers) {
      this.#learn(peer, message);
      // It reaches us by this way: perhaps we reach it, too.
      const path = peer.find(member, source);
      if (path === undefined) this.#trace(peer, source);
      else if (path.state <= PathState.unknown && this.#now[0] - path.probedAt > SOON) {
        this.#owner.probe(peer, path);
        this.#owner.schedule(peer);
      }
    }
    const nicPeer = peerAt(member, source);
    if (nicPeer === undefined) {
      this.#frames.counters[PathCounter.probesUnanswered]++;
      return;
    }
    this.#frames.answer(member, nicPeer, message.nonce, peers[0]);
    member.nic.forget(nicPeer);
  }

  /** It answers nowhere, and yet it asks: it is asked where it asks from. Who was asked so before, and has not answered, makes room. */
  #trace(peer: PathPeer, source: LinkAddress): void {
    if (!peer.isLost) return;
    const hearsay = peer.hearsay();
    const late = hearsay.filter(({ since }) => this.#now[0] - since > TRACE);
    for (const path of late) this.#owner.drop(peer, path);
    const addresses = new Set(hearsay.filter((path) => !late.includes(path)).map(({ address }) => address));
    if (addresses.size < MOST_TRACES) this.#owner.follow(peer, source);
  }

  #echoed(member: Member, source: LinkAddress, message: PathMessage): void {
    const asked = this.#directory.asked(message.nonce);
    const when = asked?.path.askedAt(message.nonce) ?? -Infinity;
    // By the NIC that asked, from the address that was asked: or it says nothing of the path.
    if (asked === undefined || when === -Infinity || asked.path.member !== member || asked.path.address !== source) {
      this.#frames.counters[PathCounter.strayEchoes]++;
      return;
    }
    this.#frames.counters[PathCounter.echoesReceived]++;
    this.#answered(asked.peer, asked.path, when, message);
  }

  #answered(peer: PathPeer, path: Path, asked: number, message: PathMessage): void {
    if (!isSame(peer.machine, message.machine) && !this.#meetAs(peer, path, message.machine)) return;
    const now = this.#now[0];
    if (!this.#isSurely(peer, path)) {
      peer.knownOfUs = message.known;
      path.askAgain(now, peer.untold++);
      return this.#owner.schedule(peer);
    }
    peer.isSure = true;
    const wasDown = path.state === PathState.down;
    const isNews = path.echoed(now, asked);
    bearWitness(peer, path, now);
    this.#directory.alias(peer, path.address);
    if (wasDown) this.#frames.counters[PathCounter.restored]++;
    if (isNews) this.#owner.onEvent?.({ type: 'up', path: pathInfo(peer, path) });
    this.#learn(peer, message);
    peer.hasVersion(message.version, asked);
    if (peer.knownOfUs !== this.#frames.version) path.askAgain(now, peer.untold++);
    else peer.untold = 0;
    this.#owner.choose(peer);
    this.#owner.schedule(peer);
  }

  /** Who answered is not who was known. False: the path leads to another machine. */
  #meetAs(peer: PathPeer, path: Path, machine: MachineId): boolean {
    // An address that was only claimed is no peer's; nor may one that answered before speak for a machine that is reached by others.
    const isClaim = !peer.reaches(path);
    const isOtherAlive = peer.paths.some((one) => one !== path && one.isUsable);
    // It has said that the address is its own no more: somebody else has it now.
    if (isOtherAlive && peer.former.includes(path.address)) return false;
    if (peer.isSure && (isClaim || (path.address !== peer.address && isOtherAlive))) {
      this.#owner.drop(peer, path);
      return false;
    }
    // Another life of the machine, whose other addresses it will tell.
    if (peer.machine !== undefined) {
      const others = peer.paths.filter(({ address }) => address !== peer.address && address !== path.address);
      for (const other of others) this.#owner.drop(peer, other);
    }
    this.#directory.meet(peer, machine);
    peer.listVersion = peer.knownOfUs = peer.answered = 0;
    peer.told = peer.former = [];
    return true;
  }

  /**
   * Whoever was only heard from an address, and never answered at the one that he was called by, has to have told that both are his, or were: a forged source would
   * lead to somebody else. (Answers tell no addresses, questions do.)
   */
  #isSurely(peer: PathPeer, path: Path): boolean {
    if (peer.isSure || path.address === peer.address) return true;
    return this.#directory
      .of(peer.machine!)
      .some(({ told, former }) => told.includes(peer.address) || former.includes(peer.address));
  }

  /** What a frame of the peer says of it, besides its question or answer. */
  #learn(peer: PathPeer, { known, addresses, version }: PathMessage): void {
    peer.knownOfUs = known;
    if (addresses === undefined || !peer.isNews(version)) return;
    peer.listVersion = version;
    peer.listAt = this.#now[0];
    this.#addressesAre(peer, addresses);
  }

  #addressesAre(peer: PathPeer, addresses: readonly TellingAddress[]): void {
    const [former, told] = [true, false].map((isGone) =>
      addresses.filter(({ state }) => (state === 'gone') === isGone),
    );
    peer.told = told.map(({ address }) => address);
    peer.former = former.map(({ address }) => address);
    // By the address it was first known by it may be reached through a translation that it does not know of.
    const gone = peer.paths.filter(({ address }) => address !== peer.address && !peer.told.includes(address));
    for (const path of gone) this.#owner.drop(peer, path);
    this.#owner.seekTold(peer);
    for (const { address, state } of addresses) {
      for (const path of peer.paths) {
        if (path.address !== address) continue;
        if (state !== 'up') this.#owner.fail(peer, path, 'peer-link-down');
        else if (!path.isUsable) this.#owner.probe(peer, path);
      }
    }
    this.#owner.choose(peer);
    this.#owner.schedule(peer);
  }
}

/** Undefined: the frame says it comes from where no machine can be, as anybody can make one say. */
function peerAt(member: Member, source: LinkAddress): PeerIndex | undefined {
  try {
    return member.nic.peer(source);
  } catch (error) {
    if (error instanceof EmpError && error.code === 'ERR_EMP_ADDRESS') return undefined;
    throw error;
  }
}
