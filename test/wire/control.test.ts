import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  HANDSHAKE_BYTES,
  REASON_BYTES,
  Refusal,
  ResetReason,
  readHandshake,
  readReason,
  readReasonVersion,
  writeHandshake,
  writeReason,
} from '../../src/wire/control.js';

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

describe('the handshake', () => {
  test('lies byte by byte as docs/wire.md says', () => {
    const bytes = new Uint8Array(HANDSHAKE_BYTES + 3).fill(0xdb);
    writeHandshake(view(bytes), 3, {
      port: 0x04030201,
      maxMessage: 0x08070605,
      mtu: 0x0c0b0a09,
      window: 0x0e0d,
      version: 0x0f,
      payloadCheck: true,
      coalesces: true,
    });
    expect([...bytes.subarray(3)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 3, 0, 0, 0, 0]);
    expect([...bytes.subarray(0, 3)]).toEqual([0xdb, 0xdb, 0xdb]);
  });

  test('comes back as it was written', () => {
    const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const handshake = fc.record({
      port: u32,
      maxMessage: u32,
      mtu: u32,
      window: fc.nat(0xffff),
      version: fc.nat(0xff),
      payloadCheck: fc.boolean(),
      coalesces: fc.boolean(),
    });
    fc.assert(
      fc.property(handshake, fc.nat(9), (h, at) => {
        const bytes = view(new Uint8Array(HANDSHAKE_BYTES + 9));
        writeHandshake(bytes, at, h);
        expect(readHandshake(bytes, at, HANDSHAKE_BYTES)).toEqual(h);
      }),
    );
  });

  test('one that is too short is none; a longer one of a later release is read', () => {
    const bytes = view(new Uint8Array(64));
    for (let length = 0; length < HANDSHAKE_BYTES; length++) expect(readHandshake(bytes, 0, length)).toBeUndefined();
    expect(readHandshake(bytes, 0, HANDSHAKE_BYTES + 8)).toBeDefined();
  });

  test('bits of options that mean nothing yet are passed over', () => {
    const bytes = new Uint8Array(HANDSHAKE_BYTES);
    bytes[15] = 0xfe;
    expect(readHandshake(view(bytes), 0, HANDSHAKE_BYTES)?.payloadCheck).toBe(false);
  });
});

describe('reasons', () => {
  test('lie byte by byte as docs/wire.md says', () => {
    const bytes = new Uint8Array(REASON_BYTES).fill(0xdb);
    writeReason(view(bytes), 0, 0x0201, 3);
    expect([...bytes]).toEqual([1, 2, 3, 0]);
  });

  test('have the numbers of docs/wire.md', () => {
    expect(Refusal).toEqual({ noListener: 1, refused: 2, version: 3, backlog: 4, parameters: 5 });
    expect(ResetReason).toEqual({
      unknownChannel: 1,
      aborted: 2,
      protocol: 3,
      messageTooLong: 4,
      handler: 5,
      hostClosed: 6,
      gaveUp: 7,
      ended: 8,
    });
  });

  test('a payload that is cut off gives 0, not an exception', () => {
    const bytes = new Uint8Array(REASON_BYTES);
    writeReason(view(bytes), 0, 0x0102, 9);
    expect([0, 1, 2, 3, 4].map((length) => readReason(view(bytes.slice(0, length)), 0, length))).toEqual([
      0, 0, 0x0102, 0x0102, 0x0102,
    ]);
    expect([0, 2, 3, 4].map((length) => readReasonVersion(view(bytes.slice(0, length)), 0, length))).toEqual([
      0, 0, 9, 9,
    ]);
  });
});
