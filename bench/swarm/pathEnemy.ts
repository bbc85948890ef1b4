import type { Chance, Packet } from '../../src/sim/index.js';
import { FrameType, Reject, inspect, typeOf } from '../../src/wire/header.js';
import {
  PathKind,
  pathFrameBytes,
  readPathFrame,
  writePathFrame,
  type PathMessage,
  type TellingAddress,
} from '../../src/wire/path.js';

const REMEMBERED = 64;

/** What was seen of somebody who tells of paths. */
interface Sight {
  readonly message: PathMessage;
  readonly from: string;
}

/**
 * Forges PATH frames, with ids of machines that it has seen. Who sees frames can answer for a machine, and draw its frames to himself (docs/wire.md); this
 * one does what has to be harmless: it claims addresses of others besides those that a machine has, tells that links are down which are not, and answers
 * what was not asked.
 */
export class PathEnemy {
  readonly #chance: Chance;
  readonly #seen: Sight[] = [];

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  see({ bytes, from }: Packet): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < 32 || typeOf(view, 0) !== FrameType.path || inspect(view, 0, bytes.length) !== Reject.ok) return;
    const message = readPathFrame(view, 0);
    if (message === undefined) return;
    if (this.#seen.length < REMEMBERED) this.#seen.push({ message, from });
    else this.#seen[this.#chance.between(0, REMEMBERED - 1)] = { message, from };
  }

  /** A frame, and whom it claims to be from. Undefined: it knows nobody yet. @param own all addresses of a machine @param others of all machines */
  frame(
    own: (address: string) => readonly string[],
    others: readonly string[],
  ): { bytes: Uint8Array; from: string } | undefined {
    const chance = this.#chance;
    if (this.#seen.length === 0) return undefined;
    const { message, from } = chance.pick(this.#seen);
    const kind = chance.pick([PathKind.probe, PathKind.probe, PathKind.echo, chance.between(0, 255)]);
    const forged: PathMessage = {
      kind,
      // Who repeats a question that was seen is given the answer, and could give it in the name of who was asked.
      nonce: [chance.bits(), chance.bits()],
      machine: chance.happens(0.7) ? message.machine : [chance.bits(), chance.bits()],
      known: chance.happens(0.5) ? message.known : chance.between(0, 65535),
      version: chance.happens(0.5) ? message.version : chance.pick([message.version + 1, chance.between(0, 65535)]),
      addresses: this.#list(own(from), others),
    };
    return { bytes: frameOf(forged), from: chance.happens(0.7) ? from : chance.pick(others) };
  }

  #list(own: readonly string[], others: readonly string[]): TellingAddress[] | undefined {
    const chance = this.#chance;
    if (chance.happens(0.2)) return undefined;
    const told = (address: string): TellingAddress => ({ address, state: chance.pick(['up', 'up', 'down', 'gone']) });
    const claimed = Array.from({ length: chance.pick([0, 1, 3]) }, () => told(chance.pick([...others, 'nobody/0'])));
    if (chance.happens(0.7)) return [...own.map(told), ...claimed];
    // Lists that are none: too many, too long, or not of letters.
    const odd = chance.pick(['', ' ', 'x'.repeat(64), '\u0000\u00ff', 'm0/0 ']);
    return Array.from({ length: chance.between(1, 40) }, () => told(odd));
  }
}

function frameOf(message: PathMessage): Uint8Array {
  const bytes = new Uint8Array(pathFrameBytes(message.addresses));
  writePathFrame(new DataView(bytes.buffer), 0, message);
  return bytes;
}
