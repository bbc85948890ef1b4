import { setTimeout as delay } from 'node:timers/promises';

import { EmpError, Host, NO_FRAME, type DriverName, type Nic } from '../../src/index.js';
import { REMEMBERED } from '../../src/fault/model.js';
import type { HostPlan, Side } from './plan.js';
import type { Site } from './site.js';

/** One machine of a storm: its host ends and comes back. */
export class Home {
  host!: Host;
  /** Counts the hosts that it has had. */
  generation = 0;
  isOpen = false;
  /** What those that are closed have counted. */
  switches = 0;
  /** By lane. */
  readonly #nics = new Map<number, Nic>();
  /** How many frames each could keep at first. */
  readonly #kept = new Map<Nic, number>();

  constructor(
    readonly side: Side,
    readonly site: Site,
    readonly drivers: readonly DriverName[],
    readonly plan: HostPlan,
  ) {}

  async open(): Promise<void> {
    const { policy, options } = this.plan;
    const nics = this.drivers.map((_, lane) => this.#options(lane));
    this.host = await whenPlugged(() =>
      Host.open(policy === undefined ? { nic: nics[0], ...options } : { nic: nics, paths: { policy }, ...options }),
    );
    this.generation++;
    this.isOpen = true;
    this.host.onClose = () => undefined; // a power cut is no surprise
    this.#nics.clear();
    this.host.nics.forEach((nic, lane) => this.#nics.set(lane, nic));
    this.#kept.clear();
    for (const nic of this.#all) this.#kept.set(nic, framesOf(nic).kept);
  }

  #options(lane: number) {
    return this.site.nic(this.drivers[lane], this.side, lane, this.plan.txFrames);
  }

  /** False: it is not there, or the last one. */
  giveUp(lane: number): boolean {
    const nic = this.#nics.get(lane);
    if (!this.isOpen || nic === undefined || this.#nics.size === 1) return false;
    this.#nics.delete(lane);
    this.host.removeNic(nic);
    return true;
  }

  async giveBack(lane: number): Promise<void> {
    const { host } = this;
    const nic = await whenPlugged(async () => {
      // Meanwhile a new host may have opened it.
      if (this.isOpen && this.host === host) return host.addNic(this.#options(lane));
    });
    if (nic === undefined) return;
    this.#nics.set(lane, nic);
    this.#kept.set(nic, framesOf(nic).kept);
  }

  async close(force: boolean): Promise<void> {
    if (!this.isOpen) return;
    this.#end();
    await this.host.close({ force });
  }

  /** Its NICs are gone between two instructions: nobody is told. */
  async cutPower(): Promise<void> {
    if (!this.isOpen) return;
    this.#end();
    for (const nic of this.host.nics) nic.close();
    await this.host.closed;
  }

  #end(): void {
    this.isOpen = false;
    this.switches += this.host.counters().paths.switches;
  }

  /** That of all lanes together, if there are several, and that of each. */
  get #all(): Nic[] {
    return [...new Set([this.host.nic, ...this.host.nics])];
  }

  /** Frames that somebody holds, by NIC: empty if none are. Those that `replay` remembers of the past are no one's. */
  get heldFrames(): string[] {
    const remembered = this.plan.options.faults?.replay ? REMEMBERED : 0;
    return this.#all.flatMap((nic) => {
      const isList = nic === this.host.nic && this.plan.policy !== undefined;
      const [before, now] = [this.#kept.get(nic)!, framesOf(nic)];
      const sending = nic.info.txFrames - now.sending;
      const kept = Math.max(0, before - now.kept - (isList ? 0 : remembered));
      if (sending + kept === 0) return [];
      const name = isList ? 'the list' : `${nic.info.driver} ${nic.info.interface ?? nic.info.address}`;
      return [`${name}: ${sending} for sending, ${kept} of what came`];
    });
  }
}

/** An interface that is down cannot be opened: as a service would, it tries again. */
async function whenPlugged<T>(open: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof EmpError) || error.code !== 'ERR_EMP_INTERFACE_DOWN' || tries > 100) throw error;
      await delay(20);
    }
  }
}

interface Frames {
  readonly sending: number;
  readonly kept: number;
}

/** How many frames a NIC can hand out, for sending and to keep what was received: takes all, and gives them back. */
function framesOf(nic: Nic): Frames {
  const sending: number[] = [];
  const kept: number[] = [];
  for (let frame = nic.alloc(0); frame !== NO_FRAME; frame = nic.alloc(0)) sending.push(frame);
  const [first = NO_FRAME] = sending;
  if (first !== NO_FRAME)
    for (let frame = nic.keep(first, 1); frame !== NO_FRAME; frame = nic.keep(first, 1)) kept.push(frame);
  for (const frame of [...sending, ...kept].reverse()) nic.free(frame);
  return { sending: sending.length, kept: kept.length };
}
