import type { Frame, LinkAddress, Nic, PeerIndex } from '../../nic/contract.js';
import { Direction } from '../../wire/pcapng.js';
import { microseconds } from '../clock.js';
import { WrappedNic } from '../wrappedNic.js';
import { TapServer, type TapSink } from './tapServer.js';

/**
 * A NIC around a NIC, which shows every frame to whoever watches. A host that is not opened for capture has none of this
 * on its way; one that is, and that nobody watches, pays one comparison per burst and per frame sent.
 */
export class TappedNic extends WrappedNic {
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

  override send(frame: Frame, length: number, peer: PeerIndex): boolean {
    const taken = this.nic.send(frame, length, peer);
    const sink = this.#sink;
    if (taken && sink !== undefined) {
      sink(Direction.outbound, this.bytes, frame, length, microseconds(), this.#addresses[peer]);
    }
    return taken;
  }

  override receive(): number {
    const count = this.nic.receive();
    const sink = this.#sink;
    if (sink === undefined) return count;
    const now = microseconds();
    const { frame, length } = this.rx;
    for (let i = 0; i < count; i++) {
      sink(Direction.inbound, this.bytes, frame[i], length[i], now, this.nic.source(i));
    }
    return count;
  }

  override peer(address: LinkAddress): PeerIndex {
    const index = this.nic.peer(address);
    this.#addresses[index] = address;
    return index;
  }

  override close(): void {
    this.#server?.close();
    this.#sink = undefined;
    this.nic.close();
  }
}
