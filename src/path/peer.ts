import type { LinkAddress, PeerIndex } from '../nic/contract.js';
import type { Member } from './member.js';
import type { PathPolicy } from './options.js';
import { ATTEMPTS, PathState } from './path.js';
import type { Path } from './path.js';
import type { MachineId } from './identity.js';

/** So long each, µs: an answer takes no longer, or will not come. By the one that the peer's own frames came by, longer. */
const TRIAL = 10_000;
const TRUST = 100_000;
/** As `MOST_PATHS` of the channels: their numbers are bits of a word. */
const MOST_PATHS = 32;
/** Lists of versions so far beyond the one that it last answered with are not its own. */
const AHEAD = 256;

/** A machine that frames go to: the addresses by which it is reached, the paths there, and the one that is taken. */
export class PathPeer {
  /** Uses of its number. */
  uses = 1;
  /** Undefined until it has answered. */
  machine: MachineId | undefined = undefined;
  /** All of them, the preferred ones first. */
  readonly paths: Path[] = [];
  /** Those that work; if none does, the one that is tried. */
  usable: Path[] = [];
  /** What frames go by. Undefined: no path has been found yet, and they try one after the other. */
  active: Path | undefined = undefined;
  /** The one that frames went by while none was known. */
  tried: Path | undefined = undefined;
  /** The addresses that it has told us of; for some of them there may be no NIC here. */
  told: readonly LinkAddress[] = [];
  /** Those that were its, as it has told. */
  former: readonly LinkAddress[] = [];
  /** Of its list of addresses: the version we have, and the version of ours that it has. */
  listVersion = 0;
  knownOfUs = 0;
  /** When that list came, µs. */
  listAt = -Infinity;
  /** The version that its last answer told, which nobody else could give; 0: none has come. */
  answered = 0;
  /** It is asked which paths there are: not before there is a channel to it. */
  isMet = false;
  /** It has answered at its address, or at another one that it has told of besides. */
  isSure = false;
  /** It was asked, and has not answered; until a frame of it is looked at. */
  isSought = false;
  /** Answers in a row of one that does not have our list: it did not know us yet, or the list was lost. */
  untold = 0;
  policy: PathPolicy = 'failover';
  /** When it last acknowledged something, and how long that had taken, µs: cells, as all times that are kept for each frame. */
  readonly #progress = new Float64Array([-Infinity, 0]);
  /** By `Path.number`, and the next to be given. */
  readonly #byNumber: (Path | undefined)[] = [];
  #number = 0;
  /** While no path is known: which one frames try, since when, µs (Infinity: nothing has gone by it yet), and for how long. */
  #turn = 0;
  #triedSince = -Infinity;
  #trial = TRIAL;

  constructor(
    readonly index: PeerIndex,
    /** What it was first known by: its name here. */
    readonly address: LinkAddress,
  ) {}

  get progressAt(): number {
    return this.#progress[0];
  }

  /** What round trips of frames are like now, µs: the longest of late. */
  get trip(): number {
    return this.#progress[1];
  }

  progressed(now: Float64Array, trip: Float64Array): void {
    const progress = this.#progress;
    progress[0] = now[0];
    progress[1] = Math.max(trip[0], progress[1] - progress[1] / 64);
  }

  /** More paths are not kept. */
  get isFull(): boolean {
    return this.paths.length === MOST_PATHS;
  }

  add(path: Path): void {
    // In turn: frames of the one that had the number before are known to have arrived, or to be lost, by then.
    while (this.#byNumber[this.#number] !== undefined) this.#number = (this.#number + 1) % MOST_PATHS;
    path.number = this.#number;
    this.#byNumber[path.number] = path;
    this.#number = (this.#number + 1) % MOST_PATHS;
    this.paths.push(path);
    this.paths.sort((a, b) => a.member.rank - b.member.rank);
  }

  remove(path: Path): void {
    const at = this.paths.indexOf(path);
    if (at < 0) return;
    this.paths.splice(at, 1);
    this.#byNumber[path.number] = undefined;
  }

  numbered(number: number): Path | undefined {
    return this.#byNumber[number];
  }

  find(member: Member, address: LinkAddress): Path | undefined {
    return this.paths.find((path) => path.member === member && path.address === address);
  }

  has(address: LinkAddress): boolean {
    return this.paths.some((path) => path.address === address);
  }

  /** No path works, or none answers. */
  get isLost(): boolean {
    return this.paths.every((path) => !path.isUsable || path.unanswered >= ATTEMPTS);
  }

  /** It has answered there, or is known by that address: all others are claims, anybody's. */
  reaches({ address, echoAt }: Path): boolean {
    return address === this.address || echoAt !== -Infinity;
  }

  /** Whether a list of this version can be the peer's, and is newer than what there is. (Versions begin anew after 65535.) */
  isNews(version: number): boolean {
    if (this.answered !== 0 && ((version - this.answered) & 0xffff) > AHEAD) return false;
    return this.listVersion === 0 || isBefore(this.listVersion, version);
  }

  /** An answer tells the version of now. @param asked when that was asked: the list that came before it, and is newer, was not the peer's */
  hasVersion(version: number, asked: number): void {
    this.answered = version;
    if (asked > this.listAt && isBefore(version, this.listVersion)) this.listVersion = 0;
  }

  /** Paths to addresses that it has not told of, and that have not answered: frames came from there. */
  hearsay(): Path[] {
    const isTold = (address: LinkAddress): boolean => address === this.address || this.told.includes(address);
    return this.paths.filter(({ address, echoAt }) => !isTold(address) && echoAt === -Infinity);
  }

  /** The path that frames should take. One that works is not left for another that rests. */
  best(): Path | undefined {
    let best = this.active !== undefined && this.paths.includes(this.active) ? this.active : undefined;
    for (const path of this.paths) {
      if (!path.member.up || !this.reaches(path)) continue;
      // Nobody is known to hear what goes by it.
      if (path.state === PathState.unknown && this.active?.member.up === true) continue;
      if (best === undefined || !best.member.up || path.state > best.state) best = path;
      else if (path.state === best.state && this.#isPreferred(path, best)) best = path;
    }
    return best;
  }

  #isPreferred(path: Path, other: Path): boolean {
    // Among those that do not answer, the one that did last.
    if (path.state === PathState.down) return path.echoAt > other.echoAt;
    const common = this.#endsInCommon(path) - this.#endsInCommon(other);
    if (common !== 0) return common < 0;
    return path.state === PathState.up && this.paths.indexOf(path) < this.paths.indexOf(other);
  }

  /** With the active path, if that has just failed: what made it fail is at one of its ends, and takes others with it that nobody has asked since. */
  #endsInCommon(path: Path): number {
    const { active } = this;
    if (active === undefined || active.isUsable) return 0;
    return Number(path.member === active.member) + Number(path.address === active.address);
  }

  /** A frame of one of its channels has come by this NIC: while no path is known to work, that is the best one to answer by. */
  heard(member: Member): void {
    const path = this.find(member, this.address);
    if (path === undefined) return;
    this.tried = path;
    this.#triedSince = Infinity;
    this.#trial = TRUST;
  }

  /** For frames to a peer of which no path is known to work: by the one it was heard by, then by each NIC in turn, for a while. */
  next(now: number): Path | undefined {
    const { paths, tried } = this;
    if (tried?.member.up === true && paths.includes(tried)) {
      this.#triedSince = Math.min(this.#triedSince, now);
      if (now - this.#triedSince < this.#trial) return tried;
    }
    this.#triedSince = now;
    this.#trial = TRIAL;
    for (let i = 0; i < 2 * paths.length; i++) {
      const path = paths[this.#nextTurn()];
      if (path.member.up && this.reaches(path)) return (this.tried = path);
    }
    return undefined;
  }

  /** To and fro: were it round and round, of frames that alternate, as messages and probes do, one kind would always go the same way. */
  #nextTurn(): number {
    const { length } = this.paths;
    const turn = this.#turn++ % (2 * length);
    return turn < length ? turn : 2 * length - 1 - turn;
  }
}

/** Of versions of a list, which begin anew after 65535. */
function isBefore(a: number, b: number): boolean {
  return a !== b && ((b - a) & 0xffff) < 0x8000;
}
