import { Flag, HEADER_BYTES, flagsOf, headerBytesOf, payloadLengthOf } from '../../../src/wire/header.js';
import type { Chance } from '../../../src/fault/chance.js';
import { flipBits, shortened } from '../../../src/fault/damage.js';
import { Events } from '../../../src/sim/events.js';

/** What happens to frames on their way. Probabilities per frame; times in µs. */
export interface Weather {
  drop: number;
  double: number;
  /** Bits flipped, truncated, or replaced by garbage: where a check covers it, so that it has to count as lost. */
  corrupt: number;
  /** An old frame of the same direction comes once more. */
  replay: number;
  /** A burst of loss begins; how many frames it takes. */
  burst: number;
  burstLength: number;
  /** Zeros behind the frame, as Ethernet pads. */
  pad: number;
  delayMin: number;
  delayMax: number;
}

export const CALM: Weather = {
  drop: 0,
  double: 0,
  corrupt: 0,
  replay: 0,
  burst: 0,
  burstLength: 0,
  pad: 0,
  delayMin: 50,
  delayMax: 50,
};

/** Where frames arrive. */
export interface Station {
  readonly address: string;
  arrive(bytes: Uint8Array, from: string): void;
}

/** Events at most: more means that two ends keep each other busy for ever. */
const EVENT_LIMIT = 3_000_000;
const REMEMBERED = 64;
const BEGIN = 1_000_000;

/** A network and its clock: the next event decides the time. Nothing sleeps. */
export class Network {
  weather: Weather = CALM;
  /** What happened to frames. */
  readonly count = { sent: 0, delivered: 0, dropped: 0, doubled: 0, corrupted: 0, replayed: 0 };
  /** Sees each frame as it was sent; false takes it off the wire. */
  filter: ((bytes: Uint8Array, from: string, to: string) => boolean) | undefined = undefined;

  readonly #chance: Chance;
  readonly #events = new Events();
  readonly #stations = new Map<string, Station>();
  readonly #old: { bytes: Uint8Array; from: string; to: string }[] = [];
  #burstLeft = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
    this.#events.now = BEGIN;
  }

  /** Virtual time, µs. */
  get now(): number {
    return this.#events.now;
  }
  set now(time: number) {
    this.#events.now = time;
  }

  attach(station: Station): void {
    this.#stations.set(station.address, station);
  }

  detach(station: Station): void {
    if (this.#stations.get(station.address) === station) this.#stations.delete(station.address);
  }

  // ---- time

  at(time: number, run: () => void): void {
    this.#events.at(time, run);
  }

  after(delay: number, run: () => void): void {
    this.at(this.now + delay, run);
  }

  /** Runs until nothing is left to happen, or until `time`. */
  run(time = Infinity): void {
    const events = this.#events;
    while (!events.isEmpty && events.next <= time) {
      events.step();
      if (events.count > EVENT_LIMIT) throw new Error(`no end after ${EVENT_LIMIT} events (${this.now} µs)`);
    }
    if (time !== Infinity) events.now = Math.max(events.now, time);
  }

  soon(run: () => void): void {
    this.after(0, run);
  }

  // ---- frames

  /** Takes a copy that is the network's own. */
  carry(bytes: Uint8Array, from: string, to: string): void {
    const chance = this.#chance;
    const { weather, count } = this;
    count.sent++;
    if (this.filter !== undefined && !this.filter(bytes, from, to)) {
      count.dropped++;
      return;
    }
    if (weather.replay > 0) this.#remember(bytes, from, to);
    if (weather.burst === 0) this.#burstLeft = 0;
    else if (this.#burstLeft === 0 && chance.happens(weather.burst)) this.#burstLeft = weather.burstLength;
    if (this.#burstLeft > 0) this.#burstLeft--;
    if (this.#burstLeft > 0 || chance.happens(weather.drop)) {
      count.dropped++;
    } else if (chance.happens(weather.corrupt)) {
      count.corrupted++;
      this.#deliver(damaged(bytes, chance), from, to);
    } else {
      count.delivered++;
      this.#deliver(chance.happens(weather.pad) ? padded(bytes, chance) : bytes, from, to);
      if (chance.happens(weather.double)) {
        count.doubled++;
        this.#deliver(bytes, from, to);
      }
    }
    if (this.#old.length > 0 && chance.happens(weather.replay)) {
      count.replayed++;
      const old = chance.pick(this.#old);
      this.#deliver(old.bytes, old.from, old.to);
    }
  }

  #remember(bytes: Uint8Array, from: string, to: string): void {
    if (this.#old.length < REMEMBERED) this.#old.push({ bytes, from, to });
    else this.#old[this.#chance.between(0, REMEMBERED - 1)] = { bytes, from, to };
  }

  #deliver(bytes: Uint8Array, from: string, to: string): void {
    const { delayMin, delayMax } = this.weather;
    this.after(this.#chance.between(delayMin, delayMax), () => this.#stations.get(to)?.arrive(bytes, from));
  }
}

function padded(bytes: Uint8Array, chance: Chance): Uint8Array {
  const longer = new Uint8Array(bytes.length + chance.between(1, 28));
  longer.set(bytes);
  return longer;
}

/** The frame as a fault would leave it: in what a check covers, or too short, or not a frame at all. */
function damaged(bytes: Uint8Array, chance: Chance): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = headerBytesOf(view, 0);
  const whole = header + payloadLengthOf(view, 0);
  const covered = (flagsOf(view, 0) & Flag.payloadCheck) !== 0 ? whole : header;
  switch (chance.between(0, 3)) {
    case 0:
      return bytes.slice(0, shortened(whole, chance));
    case 1: {
      const garbage = bytes.slice(0, chance.between(0, HEADER_BYTES * 2));
      for (let i = 0; i < garbage.length; i++) garbage[i] = chance.between(0, 255);
      return garbage;
    }
    default: {
      const copy = bytes.slice();
      flipBits(copy, 0, covered * 8, chance);
      return same(copy, bytes) ? bytes.slice(0, 1) : copy;
    }
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}
