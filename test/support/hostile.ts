import type { Chance } from '../../src/fault/chance.js';
import { flipBits } from '../../src/fault/damage.js';
import { HANDSHAKE_BYTES, writeHandshake, writeReason } from '../../src/wire/control.js';
import {
  CHECKED_HEADER_BYTES,
  Flag,
  FrameType,
  HEADER_BYTES,
  destinationOf,
  sourceOf,
  word0,
  word1,
  word6,
  writeHeader,
  writePayloadCheck,
} from '../../src/wire/header.js';
import { PathKind, pathFrameBytes, writePathFrame } from '../../src/wire/path.js';

/** What an enemy has to begin with. */
export interface Booty {
  readonly chance: Chance;
  /** Frames of a channel that went by, to the host that is attacked. */
  readonly real: readonly Uint8Array[];
  /** Where it listens. */
  readonly port: number;
  /** No frame is longer. */
  readonly mtu: number;
}

type Maker = (booty: Booty) => Uint8Array;

/** Each makes frames that no honest host sends (again). None knows both ids of a channel and ends it with them: who does is its peer. */
export const HOSTILE = {
  noise: ({ chance, mtu }) => noise(chance, chance.between(0, mtu)),
  mutated: ({ chance, real }) => {
    const copy = chance.pick(real).slice();
    const isHeader = chance.happens(0.5) || copy.length <= CHECKED_HEADER_BYTES;
    flipBits(copy, isHeader ? 0 : CHECKED_HEADER_BYTES * 8, (isHeader ? HEADER_BYTES : copy.length) * 8, chance);
    return copy;
  },
  replayed: ({ chance, real }) => chance.pick(real),
  truncated: ({ chance, real }) => {
    const whole = chance.pick(real);
    return whole.slice(0, chance.between(0, whole.length - 1));
  },
  /** A payload, or a header, that is far longer than the frame. */
  claims: ({ chance }) => {
    const isHeader = chance.happens(0.5);
    const words = isHeader ? chance.between(10, 255) : 9;
    return forged(chance, { type: FrameType.data, words, claimed: 65535, cut: isHeader ? 40 : undefined });
  },
  /** Of data never sent: by somebody who guesses the ids, and by one who knows them. */
  acks: ({ chance, real }) => {
    const ids = chance.happens(0.5) ? idsOf(chance.pick(real)) : undefined;
    return forged(chance, { type: FrameType.ack, ids, acknowledgement: chance.bits() | 0x40000000 });
  },
  /** RESET, FIN and REFUSE, with one of the two ids at most. */
  closes: ({ chance, real }) => {
    const ids = { ...idsOf(chance.pick(real)), [chance.pick(['source', 'destination'])]: chance.bits() };
    const type = chance.pick([FrameType.reset, FrameType.refuse, FrameType.data]);
    if (type === FrameType.data) return forged(chance, { type, flags: Flag.fin, ids });
    return forged(chance, { type, ids, payload: 4, write: (view, at) => writeReason(view, at, 2, 1) });
  },
  /** Sound ones, from ids of chance: to who listens, and to nobody. */
  connects: ({ chance, port }) => {
    const wanted = chance.happens(0.8) ? port : chance.bits() >>> 0;
    const ids = { destination: 0, source: chance.bits() | 1 };
    const shake = {
      maxMessage: 2 ** 32 - 1,
      mtu: 1400,
      window: 65535,
      version: 1,
      payloadCheck: true,
      coalesces: true,
    };
    const write = (view: DataView, at: number): void => writeHandshake(view, at, { ...shake, port: wanted });
    return forged(chance, { type: FrameType.connect, ids, payload: HANDSHAKE_BYTES, write });
  },
  /** Questions and answers of machines that nobody knows, with lists of addresses. */
  paths: ({ chance }) => {
    const count = chance.between(0, 8);
    const addresses = Array.from({ length: count }, () => ({
      address: chance.happens(0.5)
        ? `02:00:00:00:00:0${chance.between(1, 9)}`
        : `198.18.0.${chance.between(1, 9)}:34997`,
      state: chance.pick(['up', 'down', 'gone'] as const),
    }));
    const told = count === 0 ? undefined : addresses;
    const bytes = new Uint8Array(pathFrameBytes(told));
    const pair = (): readonly [number, number] => [chance.bits(), chance.bits()];
    const kind = chance.pick([PathKind.probe, PathKind.echo]);
    const [known, version] = [chance.between(0, 65535), chance.between(0, 65535)];
    writePathFrame(viewOf(bytes), 0, { kind, nonce: pair(), machine: pair(), known, version, addresses: told });
    return bytes;
  },
} satisfies Record<string, Maker>;
export type HostileKind = keyof typeof HOSTILE;

/** So many frames, of these kinds in turn. */
export function hostileFrames(
  booty: Booty,
  count: number,
  kinds: readonly HostileKind[] = Object.keys(HOSTILE) as HostileKind[],
): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => HOSTILE[kinds[i % kinds.length]](booty).slice(0, booty.mtu));
}

interface Ids {
  readonly destination: number;
  readonly source: number;
}

interface Forgery {
  readonly type: number;
  readonly flags?: number;
  readonly ids?: Ids | undefined;
  readonly words?: number;
  readonly acknowledgement?: number;
  /** Bytes of it, what writes them, and how many are claimed. */
  readonly payload?: number;
  readonly write?: (view: DataView, at: number) => void;
  readonly claimed?: number;
  readonly cut?: number | undefined;
}

/** A frame whose checks are right. */
function forged(chance: Chance, forgery: Forgery): Uint8Array {
  const { type, flags = 0, words = CHECKED_HEADER_BYTES >> 2, payload = 0, claimed = payload } = forgery;
  const { destination, source } = forgery.ids ?? { destination: chance.bits(), source: chance.bits() };
  const bytes = new Uint8Array((words << 2) + payload);
  const view = viewOf(bytes);
  forgery.write?.(view, words << 2);
  if (words === 9) writePayloadCheck(view, 0, payload);
  const w0 = word0(type, flags | Flag.payloadCheck, claimed);
  const acknowledgement = forgery.acknowledgement ?? chance.bits();
  writeHeader(view, 0, w0, word1(words, 0), destination, source, chance.bits(), acknowledgement, word6(0) | 0xffff);
  return bytes.slice(0, forgery.cut);
}

function idsOf(bytes: Uint8Array): Ids {
  return { destination: destinationOf(viewOf(bytes), 0), source: sourceOf(viewOf(bytes), 0) };
}

function noise(chance: Chance, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => chance.bits() & 0xff);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
