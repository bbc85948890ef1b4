import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { hashBytes } from '../../src/wire/check.js';
import {
  CHECKED_HEADER_BYTES,
  Flag,
  FrameType,
  HEADER_BYTES,
  Offset,
  REJECT_REASONS,
  Reject,
  acknowledgementOf,
  creditOf,
  destinationOf,
  flagsOf,
  headerBytesOf,
  inspect,
  messageTypeOf,
  payloadLengthOf,
  rejectNames,
  sequenceOf,
  sourceOf,
  typeOf,
  versionOf,
  word0,
  word1,
  writeHeader,
  writePayloadCheck,
} from '../../src/wire/header.js';
import { SEED } from '../support/seed.js';
import { Chance } from '../../src/fault/chance.js';

const HEADER_SEED = 0x31504d45;
const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface Fields {
  type: number;
  flags: number;
  messageType: number;
  destination: number;
  source: number;
  sequence: number;
  acknowledgement: number;
  credit: number;
  payload: Uint8Array;
}

const id = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const anyFields: fc.Arbitrary<Fields> = fc.record({
  type: fc.integer({ min: FrameType.connect, max: FrameType.path }),
  flags: fc.nat(0x1f),
  messageType: fc.nat(0xffff),
  destination: id,
  source: id,
  sequence: id,
  acknowledgement: id,
  credit: fc.nat(0xffff),
  payload: fc.uint8Array({ maxLength: 80 }),
});
/** A payload of a control frame is always checked. */
const fields = anyFields.map((f) =>
  f.type === FrameType.data || f.payload.length === 0 ? f : { ...f, flags: f.flags | Flag.payloadCheck },
);

/** The frame, `at` bytes into a block that is filled with something else. */
function encode(f: Fields, at = 0): Uint8Array {
  const isChecked = (f.flags & Flag.payloadCheck) !== 0;
  const header = isChecked ? CHECKED_HEADER_BYTES : HEADER_BYTES;
  const bytes = new Uint8Array(at + header + f.payload.length).fill(0xdb);
  bytes.set(f.payload, at + header);
  const w0 = word0(f.type, f.flags, f.payload.length);
  const w1 = word1(header >> 2, f.messageType);
  const { destination, source, sequence, acknowledgement, credit } = f;
  if (isChecked) writePayloadCheck(view(bytes), at, f.payload.length);
  writeHeader(view(bytes), at, w0, w1, destination, source, sequence, acknowledgement, credit);
  return bytes;
}

const PLAIN: Fields = {
  type: FrameType.data,
  flags: Flag.first | Flag.last,
  messageType: 0,
  destination: 1,
  source: 2,
  sequence: 3,
  acknowledgement: 4,
  credit: 5,
  payload: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
};

/** Changes the frame and makes its header check right again. */
function forged(f: Partial<Fields>, change: (view: DataView) => void): Uint8Array {
  const bytes = encode({ ...PLAIN, ...f });
  change(view(bytes));
  const length = Math.max(HEADER_BYTES, Math.min(headerBytesOf(view(bytes), 0), bytes.length));
  const header = bytes.slice(0, length);
  view(header).setUint32(Offset.headerCheck, 0, true);
  view(bytes).setInt32(Offset.headerCheck, hashBytes(view(header), 0, length, HEADER_SEED), true);
  return bytes;
}

describe('the header', () => {
  test('lies byte by byte as docs/wire.md says', () => {
    const bytes = encode({
      type: FrameType.data,
      flags: Flag.first | Flag.resent,
      messageType: 0x0807,
      destination: 0x0c0b0a09,
      source: 0x100f0e0d,
      sequence: 0x14131211,
      acknowledgement: 0x18171615,
      credit: 0x1a19,
      payload: Uint8Array.of(0xaa, 0xbb, 0xcc),
    });
    expect([...bytes.subarray(0, 28)]).toEqual([
      0x14, // version 1, DATA
      0x11, // FIRST, RESENT
      0x03,
      0x00, // payload bytes
      0x08, // header length in words
      0x00, // path
      0x07,
      0x08, // message type
      0x09,
      0x0a,
      0x0b,
      0x0c, // destination
      0x0d,
      0x0e,
      0x0f,
      0x10, // source
      0x11,
      0x12,
      0x13,
      0x14, // sequence number
      0x15,
      0x16,
      0x17,
      0x18, // acknowledgement
      0x19,
      0x1a, // credit
      0x00,
      0x00, // reserved
    ]);
    const zeroed = bytes.slice(0, 32).fill(0, 28);
    expect(view(bytes).getInt32(28, true)).toBe(hashBytes(view(zeroed), 0, 32, HEADER_SEED));
    expect([...bytes.subarray(32)]).toEqual([0xaa, 0xbb, 0xcc]);
  });

  test('with the payload check: one word more, covered by the header check', () => {
    const bytes = encode({ ...PLAIN, flags: Flag.payloadCheck });
    expect(bytes[4]).toBe(9);
    expect(view(bytes).getInt32(32, true)).toBe(hashBytes(view(PLAIN.payload), 0, 8, 0x70504d45));
    const zeroed = bytes.slice(0, 36).fill(0, 28, 32);
    expect(view(bytes).getInt32(28, true)).toBe(hashBytes(view(zeroed), 0, 36, HEADER_SEED));
  });

  test('comes back as it was written, at any offset, padded or not', () => {
    fc.assert(
      fc.property(fields, fc.nat(9), fc.nat(30), (f, at, padding) => {
        const frame = encode(f, at);
        const bytes = new Uint8Array(frame.length + padding);
        bytes.set(frame);
        const v = view(bytes);
        expect(inspect(v, at, bytes.length - at)).toBe(Reject.ok);
        const header = (f.flags & Flag.payloadCheck) !== 0 ? 36 : 32;
        expect({
          type: typeOf(v, at),
          flags: flagsOf(v, at),
          messageType: messageTypeOf(v, at),
          destination: destinationOf(v, at),
          source: sourceOf(v, at),
          sequence: sequenceOf(v, at),
          acknowledgement: acknowledgementOf(v, at),
          credit: creditOf(v, at),
          payload: bytes.slice(at + header, at + header + payloadLengthOf(v, at)),
        }).toEqual(f);
        expect([versionOf(v, at), headerBytesOf(v, at)]).toEqual([1, header]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a frame is rejected', () => {
  const check = (bytes: Uint8Array) => inspect(view(bytes), 0, bytes.length);

  test('for every reason there is', () => {
    const found = new Map<string, Uint8Array>([
      ['short', encode(PLAIN).slice(0, 31)],
      ['headerLength', forged({}, (v) => v.setUint8(4, 7))],
      ['headerCheck', encode(PLAIN).map((byte, i) => (i === 20 ? byte ^ 1 : byte))],
      ['version', forged({}, (v) => v.setUint8(0, (2 << 4) | FrameType.data))],
      ['type', forged({}, (v) => v.setUint8(0, (1 << 4) | 9))],
      ['flags', forged({}, (v) => v.setUint8(1, 0x80))],
      ['payloadLength', forged({}, (v) => v.setUint16(2, 9, true))],
      [
        'payloadCheck',
        encode({ ...PLAIN, flags: Flag.payloadCheck }).map((byte, i) => (i === 40 ? byte ^ 0x80 : byte)),
      ],
    ]);
    for (const [name, bytes] of found) expect(rejectNames[check(bytes)], name).toBe(name);
    expect([...found.keys(), 'ok'].sort()).toEqual([...rejectNames].sort());
    expect(REJECT_REASONS).toBe(rejectNames.length);
  });

  test('if the header is longer than the frame, or has no room for the check it promises', () => {
    expect(check(forged({}, (v) => v.setUint8(4, 255)))).toBe(Reject.headerLength);
    expect(check(forged({}, (v) => v.setUint8(1, Flag.payloadCheck)))).toBe(Reject.headerLength);
  });

  test('type 0, types above PATH, and the unknown flag', () => {
    for (const type of [0, 9, 10, 11, 12, 13, 14, 15])
      expect(check(forged({}, (v) => v.setUint8(0, (1 << 4) | type)))).toBe(Reject.type);
    expect(check(forged({}, (v) => v.setUint8(1, 0x80)))).toBe(Reject.flags);
  });

  test('a control frame whose payload carries no check', () => {
    const f = { ...PLAIN, type: FrameType.ack, flags: 0, payload: new Uint8Array(4) };
    expect(inspect(view(encode(f)), 0, 36)).toBe(Reject.flags);
  });

  test('wherever it is cut off', () => {
    fc.assert(
      fc.property(fields, fc.nat(), (f, where) => {
        const bytes = encode(f);
        const cut = where % bytes.length;
        expect(inspect(view(bytes), 0, cut)).not.toBe(Reject.ok);
        // Nor does it look beyond the cut: there is nothing there.
        expect(check(bytes.slice(0, cut))).toBe(inspect(view(bytes), 0, cut));
      }),
      { numRuns: 2000 },
    );
  });

  test('for any error within one word of its header', () => {
    fc.assert(
      fc.property(fields, fc.nat(7), fc.integer({ min: 1, max: 2 ** 32 - 1 }), (f, word, flip) => {
        const bytes = encode(f);
        const v = view(bytes);
        v.setUint32(word * 4, (v.getUint32(word * 4, true) ^ flip) >>> 0, true);
        expect(check(bytes)).not.toBe(Reject.ok);
      }),
      { numRuns: 20_000 },
    );
  });

  test('extensions of a later release are checked and skipped', () => {
    const bytes = new Uint8Array(48 + 4);
    const v = view(bytes);
    writeHeader(v, 0, word0(FrameType.data, 3, 4), word1(12, 0), 1, 2, 3, 4, 5);
    v.setUint32(32, 0xdeadbeef, true);
    bytes.set([9, 8, 7, 6], 48);
    v.setInt32(28, 0, true);
    v.setInt32(28, hashBytes(v, 0, 48, HEADER_SEED), true);
    expect(check(bytes)).toBe(Reject.ok);
    expect(headerBytesOf(v, 0)).toBe(48);
    bytes[40] ^= 4;
    expect(check(bytes)).toBe(Reject.headerCheck);
  });
});

test('decoding never throws, whatever the bytes: 100 000 of them', () => {
  const chance = new Chance(SEED);
  const bytes = new Uint8Array(2048);
  const v = view(bytes);
  let accepted = 0;
  for (let i = 0; i < 100_000; i++) {
    const length = chance.between(0, 120);
    const at = chance.between(0, bytes.length - length);
    for (let k = at; k < at + length; k += 4) if (k + 4 <= bytes.length) v.setInt32(k, chance.bits(), true);
    // Every other one gets further: a plausible first word and header length.
    if (length >= 8 && i % 2 === 0) {
      bytes[at] = (1 << 4) | chance.between(FrameType.connect, FrameType.path);
      bytes[at + 4] = chance.between(8, 14);
    }
    const reject = inspect(v, at, length);
    expect(reject).toBeLessThan(REJECT_REASONS);
    if (reject === Reject.ok) accepted++;
  }
  expect(accepted).toBe(0);
});
