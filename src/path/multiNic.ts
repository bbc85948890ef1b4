import { ArgumentError, NicError } from '../errors.js';
import type { Frame, LinkAddress, Nic, NicInfo, NicState, PeerIndex, RxBurst } from '../nic/contract.js';
import { NIC_COUNTERS, NO_FRAME, NicCounter } from '../nic/contract.js';
import { FrameStore } from '../nic/frameStore.js';
import { closedError, tooLong } from '../nic/nicErrors.js';
import { checkFrameMemory, powerOfTwoFor } from '../nic/options.js';
import { FrameType, Reject, inspect, typeOf } from '../wire/header.js';
import { MOST_ADDRESSES } from '../wire/path.js';
import { PathCounter } from './counters.js';
import { Member } from './member.js';
import type { PathSettings, PathSurroundings } from './options.js';
import { Paths } from './paths.js';
import type { Path } from './path.js';
import type { PathPeer } from './peer.js';

const BURST = 64;
/** What only the NICs themselves can know. */
const OF_NICS = [NicCounter.rxDropped, NicCounter.rxRingFull, NicCounter.rxInvalid, NicCounter.txErrors] as const;

/**
 * Several NICs as one (rows A8, A11). Frames live in a memory of its own and are copied into that of the NIC that they go by, and out of that of the
 * one they came by: so a frame that waits for its acknowledgement can go again by any NIC, and a NIC that hangs holds nothing but copies. Which NIC
 * a frame takes is for `Paths` to say.
 */
export class MultiNic implements Nic {
  readonly info: NicInfo;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly rx: RxBurst = { frame: new Int32Array(BURST), length: new Int32Array(BURST) };
  onState: ((state: NicState) => void) | undefined = undefined;
  /** Told before the link of one of them goes up or down. */
  onLink: (() => void) | undefined = undefined;
  /** For the engine: who asks, judges and chooses. */
  readonly paths: Paths;

  readonly #settings: PathSettings;
  readonly #now: Float64Array;
  readonly #frames: FrameStore;
  readonly #rxReserve: number;
  readonly #members: Member[];
  /** Where the next burst is looked for first: none starves the others. */
  #turn = 0;
  /** Whose burst it is, and which entry of that each of ours is. */
  #lender: Member | undefined = undefined;
  readonly #entry = new Int32Array(BURST);
  readonly #held = new Uint8Array(BURST);
  #count = 0;
  #ranks = 0;
  /** Frames of channels wait for the doorbell. */
  #queued = false;
  #closed = false;
  #counters: Float64Array = new Float64Array(NIC_COUNTERS);
  /** What NICs that are gone have counted. */
  readonly #past = new Float64Array(NIC_COUNTERS);
  #state: NicState = 'up';

  /** @param nics one to eight, open, the preferred ones first */
  constructor(nics: readonly Nic[], settings: PathSettings, surroundings: PathSurroundings) {
    const mtu = Math.min(...nics.map(({ info }) => info.mtu));
    const sizes = {
      frameSize: powerOfTwoFor(mtu),
      txFrames: Math.max(...nics.map(({ info }) => info.txFrames)),
      rxFrames: Math.max(...nics.map(({ info }) => info.rxFrames)),
    };
    const length = (sizes.txFrames + sizes.rxFrames) * sizes.frameSize;
    checkFrameMemory(mtu, length);
    this.#settings = settings;
    this.#now = surroundings.clock.cell;
    this.#frames = new FrameStore(new ArrayBuffer(length), 0, sizes);
    this.bytes = this.#frames.bytes;
    this.view = this.#frames.view;
    this.#rxReserve = Math.min(BURST, sizes.rxFrames >> 2);
    this.paths = new Paths(settings, surroundings);
    this.paths.sourceOf = (index) => this.#lender!.nic.source(this.#entry[index]);
    this.#members = this.paths.members;
    this.info = { ...nics[0].info, ...sizes, mtu, ...summary(nics, settings) };
    for (const nic of nics) this.#join(nic);
    this.#state = this.#overall();
  }

  // ---- NICs that come and go

  /** @throws ERR_EMP_MTU, ERR_EMP_ARGUMENT: the NIC is not taken, and stays open */
  add(nic: Nic): void {
    if (this.#closed) throw closedError();
    if (nic.state === 'closed') {
      throw new ArgumentError('addNic() was given a NIC that is closed, as one is that was removed.', {
        remedy: 'Pass options, or what openNic() has returned anew.',
      });
    }
    if (nic.info.mtu < this.info.mtu) {
      throw new NicError(
        'ERR_EMP_MTU',
        `${nic.info.interface ?? nic.info.address} takes frames of ${nic.info.mtu} bytes; this host sends up to ${this.info.mtu}.`,
        { remedy: `Raise its MTU, or open the host with NICs of mtu: ${nic.info.mtu}.` },
      );
    }
    if (this.nics.includes(nic)) {
      throw new ArgumentError('The NIC is one of this host already.', { remedy: 'Pass another one, or its options.' });
    }
    if (this.#members.length >= MOST_ADDRESSES) {
      throw new NicError('ERR_EMP_NO_MEMORY', `A host has at most ${MOST_ADDRESSES} NICs.`, { remedy: 'Remove one.' });
    }
    this.#join(nic);
    this.#noteState();
  }

  #join(nic: Nic): void {
    const member = new Member(nic, this.#ranks++, this.#frames);
    nic.onState = (state) => this.#linkIs(member, state);
    this.paths.join(member);
  }

  /** Gives a NIC up and closes it. False: it is none of these, or the last one. */
  remove(nic: Nic): boolean {
    const member = this.#members.find((one) => one.nic === nic);
    if (member === undefined || this.#members.length === 1) return false;
    member.isLeaving = true;
    this.paths.part(member);
    // A handler may be at a frame of its burst.
    if (this.#lender !== member) this.#retire(member);
    this.#noteState();
    return true;
  }

  #retire({ nic }: Member): void {
    nic.onState = undefined;
    const { counters } = nic;
    for (let i = 0; i < NIC_COUNTERS; i++) this.#past[i] += counters[i];
    nic.countIn(new Float64Array(NIC_COUNTERS));
    nic.close();
  }

  #linkIs(member: Member, state: NicState): void {
    this.onLink?.();
    // A driver leaves in its ring what it could not send when the link was down, until the doorbell rings again.
    member.dirty = true;
    this.paths.link(member, state === 'up');
    this.#noteState();
  }

  #overall(): NicState {
    const states = this.#members.map(({ nic }) => nic.state);
    if (states.includes('up')) return 'up';
    return states.includes('down') ? 'down' : 'removed';
  }

  #noteState(): void {
    const before = this.#state;
    if (before === 'closed') return;
    this.#state = this.#overall();
    if (this.#state !== before) this.onState?.(this.#state);
  }

  /** Of the most preferred NIC that there is now. */
  get address(): LinkAddress {
    return this.#members[0].nic.info.address;
  }

  get nics(): Nic[] {
    return this.#members.map(({ nic }) => nic);
  }

  /** Frames of the common memory that somebody holds; after `close`, those that were never given back. For tests. */
  get used(): number {
    const { tx, rx } = this.#frames;
    return tx.count - tx.available + rx.count - rx.available;
  }

  // ---- the contract

  /** Frames of channels alone; those of PATH have counters of their own. What a driver or the kernel counts is as of this look. */
  get counters(): Float64Array {
    const sum = this.#counters;
    for (const counter of OF_NICS) sum[counter] = this.#past[counter];
    for (const { nic } of this.#members) {
      const { counters } = nic;
      for (const counter of OF_NICS) sum[counter] += counters[counter];
    }
    sum[NicCounter.rxDropped] += this.paths.counters[PathCounter.rxDropped];
    return sum;
  }

  countIn(memory: Float64Array): void {
    memory.set(this.counters);
    this.#counters = memory;
  }

  /** A NIC that somebody else closes is a fault; so is one that fails in the middle of a turn. */
  get state(): NicState {
    if (this.#closed || this.#members.some(({ nic }) => nic.state === 'closed')) return 'closed';
    return this.#state;
  }

  alloc(reserve: number): Frame {
    return this.#frames.alloc(reserve);
  }

  free(frame: Frame): void {
    this.#frames.free(frame);
  }

  send(frame: Frame, length: number, index: PeerIndex): boolean {
    if (this.#closed) return false;
    if (length > this.info.mtu) throw tooLong(length, this.info.mtu);
    const peer = this.paths.at(index);
    const { active } = peer;
    if (active === undefined) return this.#try(peer, frame, length);
    const { spread } = this.paths;
    const path = spread === undefined ? active : spread.quickest(peer);
    const isTaken = this.#carry(peer, path, frame, length);
    if (spread !== undefined) spread.last = path.number;
    if (this.#settings.policy !== 'duplicate') return isTaken;
    // By a second path: one of the two is enough.
    return this.#again(peer, path, frame, length) || isTaken;
  }

  #carry(peer: PathPeer, path: Path, frame: Frame, length: number): boolean {
    if (!path.member.up) return this.#lose();
    if (!path.used) this.paths.use(peer, path);
    const counters = this.#counters;
    if (!path.member.carry(frame, length, path.nicPeer)) {
      counters[NicCounter.txBusy]++;
      return false;
    }
    counters[NicCounter.txFrames]++;
    counters[NicCounter.txBytes] += length;
    this.#queued = true;
    return true;
  }

  /** No path is known to work yet. */
  #try(peer: PathPeer, frame: Frame, length: number): boolean {
    const path = peer.next(this.#now[0]);
    if (path === undefined) return this.#lose();
    if (this.paths.spread !== undefined) this.paths.spread.last = path.number;
    return this.#carry(peer, path, frame, length);
  }

  #again(peer: PathPeer, first: Path, frame: Frame, length: number): boolean {
    for (const path of peer.usable) {
      if (path !== first && path.member !== first.member) return this.#carry(peer, path, frame, length);
    }
    return false;
  }

  /** As on a wire that is cut. */
  #lose(): true {
    this.paths.counters[PathCounter.unsent]++;
    return true;
  }

  /** Never: `send` copied it. */
  inFlight(_frame: Frame): boolean {
    return false;
  }

  flush(): boolean {
    if (this.#queued) this.#counters[NicCounter.kicks]++;
    this.#queued = false;
    let isDone = true;
    for (const member of this.#members) if (!member.flush()) isDone = false;
    return isDone;
  }

  receive(): number {
    if (this.#closed) return 0;
    if (this.#lender !== undefined) this.recycle();
    const members = this.#members;
    for (let i = 0; i < members.length; i++) {
      const member = members[this.#turn++ % members.length];
      const count = member.nic.receive();
      member.backlogged = count === BURST;
      if (count === 0) continue;
      this.#lender = this.paths.lender = member;
      this.#take(member, count);
      if (this.#count > 0) return this.#count;
      this.recycle();
    }
    // Answers to what other machines asked wait for no turn with frames of channels.
    this.flush();
    return 0;
  }

  #take(member: Member, count: number): void {
    const { nic } = member;
    const { frame, length } = nic.rx;
    for (let i = 0; i < count; i++) {
      const at = frame[i];
      if (length[i] > 0 && typeOf(nic.view, at) === FrameType.path && inspect(nic.view, at, length[i]) === Reject.ok) {
        this.paths.receive(member, at, i);
        continue;
      }
      const own = length[i] > this.info.mtu ? NO_FRAME : this.#frames.rx.alloc(0);
      if (own === NO_FRAME) {
        this.paths.counters[PathCounter.rxDropped]++;
        continue;
      }
      member.copyIn(at, length[i], own);
      this.#enter(own, length[i], i);
    }
    this.#counters[NicCounter.rxFrames] += this.#count;
  }

  #enter(frame: Frame, length: number, entry: number): void {
    const at = this.#count++;
    this.rx.frame[at] = frame;
    this.rx.length[at] = length;
    this.#counters[NicCounter.rxBytes] += length;
    this.#entry[at] = entry;
    this.#held[at] = 0;
  }

  hold(index: number): Frame {
    if (this.#closed || this.#frames.rx.available < this.#rxReserve) return NO_FRAME;
    this.#held[index] = 1;
    return this.rx.frame[index];
  }

  keep(at: Frame, length: number): Frame {
    const frame = this.#frames.rx.available < this.#rxReserve ? NO_FRAME : this.#frames.keep(at, length);
    if (frame !== NO_FRAME) this.#counters[NicCounter.holdCopies]++;
    return frame;
  }

  recycle(): void {
    for (let i = 0; i < this.#count; i++) if (this.#held[i] === 0) this.#frames.free(this.rx.frame[i]);
    this.#count = 0;
    const lender = this.#lender;
    this.#lender = this.paths.lender = undefined;
    if (lender === undefined) return;
    lender.nic.recycle();
    if (lender.isLeaving) this.#retire(lender);
  }

  /** A machine that is known has one name, whichever of its addresses a frame came from. */
  source(index: number): LinkAddress {
    const address = this.paths.sourceOf(index);
    return this.paths.known(address)?.address ?? address;
  }

  peer(address: LinkAddress): PeerIndex {
    if (this.#closed) throw closedError();
    return this.paths.enter(address).index;
  }

  forget(peer: PeerIndex): void {
    if (!this.#closed) this.paths.leave(peer);
  }

  watch(wake: () => void): void {
    if (this.#closed) throw closedError();
    const once = (): void => {
      this.unwatch();
      wake();
    };
    for (const { nic } of this.#members) nic.watch(once);
  }

  unwatch(): void {
    for (const { nic } of this.#members) nic.unwatch();
  }

  close(): void {
    if (this.#closed) return;
    this.unwatch();
    this.recycle();
    this.#closed = true;
    this.#frames.close();
    for (const member of [...this.#members]) this.#retire(member);
    // Whoever reads it later sees no memory, as with any NIC.
    structuredClone(this.bytes.buffer, { transfer: [this.bytes.buffer as ArrayBuffer] });
  }
}

/** How the NICs are told of, together. */
function summary(nics: readonly Nic[], { policy }: PathSettings): Pick<NicInfo, 'mode' | 'interface' | 'notes'> {
  const each = nics.map(({ info }) => `${info.driver} ${info.mode}`);
  const names = nics.flatMap(({ info }) => info.interface ?? []);
  return {
    mode: `${policy} of ${each.join(' + ')}`,
    interface: names.length === 0 ? undefined : names.join('+'),
    notes: nics.flatMap(({ info }) => info.notes),
  };
}
