import type { LinkAddress, PeerIndex } from '../nic/contract.js';
import { isSame, type MachineId } from './identity.js';
import type { Path } from './path.js';
import type { PathPeer } from './peer.js';

/** A question that may still be answered. */
export interface Asked {
  readonly peer: PathPeer;
  readonly path: Path;
}

/** Peers by their numbers, addresses and machines, and questions by their nonces: each is found in the same time, however many there are. */
export class Directory {
  /** By number. */
  readonly peers: (PathPeer | undefined)[] = [];
  readonly #free: PeerIndex[] = [];
  readonly #byAddress = new Map<LinkAddress, PathPeer>();
  /** By the first half of their ids. */
  readonly #byMachine = new Map<number, Set<PathPeer>>();
  readonly #asked = new Map<number, Asked>();

  get all(): PathPeer[] {
    return this.peers.filter((peer) => peer !== undefined);
  }

  /** A number for a new peer. */
  number(): PeerIndex {
    return this.#free.pop() ?? this.peers.length;
  }

  release(index: PeerIndex): void {
    this.#free.push(index);
  }

  enter(peer: PathPeer): void {
    this.peers[peer.index] = peer;
    this.#byAddress.set(peer.address, peer);
  }

  leave(peer: PathPeer): void {
    for (const address of new Set([peer.address, ...peer.paths.map((path) => path.address)]))
      this.#forget(peer, address);
    for (const path of peer.paths) this.forgetNonces(path);
    this.#leaveMachine(peer);
    this.peers[peer.index] = undefined;
    this.release(peer.index);
  }

  /** By whatever address it is known. */
  at(address: LinkAddress): PathPeer | undefined {
    return this.#byAddress.get(address);
  }

  /** The peer has answered at the address, under its id. */
  alias(peer: PathPeer, address: LinkAddress): void {
    if (!this.#byAddress.has(address)) this.#byAddress.set(address, peer);
  }

  /** The path is no more, and perhaps the address. */
  drop(peer: PathPeer, path: Path): void {
    this.forgetNonces(path);
    if (path.address !== peer.address && !peer.has(path.address)) this.#forget(peer, path.address);
  }

  #forget(peer: PathPeer, address: LinkAddress): void {
    if (this.#byAddress.get(address) === peer) this.#byAddress.delete(address);
  }

  // ---- machines

  /** Peers that are this machine: more than one if it was called by several of its addresses before they were known to be one. */
  of(machine: MachineId): PathPeer[] {
    return [...(this.#byMachine.get(machine[0]) ?? NOBODY)].filter((peer) => isSame(peer.machine, machine));
  }

  /** Whether any peer is the machine of this id: for each frame of whoever sends many. */
  knows(high: number, low: number): boolean {
    const peers = this.#byMachine.get(high);
    if (peers === undefined) return false;
    for (const { machine } of peers) if (machine![1] === low) return true;
    return false;
  }

  meet(peer: PathPeer, machine: MachineId): void {
    this.#leaveMachine(peer);
    peer.machine = machine;
    const peers = this.#byMachine.get(machine[0]) ?? new Set();
    this.#byMachine.set(machine[0], peers.add(peer));
  }

  #leaveMachine({ machine, index }: PathPeer): void {
    if (machine === undefined) return;
    const peers = this.#byMachine.get(machine[0]);
    peers?.delete(this.peers[index]!);
    if (peers?.size === 0) this.#byMachine.delete(machine[0]);
  }

  // ---- questions

  /** Half of the nonce is the key; who answers has to know all of it. */
  ask(asked: Asked, nonce: readonly [number, number], forgotten: number | undefined): void {
    if (forgotten !== undefined) this.#asked.delete(forgotten);
    this.#asked.set(nonce[0], asked);
  }

  /** Whether an answer of which this is the first half of the nonce may be one to us. */
  awaits(high: number): boolean {
    return this.#asked.has(high);
  }

  asked(nonce: readonly [number, number]): Asked | undefined {
    return this.#asked.get(nonce[0]);
  }

  forgetNonces(path: Path): void {
    for (const key of path.nonceKeys) if (this.#asked.get(key)?.path === path) this.#asked.delete(key);
  }
}

const NOBODY: ReadonlySet<PathPeer> = new Set();
