import { describe, expect, it } from 'vitest';

import { HANDSHAKE_BYTES, ResetReason, Refusal, writeHandshake, writeReason } from '../../src/wire/control.js';
import { datagramHeader, parseEndpoint } from '../../src/wire/datagram.js';
import {
  CHECKED_HEADER_BYTES,
  Flag,
  FrameType,
  HEADER_BYTES,
  Offset,
  payloadCheck,
  VERSION,
  word0,
  word1,
  writeCheckedHeader,
  writeHeader,
} from '../../src/wire/header.js';
import {
  Direction,
  LinkType,
  packetBlockBytes,
  prologue,
  writePacket,
  type LinkTypeNumber,
} from '../../src/wire/pcapng.js';
import { hasTshark, readFields } from '../support/tshark.js';

const script = new URL('../../tools/wireshark/emp.lua', import.meta.url).pathname;

const ETHERNET = Uint8Array.of(2, 0xe0, 0, 0, 0, 2, 2, 0xe0, 0, 0, 0, 1, 0x88, 0xb5);

interface FrameOptions {
  type: number;
  flags?: number;
  messageType?: number;
  payload?: Uint8Array;
  acknowledgement?: number;
  padding?: number;
}

function frame({ type, flags = 0, messageType = 0, payload = new Uint8Array(0), ...rest }: FrameOptions): Uint8Array {
  const { acknowledgement = 5, padding = 0 } = rest;
  const checked = (flags & Flag.payloadCheck) !== 0;
  const header = checked ? CHECKED_HEADER_BYTES : HEADER_BYTES;
  const bytes = new Uint8Array(header + payload.length + padding);
  const view = new DataView(bytes.buffer);
  bytes.set(payload, header);
  const w0 = word0(type, flags, payload.length);
  const w1 = word1(header / 4, messageType);
  if (checked) {
    const check = payloadCheck(view, header, payload.length);
    writeCheckedHeader(view, 0, w0, w1, 0xabcd, 0x1234, -2, acknowledgement, 64, check);
  } else {
    writeHeader(view, 0, w0, w1, 0xabcd, 0x1234, -2, acknowledgement, 64);
  }
  return bytes;
}

/** A capture of frames, each behind its link header. */
function capture(
  linkType: LinkTypeNumber,
  frames: readonly Uint8Array[],
  header: (frame: Uint8Array) => Uint8Array,
): Buffer {
  const captured = { linkType, name: 'emp0', description: '', longest: 2000, second: 1 };
  const blocks = frames.map((one) => {
    const front = header(one);
    const block = new Uint8Array(packetBlockBytes(front.length + one.length));
    writePacket(block, new DataView(block.buffer), 0, 0, Direction.inbound, 0, front, one, 0, one.length);
    return block;
  });
  return Buffer.concat([prologue('emp', captured), ...blocks]);
}

const dissect = (frames: readonly Uint8Array[], fields: readonly string[]): string[][] =>
  readFields(
    capture(LinkType.ethernet, frames, () => ETHERNET),
    fields,
    '-X',
    `lua_script:${script}`,
  );

const EXPERT = '_ws.expert.message';

describe.skipIf(!hasTshark)('the dissector (needs the package tshark)', () => {
  it('reads every field of the header', () => {
    const data = frame({
      type: FrameType.data,
      flags: Flag.first | Flag.last | Flag.resent,
      messageType: 42,
      payload: Uint8Array.of(1, 2, 3),
      padding: 11,
    });
    const view = new DataView(data.buffer);
    const expected: Record<string, string> = {
      '_ws.col.Protocol': 'EMP',
      'emp.version': String(VERSION),
      'emp.type': '4',
      'emp.flags': '0x13',
      'emp.flags.first': '1',
      'emp.flags.last': '1',
      'emp.flags.payload_check': '0',
      'emp.flags.fin': '0',
      'emp.flags.resent': '1',
      'emp.length': '3',
      'emp.header_length': '8',
      'emp.path': '0',
      'emp.message_type': '42',
      'emp.destination': '0x0000abcd',
      'emp.source': '0x00001234',
      'emp.sequence': '4294967294',
      'emp.acknowledgement': '5',
      'emp.credit': '64',
      'emp.reserved': '0x0000',
      'emp.header_check': `0x${view.getUint32(Offset.headerCheck, true).toString(16).padStart(8, '0')}`,
      'emp.header_check.status': 'good',
      'emp.payload': '010203',
      'emp.padding': '00'.repeat(11),
      [EXPERT]: 'Sent again',
    };
    expect(dissect([data], Object.keys(expected))).toEqual([Object.values(expected)]);
  });

  it('reads the payloads of every type, by name', () => {
    const handshake = new Uint8Array(HANDSHAKE_BYTES);
    writeHandshake(new DataView(handshake.buffer), 0, {
      port: 0xfffffffe,
      mtu: 1500,
      window: 256,
      version: 1,
      payloadCheck: true,
      maxMessage: 16 << 20,
    });
    const reason = (value: number): Uint8Array => {
      const payload = new Uint8Array(4);
      writeReason(new DataView(payload.buffer), 0, value, 1);
      return payload;
    };
    const start = Uint8Array.of(0, 0, 1, 0, 9, 9);
    const frames = [
      frame({ type: FrameType.connect, payload: handshake }),
      frame({ type: FrameType.accept, payload: handshake }),
      frame({ type: FrameType.refuse, payload: reason(Refusal.noListener) }),
      frame({ type: FrameType.data, flags: Flag.first, payload: start }),
      frame({ type: FrameType.ack, acknowledgement: -3, payload: Uint8Array.of(0b101, 0b10000000) }),
      frame({ type: FrameType.reset, payload: reason(ResetReason.gaveUp) }),
      frame({ type: FrameType.probe }),
    ];
    const names = dissect(frames, ['_ws.col.Info', 'emp.header_check.status']);
    expect(names.map(([info]) => info.replace(/ seq 4294967294 ack \d+ len \d+/, ''))).toEqual([
      'CONNECT port 4294967294',
      'ACCEPT port 4294967294',
      'REFUSE: no listener',
      'DATA [FIRST] of 65536',
      'ACK +3',
      'RESET: gave up',
      'PROBE',
    ]);
    expect(new Set(names.map(([, status]) => status))).toEqual(new Set(['good']));

    const fields = ['port', 'max_message', 'mtu', 'window', 'version', 'options.payload_check'];
    expect(
      dissect(
        frames.slice(0, 1),
        fields.map((name) => `emp.handshake.${name}`),
      ),
    ).toEqual([['4294967294', '16777216', '1500', '256', '1', '1']]);
    expect(
      dissect(frames.slice(2, 6), [
        'emp.refuse.reason',
        'emp.message_length',
        'emp.sack',
        'emp.sack.frame',
        'emp.reset.reason',
      ]),
    ).toEqual([
      ['1', '', '', '', ''],
      ['', '65536', '', '', ''],
      ['', '', '0580', '4294967294,0,13', ''],
      ['', '', '', '', '7'],
    ]);
  });

  it('verifies the check of payloads of every length', () => {
    const frames = [0, 1, 3, 4, 15, 16, 17, 31, 32, 33, 63, 1400].map((length) =>
      frame({
        type: FrameType.data,
        flags: Flag.first | Flag.last | Flag.payloadCheck,
        payload: Uint8Array.from({ length }, (_, i) => (i * 251 + length) & 0xff),
      }),
    );
    const statuses = dissect(frames, ['emp.header_check.status', 'emp.payload_check.status']);
    expect(statuses).toEqual(frames.map(() => ['good', 'good']));
  });

  it('says what is wrong with a frame', () => {
    const good = (): Uint8Array =>
      frame({ type: FrameType.data, flags: Flag.first | Flag.last | Flag.payloadCheck, payload: Uint8Array.of(7) });
    const damaged = (at: number, value: number): Uint8Array => {
      const bytes = good();
      bytes[at] = value;
      return bytes;
    };
    const problems = dissect(
      [
        good(),
        good().subarray(0, 20),
        damaged(16, 99),
        damaged(36, 8),
        damaged(4, 7),
        damaged(4, 200),
        damaged(2, 200),
        damaged(0, 0x24),
        damaged(0, 0x1f),
        damaged(1, 0x87),
        damaged(26, 1),
      ],
      [EXPERT],
    );
    const check = 'Bad header check';
    expect(problems.map(([text]) => text.split(',').sort().join(', '))).toEqual([
      '',
      'Shorter than its header',
      check,
      'Bad payload check',
      'Bad header length',
      'Bad header length',
      `${check}, The payload reaches beyond the frame`,
      `${check}, Unknown version`,
      `${check}, Unknown type`,
      `${check}, Unknown flags`,
      `${check}, Reserved bits are set`,
    ]);
  });

  it('finds EMP in UDP datagrams as well', () => {
    const [from, to] = ['198.18.0.1:40000', '198.18.0.2:34997'].map((text) => parseEndpoint(text)!);
    const file = capture(LinkType.raw, [frame({ type: FrameType.probe })], (one) =>
      datagramHeader(from, to, one, 0, one.length),
    );
    expect(readFields(file, ['_ws.col.Protocol', 'udp.dstport', 'emp.type'], '-X', `lua_script:${script}`)).toEqual([
      ['EMP', '34997', '7'],
    ]);
  });
});
