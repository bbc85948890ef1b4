import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { hashBytes } from '../../src/wire/check.js';
import {
  CHECKED_HEADER_BYTES,
  Flag,
  FrameType,
  Reject,
  inspect,
  payloadLengthOf,
  word0,
  word1,
  writeHeader,
  writePayloadCheck,
} from '../../src/wire/header.js';
import {
  LONGEST_ADDRESS,
  MOST_ADDRESSES,
  PathKind,
  pathFrameBytes,
  readPathFrame,
  writePathFrame,
} from '../../src/wire/path.js';
import type { PathMessage } from '../../src/wire/path.js';

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const PAYLOAD = CHECKED_HEADER_BYTES;
const FILLER = 0xdb;

const PLAIN: PathMessage = {
  kind: PathKind.probe,
  nonce: [0x04030201, 0x08070605],
  machine: [0x0c0b0a09, 0x100f0e0d],
  known: 0x1211,
  version: 0x1413,
  addresses: [
    { address: '02:00:00:00:00:01', state: 'up' },
    { address: '[fd00::1]:34997', state: 'down' },
  ],
};

/** The frame, `at` bytes into a block that is filled with something else. */
function encode(message: PathMessage, at = 0): Uint8Array {
  const bytes = new Uint8Array(at + pathFrameBytes(message.addresses)).fill(FILLER);
  expect(writePathFrame(view(bytes), at, message)).toBe(bytes.length - at);
  return bytes;
}

/** A frame with a sound header around any payload. It ends where its memory does: a look beyond would throw. */
function around(payload: ArrayLike<number>): DataView {
  const bytes = new Uint8Array(PAYLOAD + payload.length);
  bytes.set(payload, PAYLOAD);
  const flags = payload.length === 0 ? 0 : Flag.payloadCheck;
  writePayloadCheck(view(bytes), 0, payload.length);
  writeHeader(view(bytes), 0, word0(FrameType.path, flags, payload.length), word1(PAYLOAD >> 2, 0), 1, 2, 3, 4, 5);
  expect(inspect(view(bytes), 0, bytes.length)).toBe(Reject.ok);
  return view(bytes);
}

const read = (...payload: number[]) => readPathFrame(around(payload), 0);
const payloadOf = (message: PathMessage) => encode(message).subarray(PAYLOAD);
const entry = (address: string, flags = 0) => [flags, address.length, ...Buffer.from(address)];

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const bits64 = fc.tuple(word, word);
const printable = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
const telling = fc.record({
  address: fc.string({ unit: printable, minLength: 1, maxLength: LONGEST_ADDRESS }),
  state: fc.constantFrom('up' as const, 'down' as const, 'gone' as const),
});
const list = fc.array(telling, { minLength: 1, maxLength: MOST_ADDRESSES });
const messages: fc.Arbitrary<PathMessage> = fc.record({
  kind: fc.constantFrom(PathKind.probe, PathKind.echo),
  nonce: bits64,
  machine: bits64,
  known: fc.nat(0xffff),
  version: fc.nat(0xffff),
  addresses: fc.option(list, { nil: undefined }),
});
const telltales = list.map((addresses): PathMessage => ({ ...PLAIN, addresses }));

describe('a frame of type PATH', () => {
  test('lies byte by byte as docs/wire.md says', () => {
    const bytes = encode({ ...PLAIN, addresses: PLAIN.addresses!.map((one) => ({ ...one, address: 'ab' })) });
    const header = [0x18, 0x04, 12, 0, 9, 0, 0, 0, ...Array.from({ length: 18 }, (_, i) => i + 1), 0, 0];
    expect([...bytes.subarray(0, 28)]).toEqual(header);
    expect([...bytes.subarray(PAYLOAD)]).toEqual([
      1, // a probe
      2, // addresses
      0x13,
      0x14, // version of the list
      0, // flags
      2, // length
      0x61,
      0x62,
      1, // its NIC has no link
      2,
      0x61,
      0x62,
    ]);
    const zeroed = bytes.slice(0, PAYLOAD).fill(0, 28, 32);
    expect(view(bytes).getInt32(28, true)).toBe(hashBytes(view(zeroed), 0, PAYLOAD, 0x31504d45));
    expect(view(bytes).getInt32(32, true)).toBe(hashBytes(view(bytes), PAYLOAD, 12, 0x70504d45));
  });

  test('without a list has a payload of 4 bytes; an answer is of kind 2', () => {
    const bytes = encode({ ...PLAIN, kind: PathKind.echo, addresses: undefined });
    expect([...bytes.subarray(PAYLOAD)]).toEqual([2, 0, 0x13, 0x14]);
    // A list of nothing is none.
    expect(encode({ ...PLAIN, kind: PathKind.echo, addresses: [] })).toEqual(bytes);
  });

  test('comes back as it was written, at any offset, padded or not, and is as long as was foretold', () => {
    fc.assert(
      fc.property(messages, fc.nat(9), fc.nat(30), (message, at, padding) => {
        const frame = encode(message, at);
        const bytes = new Uint8Array(frame.length + padding).fill(FILLER);
        bytes.set(frame);
        expect([...bytes.subarray(0, at)]).toEqual(Array<number>(at).fill(FILLER));
        expect(inspect(view(bytes), at, bytes.length - at)).toBe(Reject.ok);
        expect(PAYLOAD + payloadLengthOf(view(bytes), at)).toBe(frame.length - at);
        expect(readPathFrame(view(bytes), at)).toEqual(message);
      }),
      { numRuns: 500 },
    );
  });

  test('with words of a later release behind its header is read', () => {
    const payload = payloadOf(PLAIN);
    const bytes = new Uint8Array(PAYLOAD + 8 + payload.length);
    bytes.set(payload, PAYLOAD + 8);
    const check = hashBytes(view(payload), 0, payload.length, 0x70504d45);
    view(bytes).setInt32(32, check, true);
    const w0 = word0(FrameType.path, Flag.payloadCheck, payload.length);
    writeHeader(view(bytes), 0, w0, word1(11, 0), ...PLAIN.nonce, ...PLAIN.machine, PLAIN.known);
    expect(inspect(view(bytes), 0, bytes.length)).toBe(Reject.ok);
    expect(readPathFrame(view(bytes), 0)).toEqual(PLAIN);
  });

  test('of the most and longest addresses fits an Ethernet frame', () => {
    const addresses = Array.from({ length: MOST_ADDRESSES }, () => ({
      address: 'x'.repeat(63),
      state: 'down' as const,
    }));
    expect(pathFrameBytes(addresses)).toBe(560);
    expect(readPathFrame(view(encode({ ...PLAIN, addresses })), 0)?.addresses).toEqual(addresses);
  });
});

describe('makes no sense', () => {
  test('wherever its payload is cut off, or if anything stands behind it', () => {
    fc.assert(
      fc.property(messages, fc.uint8Array({ minLength: 1, maxLength: 9 }), (message, more) => {
        const payload = payloadOf(message);
        for (let cut = 0; cut < payload.length; cut++)
          expect(readPathFrame(around(payload.subarray(0, cut)), 0)).toBeUndefined();
        expect(readPathFrame(around([...payload, ...more]), 0)).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  test('nor is what lies behind a payload that is cut off taken for its rest', () => {
    const bytes = encode(PLAIN);
    const whole = payloadLengthOf(view(bytes), 0);
    for (let length = 0; length < whole; length++) {
      view(bytes).setUint16(2, length, true);
      expect(readPathFrame(view(bytes), 0)).toBeUndefined();
    }
  });

  test('with any other length of any address, or any other number of them', () => {
    fc.assert(
      fc.property(telltales, ({ addresses, ...rest }) => {
        const payload = payloadOf({ ...rest, addresses });
        const lengths = [1];
        let at = 5;
        for (const { address } of addresses!) {
          lengths.push(at);
          at += 2 + address.length;
        }
        for (const where of lengths) {
          const bytes = around(payload);
          for (let value = 0; value < 256; value++) {
            if (value === payload[where]) continue;
            bytes.setUint8(PAYLOAD + where, value);
            expect(readPathFrame(bytes, 0), `${where}: ${value}`).toBeUndefined();
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test('if its kind is unknown', () => {
    for (let kind = 0; kind < 256; kind++)
      expect(read(kind, 0, 1, 0) !== undefined, String(kind)).toBe(kind === 1 || kind === 2);
  });

  test('with more than eight addresses', () => {
    const told = (count: number) => read(1, count, 1, 0, ...Array.from({ length: count }, () => entry('a')).flat());
    expect(told(MOST_ADDRESSES)?.addresses).toHaveLength(8);
    for (const count of [9, 10, 255]) expect(told(count)).toBeUndefined();
  });

  test('with an address that is empty, too long, or of anything but printable ASCII', () => {
    const told = (address: string) => read(1, 1, 1, 0, ...entry(address));
    expect(told('x'.repeat(LONGEST_ADDRESS))).toBeDefined();
    for (const length of [0, LONGEST_ADDRESS + 1, 255]) expect(told('x'.repeat(length))).toBeUndefined();
    for (let code = 0; code < 256; code++) {
      const isPrintable = code > 0x20 && code < 0x7f;
      for (const text of [[code], [0x61, code], [code, 0x61]])
        expect(read(1, 1, 1, 0, 0, text.length, ...text) !== undefined, String(code)).toBe(isPrintable);
    }
  });

  test('with flags that mean nothing', () => {
    for (let flags = 0; flags < 256; flags++)
      expect(read(1, 1, 1, 0, ...entry('a', flags))?.addresses, String(flags)).toEqual(
        flags < 3 ? [{ address: 'a', state: ['up', 'down', 'gone'][flags] }] : undefined,
      );
  });

  test('or does, but never throws, whatever the payload', () => {
    const plausible = fc
      .tuple(fc.constantFrom(1, 2), fc.nat(9), fc.array(fc.oneof(fc.nat(3), fc.nat(255)), { maxLength: 60 }))
      .map(([kind, count, rest]) => Uint8Array.from([kind, count, ...rest]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), plausible), (payload) => {
        const message = readPathFrame(around(payload), 0);
        // What is read is what was written: there is one way to write it.
        if (message !== undefined) expect(payloadOf(message)).toEqual(Uint8Array.from(payload));
      }),
      { numRuns: 3000 },
    );
  });
});
