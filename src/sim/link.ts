import { ArgumentError, describe } from '../errors.js';
import { Chance } from '../fault/chance.js';
import { flipBits, shortened } from '../fault/damage.js';
import { checkFaults } from '../fault/faults.js';
import type { Faults } from '../fault/faults.js';
import { FaultModel } from '../fault/model.js';
import type { FaultCounts } from '../fault/model.js';
import { checkBoolean, checkOptions, type Names } from '../host/arguments.js';
import { hashBytes } from '../wire/check.js';
import { checkCount, checkWord } from './arguments.js';
import type { Events } from './events.js';
import type { Packet, Port } from './wire.js';

/** What a frame takes on the wire beside its bytes: preamble, Ethernet header, checksum, gap. */
const WIRE_OVERHEAD = 38;
const DELAY = 5;
const QUEUE = 1000;
/** The shortest payload of an Ethernet frame: shorter ones are padded. */
const SHORTEST = 46;

/** Which way is cut, as the two ends were given. */
export type Cut = 'none' | 'a to b' | 'b to a' | 'both';
const CUTS: readonly Cut[] = ['none', 'a to b', 'b to a', 'both'];

/** The same each way, or each way its own. */
export type LinkFaults = Faults | { readonly 'a to b'?: Faults; readonly 'b to a'?: Faults };

export interface LinkOptions {
  /** Bits per second, each way. Default: without limit. */
  readonly rate?: number;
  /** Frames that wait for the wire before the last one is lost, each way. Default 1000. */
  readonly queue?: number;
  /** What befalls its frames; `delay` is 5 µs unless they say so. */
  readonly faults?: LinkFaults;
}
const OPTIONS: Names<LinkOptions> = { rate: true, queue: true, faults: true };

/** What has become of the frames of a link. */
export interface LinkCounts extends FaultCounts {
  /** Taken off the wire by `cut` or `filter`. */
  cut: number;
  /** Lost because the queue was full. */
  overflowed: number;
}

/** A cable: two ways, each with a rate, a queue and faults. */
export class Link {
  /** Sees each frame as it is sent; false takes it off the wire. */
  filter: ((packet: Packet) => boolean) | undefined = undefined;
  /** Of all frames that were sent: times, addresses, bytes. @internal */
  fingerprint = 0;

  readonly #events: Events;
  readonly #chance: Chance;
  readonly #rate: number;
  readonly #queue: number;
  readonly #ways: readonly [Way, Way];
  #faults!: LinkFaults;
  #cut: Cut = 'none';
  #up = true;

  /** @internal */
  constructor(events: Events, chance: Chance, a: Port, b: Port, options: LinkOptions = {}) {
    checkOptions('link()', options, OPTIONS);
    const { rate = Infinity, queue = QUEUE, faults = {} } = options;
    if (!(rate > 0)) throw new ArgumentError(`rate is ${describe(rate)}; expected bits per second, above 0.`);
    checkCount('queue', queue, 1);
    this.#events = events;
    this.#chance = chance;
    this.#rate = rate;
    this.#queue = queue;
    this.#ways = [new Way(b), new Way(a)];
    this.faults = faults;
  }

  /** What befalls frames from now on. Their times count from now. */
  get faults(): LinkFaults {
    return this.#faults;
  }
  set faults(faults: LinkFaults) {
    const each = eachWay(faults);
    each.forEach(checkFaults);
    this.#faults = faults;
    this.#ways.forEach((way, i) => {
      const own = each[i];
      way.since = this.#events.now;
      way.model.reset(
        { delay: DELAY, ...own },
        own.seed === undefined ? this.#chance.fork() : new Chance(own.seed + i),
      );
    });
  }

  /** Frames vanish on their way, and nobody is told. */
  get cut(): Cut {
    return this.#cut;
  }
  set cut(cut: Cut) {
    checkWord('cut', cut, CUTS);
    this.#cut = cut;
  }

  /** Of both ways, since the beginning. */
  get count(): LinkCounts {
    const [there, back] = this.#ways.map(({ model, count }): LinkCounts => ({ ...model.count, ...count }));
    const names = Object.keys(there) as (keyof LinkCounts)[];
    return Object.fromEntries(names.map((name) => [name, there[name] + back[name]])) as unknown as LinkCounts;
  }

  get up(): boolean {
    return this.#up;
  }

  /** Both ends are told, and what is on its way is lost. */
  set up(up: boolean) {
    checkBoolean('up', up);
    if (up === this.#up) return;
    this.#up = up;
    for (const way of this.#ways) way.clear();
    for (const { end } of this.#ways) end.carrier(up);
  }

  /** A frame leaves `port` at `time`. @internal */
  carry(port: Port, packet: Packet, time: number): void {
    const way = this.#ways[0].end === port ? this.#ways[1] : this.#ways[0];
    this.#note(packet, time);
    if (this.filter !== undefined) this.#events.stir();
    const departure = this.#up ? this.#depart(way, packet, time) : undefined;
    if (departure === undefined) return;
    if (this.#isCut(way) || this.filter?.(packet) === false) {
      way.count.cut++;
      return;
    }
    const { model } = way;
    model.next(time - way.since);
    const { again, delay, replay } = model;
    if (!model.lost) this.#arrive(way, { ...packet, bytes: changed(packet.bytes, model) }, departure + delay);
    if (again >= 0) this.#arrive(way, packet, departure + again);
    if (replay) this.#arrive(way, model.replayed(), departure + delay);
    if (model.remembers) model.remember(packet);
  }

  #note({ bytes, from, to }: Packet, time: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let hash = hashBytes(view, 0, bytes.length, Math.round(time * 1000) | 0);
    for (const text of [from, to])
      for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 31);
    this.fingerprint = Math.imul(this.fingerprint ^ hash, 0x9e3779b1) | 0;
  }

  /** When the frame's last bit is on the wire; undefined: the queue is full. */
  #depart(way: Way, { bytes }: Packet, time: number): number | undefined {
    if (this.#rate === Infinity) return time;
    while (way.queue.length > 0 && way.queue[0] <= time) way.queue.shift();
    if (way.queue.length >= this.#queue) {
      way.count.overflowed++;
      return undefined;
    }
    const begin = Math.max(time, way.queue.at(-1) ?? 0);
    const end = begin + ((bytes.length + WIRE_OVERHEAD) * 8e6) / this.#rate;
    way.queue.push(end);
    return end;
  }

  #isCut(way: Way): boolean {
    if (this.#cut === 'none' || this.#cut === 'both') return this.#cut === 'both';
    return (this.#cut === 'a to b') === (way === this.#ways[0]);
  }

  #arrive(way: Way, packet: Packet, time: number): void {
    const { epoch } = way;
    const take = () => {
      if (way.epoch === epoch) way.end.take(packet);
    };
    this.#events.at(time, take, true);
  }
}

/** One direction. */
class Way {
  readonly model = new FaultModel<Packet>({});
  readonly count = { cut: 0, overflowed: 0 };
  /** When its faults began, µs. */
  since = 0;
  /** When each frame that waits for the wire, or is being put on it, will have left. */
  readonly queue: number[] = [];
  /** Frames of an earlier one are lost. */
  epoch = 0;

  constructor(readonly end: Port) {}

  clear(): void {
    this.epoch++;
    this.queue.length = 0;
  }
}

function eachWay(faults: LinkFaults): [Faults, Faults] {
  if (typeof faults === 'string') {
    throw new ArgumentError(`faults is '${String(faults)}'; expected an object.`, {
      remedy: 'Pass parseFaults(text).',
    });
  }
  if (typeof faults !== 'object' || faults === null || !('a to b' in faults || 'b to a' in faults)) {
    return [faults as Faults, faults as Faults];
  }
  checkOptions('faults', faults, { 'a to b': true, 'b to a': true });
  const { 'a to b': there = {}, 'b to a': back = {} } = faults as { readonly [way: string]: Faults };
  return [there, back];
}

/** As the faults leave it; the same array if they leave it alone. */
function changed(bytes: Uint8Array, model: FaultModel<Packet>): Uint8Array {
  let result = bytes;
  if (model.corrupt) {
    result = bytes.slice();
    flipBits(result, 0, bytes.length * 8, model.chance);
  }
  if (model.truncate) result = result.subarray(0, shortened(result.length, model.chance));
  if (!model.pad || result.length >= SHORTEST) return result;
  const padded = new Uint8Array(SHORTEST);
  padded.set(result);
  return padded;
}
