import type { LinkAddress, PeerIndex } from '../nic/contract.js';
import { NO_FRAME } from '../nic/contract.js';
import { MOST_ADDRESSES, PathKind, pathFrameBytes, writePathFrame } from '../wire/path.js';
import type { PathMessage, TellingAddress } from '../wire/path.js';
import { PATH_COUNTERS, PathCounter } from './counters.js';
import type { MachineId } from './identity.js';
import type { Member } from './member.js';
import type { Path } from './path.js';
import type { PathPeer } from './peer.js';

/** Composes and sends PATH frames: questions, answers, and the list of our addresses. */
export class PathFrames {
  counters: Float64Array = new Float64Array(PATH_COUNTERS);
  /** Of the list of our addresses; never 0. */
  version = 1;

  readonly #members: readonly Member[];
  /** The addresses that were given up last, the latest first. */
  #former: LinkAddress[] = [];
  readonly #random: () => number;
  readonly #machine: MachineId;

  constructor(members: readonly Member[], random: () => number) {
    this.#members = members;
    this.#random = random;
    this.#machine = [random() | 0, random() | 0];
  }

  /** Our addresses, or the links of their NICs, are others now. */
  changed(): void {
    this.version = (this.version % 0xffff) + 1;
  }

  /** A NIC was given up, perhaps before those who were called by it know any other one: they will not take us for another machine. */
  left(address: LinkAddress): void {
    this.#former = [address, ...this.#former.filter((other) => other !== address)].slice(0, MOST_ADDRESSES);
  }

  /** Asks whether the path works; returns what was asked, and which older question is forgotten for it. */
  probe(peer: PathPeer, path: Path, now: number): { nonce: PathMessage['nonce']; forgotten: number | undefined } {
    const nonce = [this.#random() | 0, this.#random() | 0] as const;
    const forgotten = path.probed(now, nonce);
    // Who may be somebody else, as a forged source, gets no more than a question.
    const isTold = peer.knownOfUs !== this.version && peer.reaches(path);
    const news = isTold ? this.#addresses(path.member.nic.info.mtu) : undefined;
    this.#send(path.member, path.nicPeer, this.#message(PathKind.probe, nonce, peer, news));
    this.counters[PathCounter.probesSent]++;
    return { nonce, forgotten };
  }

  /** By the NIC that it came by. @param peer if it is known */
  answer(member: Member, nicPeer: PeerIndex, nonce: PathMessage['nonce'], peer: PathPeer | undefined): void {
    this.#send(member, nicPeer, this.#message(PathKind.echo, nonce, peer));
    this.counters[PathCounter.echoesSent]++;
  }

  /** Those that were given up as far as there is room for them. Undefined: there is none for our own. */
  #addresses(mtu: number): TellingAddress[] | undefined {
    const own = this.#members.map(({ nic, up }) => ({ address: nic.info.address, state: up ? 'up' : 'down' }) as const);
    const former = this.#former.filter((address) => !own.some((one) => one.address === address));
    const all = [...own, ...former.map((address) => ({ address, state: 'gone' }) as const)].slice(0, MOST_ADDRESSES);
    while (all.length > own.length && pathFrameBytes(all) > mtu) all.pop();
    return pathFrameBytes(all) > mtu ? undefined : all;
  }

  #message(
    kind: number,
    nonce: PathMessage['nonce'],
    peer: PathPeer | undefined,
    addresses?: TellingAddress[],
  ): PathMessage {
    return { kind, nonce, machine: this.#machine, known: peer?.listVersion ?? 0, version: this.version, addresses };
  }

  #send(member: Member, nicPeer: PeerIndex, message: PathMessage): void {
    const { nic } = member;
    let frame = nic.alloc(0);
    if (frame === NO_FRAME) {
      nic.flush();
      frame = nic.alloc(0);
    }
    if (frame === NO_FRAME) return; // lost, as on the wire
    const length = writePathFrame(nic.view, frame, message);
    // Data may have filled the ring: what is asked must not wait behind all that is to come.
    if (!nic.send(frame, length, nicPeer)) {
      nic.flush();
      nic.send(frame, length, nicPeer);
    }
    nic.free(frame);
    member.dirty = true;
  }
}
