import { Engine } from '../../../src/channel/engine.js';
import type { Chance } from '../../../src/fault/chance.js';
import type { Network } from './network.js';
import { SimNic } from '../../../src/sim/simNic.js';
import type { SimNicOptions } from '../../../src/sim/nicModel.js';

/** Rounds of `settle` in one turn, as the host's run loop has them. */
const SETTLE_ROUNDS = 4;
/** A busy engine gets its next turn after so long, µs; later and later while nothing comes in (it waits for memory). */
const STEP = 20;
const LONGEST_STEP = 1000;
const CLOSE = 200;

export interface SimHostOptions extends SimNicOptions {
  /** 32 random bits for ids and sequence numbers. Default: chance. */
  random?: () => number;
  /** Turns come so much later than they could, at most, µs. */
  late?: number;
}

/** A machine of the simulated network: a NIC, an engine, and a run loop in virtual time. */
export class SimHost {
  readonly nic: SimNic;
  readonly engine: Engine;
  readonly clock = { cell: new Float64Array(1), read: () => void (this.clock.cell[0] = this.#network.now) };

  readonly #network: Network;
  readonly #chance: Chance;
  readonly #late: number;
  #wakeAt = Infinity;
  #step = STEP;
  #inTurn = false;
  #alive = true;

  constructor(network: Network, address: string, chance: Chance, options: SimHostOptions = {}) {
    this.#network = network;
    this.#chance = chance;
    this.#late = options.late ?? 0;
    this.clock.cell[0] = network.now;
    this.nic = new SimNic(network, address, chance.fork(), options);
    this.engine = new Engine(this.nic, options.random ?? chance.fork().bits, this.clock);
    this.nic.onArrival = () => this.#wake(network.now);
    network.attach(this.nic);
  }

  get address(): string {
    return this.nic.address;
  }

  /** The power goes: no word to anybody. Frames on the wire stay there. */
  vanish(): void {
    this.#alive = false;
    this.#network.detach(this.nic);
  }

  /** The application calls in from outside of a turn. */
  enter<T>(action: () => T): T {
    if (!this.#inTurn) this.clock.cell[0] = this.#network.now;
    try {
      return action();
    } finally {
      // As the host does it: a microtask, never late.
      this.#wake(this.#network.now, 0);
    }
  }

  #wake(at: number, latest = this.#late): void {
    if (at > this.#wakeAt || (at === this.#wakeAt && latest > 0)) return;
    this.#wakeAt = at;
    const late = latest > 0 ? this.#chance.between(0, latest) : 0;
    this.#network.at(at + late, () => {
      if (this.#wakeAt === at) this.#turn();
    });
  }

  #turn(): void {
    if (!this.#alive) return;
    const { nic, engine } = this;
    const now = this.clock.cell;
    this.#wakeAt = Infinity;
    // As in the run loop: turns that follow each other closely begin with the time of the one before.
    if (this.#network.now - now[0] > CLOSE) this.clock.read();
    const count = nic.receive();
    this.#inTurn = true;
    try {
      if (count > 0) engine.digest(count);
      if (count === 1) {
        engine.push();
        nic.flush();
      }
      this.clock.read();
      if (now[0] >= engine.nextTimeout) engine.tick();
      for (let i = 0; i < SETTLE_ROUNDS && engine.busy; i++) engine.settle();
    } finally {
      this.#inTurn = false;
      nic.recycle();
      nic.flush();
    }
    if (engine.nextTimeout <= now[0]) throw new Error(`a timer of ${nic.address} is due again at once`);
    this.#step = count > 0 || !engine.busy ? STEP : Math.min(this.#step * 2, LONGEST_STEP);
    if (engine.busy || nic.waiting > 0) this.#wake(now[0] + this.#step);
    if (engine.nextTimeout !== Infinity) this.#wake(engine.nextTimeout);
  }

  /** What is wrong when everything should be over: empty if nothing. */
  leftovers(): string[] {
    const found = this.nic.leaks();
    const { engine } = this;
    if (engine.channelCount > 0) found.push(`${engine.channelCount} channels are left`);
    if (engine.nextTimeout !== Infinity) found.push('a timer is left');
    if (engine.busy) found.push('the engine is busy');
    return found.map((text) => `${this.address}: ${text}`);
  }
}
