import type { DriverName, NicOptions } from '../../src/index.js';
import type { Testbed } from '../../src/testbed/testbed.js';
import type { Side } from './plan.js';

/** What every NIC of a list takes, bytes: those of all drivers can be mixed. */
const MTU = 1400;

/** Where storms take place: a testbed with several links, or, without root, this process and its loopback interface. */
export class Site {
  readonly lanes: number;
  readonly #testbed: Testbed | undefined;

  constructor(testbed: Testbed | undefined) {
    this.#testbed = testbed;
    this.lanes = testbed?.links.length ?? 3;
  }

  get hasLinks(): boolean {
    return this.#testbed !== undefined;
  }

  nic(driver: DriverName, side: Side, lane: number, frames: number): NicOptions {
    const common = { txFrames: frames, rxFrames: frames, mtu: MTU };
    if (driver === 'memory') return { driver, name: `soak-${side}${lane}`, ...common };
    if (this.#testbed === undefined) return { driver: 'udp', port: 0, ...common };
    const { namespace, interface: name, ipv4 } = this.#testbed.links[lane][side];
    if (driver === 'udp') return { driver, namespace, address: ipv4, ...common };
    return { driver, namespace, interface: name, ...common };
  }

  /** Whatever it takes to change links is there from now on: what storms leave can be told from it. */
  async prepare(): Promise<void> {
    if (this.hasLinks) await Promise.all([this.plug(0, 'a', true), this.plug(0, 'b', true), this.forward(0, true)]);
  }

  /** Only if `hasLinks`. */
  async plug(lane: number, side: Side, up: boolean): Promise<void> {
    await this.#testbed!.plug(lane, side, up);
  }

  /** Only if `hasLinks`. */
  async forward(lane: number, on: boolean): Promise<void> {
    await this.#testbed!.forward(lane, on);
  }
}
