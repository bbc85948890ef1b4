import { describe, expect, it } from 'vitest';

import { HANDSHAKE_BYTES, ResetReason, Refusal, writeHandshake, writeReason } from '../../src/wire/control.js';
import { datagramHeader, parseEndpoint } from '../../src/wire/datagram.js';
import {
  CHECKED_HEADER_BYTES,
  Flag,
  FrameType,
  HEADER_BYTES,
  Offset,
  VERSION,
  word0,
  word1,
  word6,
  writeHeader,
  writePayloadCheck,
} from '../../src/wire/header.js';
import { PathKind, pathFrameBytes, readPathFrame, writePathFrame, type PathMessage } from '../../src/wire/path.js';
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
  firstLength?: number;
  payload?: Uint8Array;
  acknowledgement?: number;
  padding?: number;
}

function frame({ type, flags = 0, messageType = 0, payload = new Uint8Array(0), ...rest }: FrameOptions): Uint8Array {
  const { acknowledgement = 5, padding = 0, firstLength = 0 } = rest;
  const checked = (flags & Flag.payloadCheck) !== 0;
  const header = checked ? CHECKED_HEADER_BYTES : HEADER_BYTES;
  const bytes = new Uint8Array(header + payload.length + padding);
  const view = new DataView(bytes.buffer);
  bytes.set(payload, header);
  const w0 = word0(type, flags, payload.length);
  const w1 = word1(header / 4, messageType);
  if (checked) writePayloadCheck(view, 0, payload.length);
  writeHeader(view, 0, w0, w1, 0xabcd, 0x1234, -2, acknowledgement, word6(firstLength) | 64);
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
  it('reads each of several frames in one frame of the link', () => {
    const acknowledgement = frame({ type: FrameType.ack, acknowledgement: 77 });
    const data = frame({
      type: FrameType.data,
      flags: Flag.first | Flag.last,
      payload: Uint8Array.of(1, 2, 3),
      padding: 1,
    });
    const probe = frame({ type: FrameType.probe, padding: 14 });
    const [row] = dissect(
      [Buffer.concat([data, acknowledgement, probe])],
      ['emp.type', 'emp.length', 'emp.padding', '_ws.col.Info', EXPERT],
    );
    expect(row.slice(0, 2)).toEqual(['4,5,7', '3,0,0']);
    expect(row[2]).toBe('00'.repeat(14));
    expect(row[3]).toMatch(/^DATA seq .* len 3 .*\| ACK seq .* ack 77 .*\| PROBE /);
    expect(row[4]).toBe('');
  });

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
      'emp.flags.shared': '0',
      'emp.flags.more': '0',
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
      coalesces: true,
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

  it('shows each message of a shared frame, with its length and type', () => {
    const flags = Flag.first | Flag.last | Flag.shared;
    const shared = (firstLength: number, ...payload: number[]): Uint8Array =>
      frame({ type: FrameType.data, flags, messageType: 42, firstLength, payload: Uint8Array.from(payload) });
    const names = ['first_length', 'reserved', 'shared.length', 'shared.type', 'shared.payload'];
    const fields = ['_ws.col.Info', ...names.map((name) => `emp.${name}`), EXPERT];
    const bad = 'A message reaches beyond the payload';
    expect(
      dissect(
        [
          shared(3, 1, 2, 3, 0, 2, 0, 7, 0, 8, 9, 0, 0, 0, 0, 0x34, 0x12),
          shared(0, 1, 0, 5, 0, 6),
          shared(9, 1, 2, 3, 4),
          shared(4, 1, 2, 3, 4, 2, 0, 5, 0, 6),
          shared(4, 1, 2, 3, 4, 5),
        ],
        fields,
      ).map(([info, ...values]) => [info.replace(/^.*\[FIRST LAST SHARED\] ?/, ''), ...values]),
    ).toEqual([
      ['of 3 messages', '3', '', '3,2,0', '42,7,4660', '010203,0809', ''],
      ['of 2 messages', '0', '', '0,1', '42,5', '06', ''],
      ['[bad shared frame]', '9', '', '', '', '', bad],
      ['[bad shared frame]', '4', '', '4', '42', '01020304', bad],
      ['[bad shared frame]', '4', '', '4', '42', '01020304', bad],
    ]);
  });

  it('reads who asks over which way, and the addresses that are told', () => {
    const path = (message: Partial<PathMessage>): Uint8Array => {
      const nonce = [0x55667788, 0x11223344] as const;
      const machine = [-1, 0x7fffffff] as const;
      const whole = { kind: PathKind.probe, nonce, machine, known: 3, version: 4, addresses: undefined, ...message };
      const bytes = new Uint8Array(pathFrameBytes(whole.addresses));
      writePathFrame(new DataView(bytes.buffer), 0, whole);
      return bytes;
    };
    const mac = { address: '02:00:00:00:00:01', state: 'up' as const };
    const udp = { address: '[fd00::1]:34997', state: 'down' as const };
    const former = { address: '02:00:00:00:00:02', state: 'gone' as const };
    const header = ['nonce', 'machine', 'known'];
    const names = [...header, 'kind', 'count', 'version', 'address', 'address.down', 'address.gone'].map(
      (name) => `emp.path.${name}`,
    );
    const ids = ['0x1122334455667788', '0x7fffffffffffffff', '3'];
    expect(
      dissect(
        [
          path({ addresses: [mac, udp] }),
          path({ addresses: [mac, former] }),
          path({}),
          path({ kind: PathKind.echo, known: 0, version: 65535 }),
        ],
        ['_ws.col.Info', ...names, 'emp.destination', 'emp.sequence', 'emp.credit', EXPERT],
      ),
    ).toEqual([
      ['PATH probe, 2 addresses', ...ids, '1', '2', '4', `${mac.address},${udp.address}`, '0,1', '0,0', '', '', '', ''],
      [
        'PATH probe, 2 addresses',
        ...ids,
        '1',
        '2',
        '4',
        `${mac.address},${former.address}`,
        '0,0',
        '0,1',
        '',
        '',
        '',
        '',
      ],
      ['PATH probe', ...ids, '1', '0', '4', '', '', '', '', '', '', ''],
      ['PATH echo', ...ids.slice(0, 2), '0', '2', '0', '65535', '', '', '', '', '', '', ''],
    ]);
  });

  it('says what is wrong with a PATH frame', () => {
    const path = (...payload: number[]): Uint8Array =>
      frame({ type: FrameType.path, flags: Flag.payloadCheck, payload: Uint8Array.from(payload) });
    const many = Array.from({ length: 9 }, () => [0, 1, 0x61]).flat();
    const faults: [Uint8Array, string][] = [
      [path(), 'Shorter than a question'],
      [path(1, 0, 1), 'Shorter than a question'],
      [path(3, 0, 1, 0), 'Unknown kind'],
      [path(1, 9, 1, 0, ...many), 'Too many addresses'],
      [path(1, 1, 1, 0), 'The payload ends before its last address'],
      [path(1, 1, 1, 0, 3, 1, 0x61), 'Unknown flags of an address'],
      [path(1, 1, 1, 0, 0, 0), 'Bad length of an address'],
      [path(1, 1, 1, 0, 0, 64, ...Array<number>(64).fill(0x61)), 'Bad length of an address'],
      [path(1, 1, 1, 0, 0, 3, 0x61, 0x62), 'An address reaches beyond the payload'],
      [path(1, 1, 1, 0, 0, 2, 0x61, 0), 'An address is not printable ASCII'],
      [path(1, 1, 1, 0, 0, 1, 0x61, 0), 'Bytes behind the last address'],
      [path(2, 0, 1, 0, 0), 'Bytes behind the last address'],
    ];
    for (const [bytes] of faults) expect(readPathFrame(new DataView(bytes.buffer), 0)).toBeUndefined();
    expect(
      dissect(
        faults.map(([bytes]) => bytes),
        ['_ws.col.Info', EXPERT],
      ),
    ).toEqual(faults.map(([, fault]) => ['PATH [bad path frame]', fault]));
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
