import { describe, expect, it } from 'vitest';

import { datagramHeader, parseEndpoint } from '../../src/wire/datagram.js';
import { Direction, LinkType, packetBlockBytes, prologue, readBlock, writePacket } from '../../src/wire/pcapng.js';
import { hasTshark, readFields } from '../support/tshark.js';

const nic = {
  linkType: LinkType.ethernet,
  name: 'emp0',
  description: 'xdp, native-copy',
  longest: 1514,
  second: 1700000000,
};

function packet(nanoseconds: number, dropped: number, header: Uint8Array, payload: Uint8Array): Uint8Array {
  const length = packetBlockBytes(header.length + payload.length);
  const bytes = new Uint8Array(length).fill(0xee); // what is not written shows
  const end = writePacket(
    bytes,
    new DataView(bytes.buffer),
    0,
    nanoseconds,
    Direction.outbound,
    dropped,
    header,
    payload,
    0,
    payload.length,
  );
  expect(end).toBe(length);
  return bytes;
}

describe('blocks', () => {
  it('say their own length, at both ends, in multiples of four', () => {
    for (let length = 0; length < 9; length++) {
      const block = packet(1, 0, new Uint8Array(0), new Uint8Array(length));
      const view = new DataView(block.buffer);
      expect(block.length % 4).toBe(0);
      expect(view.getUint32(4, true)).toBe(block.length);
      expect(view.getUint32(block.length - 4, true)).toBe(block.length);
    }
  });

  it('are found again in a stream, whole ones only', () => {
    const start = prologue('emp', nic);
    const one = packet(1, 3, new Uint8Array(14), new Uint8Array(33));
    const stream = new Uint8Array(start.length + one.length);
    stream.set(start);
    stream.set(one, start.length);
    const view = new DataView(stream.buffer);
    const section = readBlock(view, 0)!;
    const description = readBlock(view, section.length)!;
    expect(section.isPacket || description.isPacket).toBe(false);
    expect(section.length + description.length).toBe(start.length);
    expect(readBlock(view, start.length)).toEqual({ length: one.length, isPacket: true, dropped: 3 });
    expect(readBlock(new DataView(stream.buffer, 0, stream.length - 1), start.length)).toBeUndefined();
  });

  it('refuses a stream that is none', () => {
    expect(() => readBlock(new DataView(new ArrayBuffer(64)), 0)).toThrow(/no pcapng block/);
  });
});

describe('endpoints', () => {
  it.each([
    ['198.18.0.1:34997', '198.18.0.1', 34997],
    ['[fd00:198:18::1]:5', 'fd.0.1.98.0.18.0.0.0.0.0.0.0.0.0.1', 5],
    ['[::]:0', '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0', 0],
    ['[::ffff:198.18.0.1]:1', '0.0.0.0.0.0.0.0.0.0.ff.ff.c6.12.0.1', 1],
    ['[fe80::1%emp0]:1', 'fe.80.0.0.0.0.0.0.0.0.0.0.0.0.0.1', 1],
  ])('%s', (text, ip, port) => {
    const found = parseEndpoint(text)!;
    expect([...found.ip].map((byte) => byte.toString(found.ip.length === 4 ? 10 : 16)).join('.')).toBe(ip);
    expect(found.port).toBe(port);
  });

  it.each(['', '1.2.3:4', '1.2.3.400:4', '[1:2]:3', '[1::2::3]:4', '02:e0:00:00:00:01'])('%j is none', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });
});

describe.skipIf(!hasTshark)('tshark (needs the package tshark) reads', () => {
  it('times, lengths, directions and losses', () => {
    const header = Uint8Array.from({ length: 14 }, (_, i) => i);
    const file = Buffer.concat([
      prologue('emp test', nic),
      packet(123456789, 0, header, new Uint8Array(50)),
      packet(5_000_000_000_001, 7, header, new Uint8Array(51)),
    ]);
    const fields = ['frame.time_epoch', 'frame.len', 'frame.packet_flags_direction', 'frame.interface_name', 'eth.dst'];
    expect(readFields(file, fields)).toEqual([
      ['1700000000.123456789', '64', '0x00000002', 'emp0', '00:01:02:03:04:05'],
      ['1700005000.000000001', '65', '0x00000002', 'emp0', '00:01:02:03:04:05'],
    ]);
  });

  it.each([
    ['198.18.0.1:34997', '198.18.0.2:40000', 'ip'],
    ['[fd00:198:18::1]:34997', '[fd00:198:18::2]:40000', 'ipv6'],
  ])('made-up headers from %s to %s, with right checksums', (from, to, ip) => {
    const payload = Uint8Array.from({ length: 33 }, (_, i) => i * 7);
    const header = datagramHeader(parseEndpoint(from)!, parseEndpoint(to)!, payload, 0, payload.length);
    const file = Buffer.concat([prologue('emp', { ...nic, linkType: LinkType.raw }), packet(0, 0, header, payload)]);
    const fields = [`${ip}.src`, `${ip}.dst`, 'udp.srcport', 'udp.dstport', 'udp.length', 'udp.checksum.status'];
    const checks = ['-o', 'udp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
    const address = (text: string): string => text.replace(/^\[?(.*?)\]?:\d+$/, '$1');
    const good = '1';
    expect(readFields(file, fields, ...checks)).toEqual([[address(from), address(to), '34997', '40000', '41', good]]);
    if (ip === 'ip') expect(readFields(file, ['ip.checksum.status'], ...checks)).toEqual([[good]]);
  });
});
