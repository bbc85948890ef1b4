import {
  aligned,
  CHECKED_HEADER_BYTES,
  decode,
  Flag,
  follows,
  Header,
  HEADER_BYTES,
  inspect,
  readHeader,
  Reject,
  writeHeader,
  writePayloadCheck,
} from '../../../src/wire/header.js';
import { hold, type Target } from '../target.js';

/** Around the frame: it must neither be read nor written. */
const GUARD = 64;
const Repair = { header: 1, payload: 2 } as const;

/** The frames in one frame of the link. The first byte says which checks are made right before: by chance they never are. */
export const frame: Target = {
  name: 'frame',
  longest: 2048,
  run(input) {
    const length = Math.max(0, input.length - 1);
    const memory = new Uint8Array(length + 2 * GUARD);
    memory.set(input.subarray(1), GUARD);
    const view = new DataView(memory.buffer);
    const end = GUARD + length;
    walk(view, end, (at) => repair(view, at, end, input[0] ?? 0));
    const before = memory.slice();
    const reasons = walk(view, end, () => undefined);
    hold(Buffer.compare(memory, before) === 0, 'decoding wrote into the frame');
    memory.fill(0xff, 0, GUARD).fill(0xff, end);
    hold(String(walk(view, end, () => undefined)) === String(reasons), 'what lies around a frame changed its meaning');
  },
};

/** Decodes one after the other, as a host does; returns what it made of each. */
function walk(view: DataView, end: number, prepare: (at: number) => void): number[] {
  const header = new Header();
  const reasons: number[] = [];
  for (let at = GUARD; ;) {
    prepare(at);
    const reject = decode(view, at, end - at, header);
    hold(inspect(view, at, end - at) === reject, 'decode and inspect differ');
    reasons.push(reject);
    if (reject !== Reject.ok && reject !== Reject.payloadCheck) return reasons;
    check(view, at, end, header);
    const next = at + aligned(header.headerBytes + header.payloadLength);
    if (!follows(view, next, end)) return reasons;
    hold(next >= at + HEADER_BYTES, 'the walk stands still');
    at = next;
  }
}

/** A sound header names nothing beyond its frame, and says the same when it is read again. */
function check(view: DataView, at: number, end: number, header: Header): void {
  const { headerBytes, payloadLength, flags } = header;
  hold(headerBytes >= HEADER_BYTES && at + headerBytes + payloadLength <= end, 'the payload reaches beyond the frame');
  hold((flags & Flag.payloadCheck) === 0 || headerBytes >= CHECKED_HEADER_BYTES, 'there is no room for the check');
  const again = new Header();
  readHeader(view, at, again);
  hold(JSON.stringify(again) === JSON.stringify(header), 'decode and readHeader differ');
}

function repair(view: DataView, at: number, end: number, wish: number): void {
  if (end - at < HEADER_BYTES) return;
  const word = (i: number): number => view.getInt32(at + 4 * i, true);
  const words = word(1) & 0xff;
  if (words < HEADER_BYTES >> 2 || words << 2 > end - at) return;
  const payload = at + (words << 2);
  const length = word(0) >>> 16;
  // The check covers what is behind a header of nine words.
  if ((wish & Repair.payload) !== 0 && words === CHECKED_HEADER_BYTES >> 2 && payload + length <= end) {
    writePayloadCheck(view, at, length);
  }
  if ((wish & Repair.header) !== 0) {
    writeHeader(view, at, word(0), word(1), word(2), word(3), word(4), word(5), word(6));
  }
}
