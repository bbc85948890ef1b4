import type { Frame, LinkAddress, Nic, NicInfo, NicState, PeerIndex, RxBurst } from '../nic/contract.js';

/** A NIC around a NIC that does what that does: for those that change one thing of it. */
export class WrappedNic implements Nic {
  readonly info: NicInfo;
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(protected readonly nic: Nic) {
    this.info = nic.info;
    this.bytes = nic.bytes;
    this.view = nic.view;
  }

  get rx(): RxBurst {
    return this.nic.rx;
  }
  /** Not kept: a driver may ask the kernel at each look. */
  get counters(): Float64Array {
    return this.nic.counters;
  }
  countIn(memory: Float64Array): void {
    this.nic.countIn(memory);
  }
  alloc(reserve: number): Frame {
    return this.nic.alloc(reserve);
  }
  free(frame: Frame): void {
    this.nic.free(frame);
  }
  send(frame: Frame, length: number, peer: PeerIndex): boolean {
    return this.nic.send(frame, length, peer);
  }
  inFlight(frame: Frame): boolean {
    return this.nic.inFlight(frame);
  }
  flush(): boolean {
    return this.nic.flush();
  }
  receive(): number {
    return this.nic.receive();
  }
  hold(index: number): Frame {
    return this.nic.hold(index);
  }
  keep(at: Frame, length: number): Frame {
    return this.nic.keep(at, length);
  }
  recycle(): void {
    this.nic.recycle();
  }
  source(index: number): LinkAddress {
    return this.nic.source(index);
  }
  peer(address: LinkAddress): PeerIndex {
    return this.nic.peer(address);
  }
  forget(peer: PeerIndex): void {
    this.nic.forget(peer);
  }
  watch(wake: () => void): void {
    this.nic.watch(wake);
  }
  unwatch(): void {
    this.nic.unwatch();
  }
  get state(): NicState {
    return this.nic.state;
  }
  get onState(): ((state: NicState) => void) | undefined {
    return this.nic.onState;
  }
  set onState(listener: ((state: NicState) => void) | undefined) {
    this.nic.onState = listener;
  }
  close(): void {
    this.nic.close();
  }
}
