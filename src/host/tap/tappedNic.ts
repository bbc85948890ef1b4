import type { Frame, LinkAddress, Nic, NicInfo, NicState, PeerIndex, RxBurst } from '../../nic/contract.js';
import { Direction } from '../../wire/pcapng.js';
import { microseconds } from '../clock.js';
import { TapServer, type TapSink } from './tapServer.js';

/**
 * A NIC around a NIC, which shows every frame to whoever watches. A host that is not opened for capture has none of this
 * on its way; one that is, and that nobody watches, pays one comparison per burst and per frame sent.
 */
export class TappedNic implements Nic {
  readonly info: NicInfo;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly rx: RxBurst;

  readonly #nic: Nic;
  /** By peer index. */
  readonly #addresses: LinkAddress[] = [];
  #sink: TapSink | undefined = undefined;
  #server: TapServer | undefined = undefined;

  /** Wraps an open NIC. If that fails, the NIC is closed. */
  static async wrap(nic: Nic): Promise<TappedNic> {
    const tapped = new TappedNic(nic);
    try {
      tapped.#server = await TapServer.open({
        info: nic.info,
        clock: microseconds,
        onSink: (sink) => (tapped.#sink = sink),
      });
    } catch (error) {
      nic.close();
      throw error;
    }
    return tapped;
  }

  private constructor(nic: Nic) {
    this.#nic = nic;
    this.info = nic.info;
    this.bytes = nic.bytes;
    this.view = nic.view;
    this.rx = nic.rx;
  }

  send(frame: Frame, length: number, peer: PeerIndex): boolean {
    const taken = this.#nic.send(frame, length, peer);
    const sink = this.#sink;
    if (taken && sink !== undefined) {
      sink(Direction.outbound, this.bytes, frame, length, microseconds(), this.#addresses[peer]);
    }
    return taken;
  }

  receive(): number {
    const count = this.#nic.receive();
    const sink = this.#sink;
    if (sink === undefined) return count;
    const now = microseconds();
    for (let i = 0; i < count; i++) {
      sink(Direction.inbound, this.bytes, this.rx.frame[i], this.rx.length[i], now, this.#nic.source(i));
    }
    return count;
  }

  peer(address: LinkAddress): PeerIndex {
    const index = this.#nic.peer(address);
    this.#addresses[index] = address;
    return index;
  }

  close(): void {
    this.#server?.close();
    this.#sink = undefined;
    this.#nic.close();
  }

  alloc(reserve: number): Frame {
    return this.#nic.alloc(reserve);
  }
  free(frame: Frame): void {
    this.#nic.free(frame);
  }
  inFlight(frame: Frame): boolean {
    return this.#nic.inFlight(frame);
  }
  flush(): boolean {
    return this.#nic.flush();
  }
  hold(index: number): Frame {
    return this.#nic.hold(index);
  }
  recycle(): void {
    this.#nic.recycle();
  }
  source(index: number): LinkAddress {
    return this.#nic.source(index);
  }
  forget(peer: PeerIndex): void {
    this.#nic.forget(peer);
  }
  watch(wake: () => void): void {
    this.#nic.watch(wake);
  }
  unwatch(): void {
    this.#nic.unwatch();
  }
  /** Not kept: a driver may ask the kernel at each look. */
  get counters(): Float64Array {
    return this.#nic.counters;
  }
  get state(): NicState {
    return this.#nic.state;
  }
  get onState(): ((state: NicState) => void) | undefined {
    return this.#nic.onState;
  }
  set onState(listener: ((state: NicState) => void) | undefined) {
    this.#nic.onState = listener;
  }
}
