// Whatever is wrong: a typed error with a stable code and a remedy, and the other channels of the host go on. Handlers that throw are in
// handlers.test.ts, too little locked memory and foreign XDP programs in test/nic/xdp.test.ts, dead peers in peers.test.ts.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { EmpError } from '../../src/errors.js';
import { Host } from '../../src/host/host.js';
import type { Nic, NicOptions } from '../../src/nic/contract.js';
import { openNic } from '../../src/nic/open.js';
import { ipBatch } from '../../src/testbed/ip.js';
import { readReason, readReasonVersion, Refusal, writeHandshake, writeReason } from '../../src/wire/control.js';
import {
  CHECKED_HEADER_BYTES,
  destinationOf,
  Flag,
  FrameType,
  HEADER_BYTES,
  headerBytesOf,
  sourceOf,
  typeOf,
  word0,
  word1,
  writeHeader,
  writePayloadCheck,
} from '../../src/wire/header.js';
import { describeRoot } from '../support/root.js';
import { SEED } from '../support/seed.js';
import type { Pair } from '../support/twoHosts.js';
import { connected, DRIVERS, expectUnharmed, until, Wire } from '../support/twoHosts.js';

/** Runs what must fail; gives back the error, which has a code and says what to do. */
async function errorOf(act: () => unknown): Promise<EmpError> {
  try {
    await act();
  } catch (error) {
    expect(error).toBeInstanceOf(EmpError);
    const { message, remedy } = error as EmpError;
    expect(remedy, message).toMatch(/\.$/);
    expect(message).toContain(remedy);
    return error as EmpError;
  }
  throw new Error('nothing failed');
}

test('a NIC in part is told at once what it lacks', async () => {
  const half = Object.assign(openNic({ driver: 'memory', name: 'half' }), { keep: undefined }) as unknown as Nic;
  const { code, message } = await errorOf(() => Host.open({ nic: half }));
  half.close();
  expect([code, message]).toEqual(['ERR_EMP_ARGUMENT', expect.stringContaining('but not keep()')]);
});

describeRoot('opening a host on', () => {
  const wire = Wire.forTests('xdp');
  let place: { namespace: string; interface: string };

  beforeAll(() => {
    const { namespace, interface: name } = wire.testbed!.links[0].a;
    place = { namespace, interface: name };
  });

  const wrong: [string, string, () => NicOptions][] = [
    [
      'an unknown interface (packet)',
      'ERR_EMP_NO_INTERFACE',
      () => ({ driver: 'packet', ...place, interface: 'emp-none' }),
    ],
    ['an unknown interface (xdp)', 'ERR_EMP_NO_INTERFACE', () => ({ driver: 'xdp', ...place, interface: 'emp-none' })],
    ['an unknown namespace', 'ERR_EMP_NO_NAMESPACE', () => ({ driver: 'packet', ...place, namespace: 'emp-none' })],
    ['an address of another machine', 'ERR_EMP_ADDRESS', () => ({ driver: 'udp', address: '203.0.113.9' })],
    ['frames longer than the MTU (packet)', 'ERR_EMP_MTU', () => ({ driver: 'packet', ...place, mtu: 9000 })],
    ['frames longer than the MTU (xdp)', 'ERR_EMP_MTU', () => ({ driver: 'xdp', ...place, mtu: 9000 })],
    ['a queue out of range', 'ERR_EMP_QUEUE_RANGE', () => ({ driver: 'xdp', ...place, queue: 7 })],
    ['a mode that cannot be had', 'ERR_EMP_XDP_MODE', () => ({ driver: 'xdp', ...place, require: 'zerocopy' })],
  ];
  test.each(wrong)('%s: %s', async (_what, code, nic) => {
    expect((await errorOf(() => Host.open({ nic: nic() }))).code).toBe(code);
  });

  test('a queue that is open already: ERR_EMP_QUEUE_BUSY; the first host goes on', async () => {
    const [a, b] = await wire.hosts();
    expect((await errorOf(() => wire.host('a'))).code).toBe('ERR_EMP_QUEUE_BUSY');
    const { client } = await connected(a, b);
    expect((await client.close()).reason).toBe('ended');
  });

  test.each(['packet', 'xdp'] as const)('an interface that is down (%s): ERR_EMP_INTERFACE_DOWN', async (driver) => {
    await ipBatch([`link set ${place.interface} down`], place.namespace);
    const { code } = await errorOf(() => Host.open({ nic: { driver, ...place } }));
    await ipBatch([`link set ${place.interface} up`], place.namespace);
    expect(code).toBe('ERR_EMP_INTERFACE_DOWN');
  });

  test.each(['packet', 'xdp', 'udp'] as const)('an MTU that is too small (%s): ERR_EMP_MTU', async (driver) => {
    const { ipv4: address } = wire.testbed!.links[0].a;
    await ipBatch([`link set ${place.interface} mtu 68`], place.namespace);
    const nic = driver === 'udp' ? { driver, namespace: place.namespace, address } : { driver, ...place };
    const { code, message } = await errorOf(() => Host.open({ nic }));
    await ipBatch([`link set ${place.interface} mtu 1500`], place.namespace);
    expect([code, message]).toEqual(['ERR_EMP_MTU', expect.stringContaining('96')]);
  });

  test.each(['packet', 'xdp'] as const)('%s without the permission: ERR_EMP_PERMISSION', (driver) => {
    const script = new URL('fixture/open.mjs', import.meta.url).pathname;
    // A child without any capability, in the namespace of the interface.
    const inside = ['netns', 'exec', place.namespace, 'setpriv', '--bounding-set=-all', '--inh-caps=-all'];
    const nic = JSON.stringify({ driver, interface: place.interface });
    const said = JSON.parse(execFileSync('ip', [...inside, process.execPath, script, nic], { encoding: 'utf8' }));
    expect(said).toMatchObject({ code: 'ERR_EMP_PERMISSION', remedy: expect.stringMatching(/root|setcap/) });
  });
});

test('a UDP port that is taken: ERR_EMP_ADDRESS_IN_USE', async () => {
  await using first = await Host.open({ nic: { driver: 'udp', port: 0 } });
  const port = Number(first.address.split(':').at(-1));
  expect((await errorOf(() => Host.open({ nic: { driver: 'udp', port } }))).code).toBe('ERR_EMP_ADDRESS_IN_USE');
});

for (const driver of DRIVERS) {
  describe(`a host over ${driver} goes on after`, () => {
    const wire = Wire.forTests(driver);
    let a: Host;
    let b: Host;
    let bystander: Pair;

    /** Hosts with a channel that must not notice anything. */
    async function hosts(): Promise<void> {
      [a, b] = await wire.hosts();
      bystander = await connected(a, b, 99);
    }

    afterEach(() => expectUnharmed(bystander));

    test('a peer that is absent, and one that refuses', async () => {
      await hosts();
      const absent = driver === 'memory' ? 'memory:none' : driver === 'udp' ? '127.0.0.1:9' : '02:e0:00:00:00:99';
      expect((await errorOf(() => a.connect(absent, 1, { timeout: 60 }))).code).toBe('ERR_EMP_TIMEOUT');
      expect((await errorOf(() => a.connect(b.address, 404))).code).toBe('ERR_EMP_REFUSED');
      b.listen(5, { accept: () => false });
      expect((await errorOf(() => a.connect(b.address, 5))).code).toBe('ERR_EMP_REFUSED');
    });

    test('arguments of the wrong type, or misspelt: nothing is left behind', async () => {
      await hosts();
      expect(() => a.waitBy('sleep' as 'spin')).toThrow("wait is 'sleep'; expected 'spin', 'event' or 'adaptive'.");
      const channels = a.counters().channels;
      const calls: [string, unknown, unknown?][] = [
        ['onMessage', b.address, { onMessage: 5 }],
        ['signal', b.address, { signal: {} }],
        ['timeout', b.address, { timeout: '5' }],
        ['allowHalfOpen', b.address, { allowHalfOpen: 1 }],
        ['windows', b.address, { windows: 16 }],
        ['backlog', b.address, { backlog: 1 }],
        ['options', b.address, null],
        ['options', b.address, 5],
        ['address', ''],
        ['address', undefined],
        ['address', 5],
      ];
      for (const [name, address, options] of calls) {
        const { code, message } = await errorOf(() => a.connect(address as string, 1, options as object));
        expect(code, name).toBe('ERR_EMP_ARGUMENT');
        expect(message).toContain(name);
      }
      const listens: [string, unknown][] = [
        ['accept', { accept: true }],
        ['onChannel', { onChannel: {} }],
        ['backlog', { backlog: 0 }],
        ['backlog', { backlog: '3' }],
        ['allowHalfOpen', { allowHalfOpen: 'yes' }],
        ['onchannel', { onchannel: () => undefined }],
        ['timeout', { timeout: 5 }],
        ['options', null],
      ];
      for (const [name, options] of listens) {
        const { code, message } = await errorOf(() => b.listen(1, options as object));
        expect(code, name).toBe('ERR_EMP_ARGUMENT');
        expect(message).toContain(name);
      }
      for (const until of [5, undefined, {}]) {
        expect((await errorOf(() => a.spin(until as never))).code).toBe('ERR_EMP_ARGUMENT');
      }
      expect((await errorOf(() => a.close(true as never))).code).toBe('ERR_EMP_ARGUMENT');
      expect((await errorOf(() => a.close({ forced: true } as never))).code).toBe('ERR_EMP_ARGUMENT');
      expect(a.counters().channels).toBe(channels);
      expect(b.listen(1).port).toBe(1);
    });

    test('a misspelt option names those there are', async () => {
      await hosts();
      const { remedy } = await errorOf(() => a.connect(b.address, 1, { windows: 16 } as object));
      for (const name of ['signal', 'timeout', 'onMessage', 'window', 'keepAlive']) expect(remedy).toContain(name);
    });

    test('a message over the limit: the channel goes on, too', async () => {
      await hosts();
      const { client, server } = await connected(a, b, 1, { listen: { maxMessage: 5000 } });
      const got: number[] = [];
      server.onMessage = (_bytes, _offset, length) => got.push(length);
      expect((await errorOf(() => client.send(new Uint8Array(5001)))).code).toBe('ERR_EMP_MESSAGE_TOO_LONG');
      expect((await errorOf(() => client.write(new Uint8Array(2 ** 24 + 1)))).code).toBe('ERR_EMP_MESSAGE_TOO_LONG');
      expect((await errorOf(() => client.reserve(5001))).code).toBe('ERR_EMP_MESSAGE_TOO_LONG');
      await client.write(new Uint8Array(5000));
      await client.end();
      expect(got).toEqual([5000]);
    });

    test('a send after close', async () => {
      await hosts();
      const { client } = await connected(a, b);
      await client.close();
      expect((await errorOf(() => client.send(Uint8Array.of(1)))).code).toBe('ERR_EMP_CLOSED');
      expect((await errorOf(() => client.write(Uint8Array.of(1)))).code).toBe('ERR_EMP_CLOSED');
      expect((await errorOf(() => client.reserve(1))).code).toBe('ERR_EMP_CLOSED');
    });
  });
}

/** A second NIC on the wire of a host: it throws any frames at it, and sees those that are for it. XDP lets a packet NIC do so at the other end. */
class Stranger {
  readonly nic: Nic;

  constructor(
    wire: Wire,
    readonly host: Host,
  ) {
    const nic = wire.nic('b');
    if (nic.driver === 'memory') this.nic = openNic({ ...nic, name: `raw ${nic.name}` });
    else this.nic = openNic(nic.driver === 'udp' ? { ...nic, port: 0 } : onPacket(nic));
  }

  emit(length: number, fill: (frame: number) => void): void {
    const { nic } = this;
    const to = nic.peer(this.host.address);
    const frame = nic.alloc(0);
    fill(frame);
    while (!nic.send(frame, length, to)) nic.flush();
    while (!nic.flush());
    nic.free(frame);
    nic.forget(to);
  }

  /** The next frame of this type that the NIC is sent; `read` sees it where it lies. */
  async answer<T>(type: number, read: (frame: number) => T): Promise<T> {
    const { nic } = this;
    for (;;) {
      const count = nic.receive();
      for (let i = 0; i < count; i++) {
        const frame = nic.rx.frame[i];
        if (typeOf(nic.view, frame) === type) {
          const result = read(frame);
          nic.recycle();
          return result;
        }
      }
      nic.recycle();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const onPacket = (nic: NicOptions): NicOptions => (nic.driver === 'xdp' ? { ...nic, driver: 'packet' } : nic);

for (const driver of DRIVERS) {
  describe(`strange frames over ${driver}`, () => {
    let wire: Wire;
    let host: Host;
    let peer: Host;
    let bystander: Pair;
    let stranger: Stranger;
    let raw: Nic;
    const emit = (length: number, fill: (frame: number) => void) => stranger.emit(length, fill);
    const answer = <T>(type: number, read: (frame: number) => T) => stranger.answer(type, read);

    beforeAll(async () => {
      wire = await Wire.up(driver);
      host = await wire.host('a');
      peer = await Host.open({ nic: onPacket(wire.nic('b')) });
      bystander = await connected(peer, host, 99);
      stranger = new Stranger(wire, host);
      raw = stranger.nic;
    });
    afterAll(async () => {
      await expectUnharmed(bystander).finally(() => raw.close());
      await peer.close({ force: true });
      await wire[Symbol.asyncDispose]();
    });

    test('garbage is counted by reason, and dropped', async () => {
      const rejected = (): number => Object.values(host.counters().rejected).reduce((sum, count) => sum + count, 0);
      const before = rejected();
      const frames = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 200 }), { numRuns: 2000, seed: SEED });
      for (const [i, bytes] of frames.entries()) {
        emit(bytes.length, (frame) => raw.bytes.set(bytes, frame));
        if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await until(() => rejected() - before > 1900);
      expect(host.counters().channels).toBe(1);
    });

    test('headers of this protocol with a damaged bit are dropped', async () => {
      const before = host.counters().rejected['headerCheck'];
      for (let bit = 0; bit < 32 * 8; bit++) {
        emit(HEADER_BYTES, (frame) => {
          writeHeader(raw.view, frame, word0(FrameType.ack, 0, 0), word1(8, 0), 1 << 14, 1 << 14, 1, 1, 1);
          raw.bytes[frame + (bit >> 3)] ^= 1 << (bit & 7);
        });
      }
      await until(() => host.counters().rejected['headerCheck'] - before > 200);
    });

    test('frames for unknown channels are answered: there is no such channel', async () => {
      const before = host.counters().host.unknownChannel;
      for (const type of [FrameType.data, FrameType.ack, FrameType.probe]) {
        emit(HEADER_BYTES, (frame) => {
          writeHeader(
            raw.view,
            frame,
            word0(type, type === FrameType.data ? 3 : 0, 0),
            word1(8, 0),
            5 << 14,
            7 << 14,
            1,
            1,
            1,
          );
        });
        const [to, from] = await answer(FrameType.reset, (frame) => [
          destinationOf(raw.view, frame),
          sourceOf(raw.view, frame),
        ]);
        expect([to, from]).toEqual([7 << 14, 5 << 14]);
      }
      expect(host.counters().host.unknownChannel - before).toBe(3);
      // A RESET is never answered, or two hosts would go on for ever.
      emit(CHECKED_HEADER_BYTES + 4, (frame) => {
        writeReason(raw.view, frame + CHECKED_HEADER_BYTES, 1, 1);
        writePayloadCheck(raw.view, frame, 4);
        const first = word0(FrameType.reset, Flag.payloadCheck, 4);
        writeHeader(raw.view, frame, first, word1(9, 0), 5 << 14, 7 << 14, 1, 1, 1);
      });
      await until(() => host.counters().host.unknownChannel - before === 4);
    });

    test('a peer of another version asks: it is told which one this side speaks', async () => {
      emit(HEADER_BYTES + 20, (frame) => {
        const shake = {
          port: 99,
          mtu: 1400,
          window: 16,
          version: 2,
          payloadCheck: false,
          coalesces: true,
          maxMessage: 1000,
        };
        writeHandshake(raw.view, frame + HEADER_BYTES, shake);
        writeHeader(raw.view, frame, version2(word0(FrameType.connect, 0, 20)), word1(8, 0), 0, 9 << 14, 1, 0, 0);
      });
      const [reason, version] = await answer(FrameType.refuse, (frame) => {
        const payload = frame + headerBytesOf(raw.view, frame);
        return [readReason(raw.view, payload, 4), readReasonVersion(raw.view, payload, 4)];
      });
      expect([reason, version]).toEqual([Refusal.version, 1]);
    });
  });

  // The address is the stranger's alone: nobody else answers there.
  test(`a peer of another version is asked over ${driver}: ERR_EMP_VERSION, which tells both versions`, async () => {
    await using wire = await Wire.up(driver);
    const host = await wire.host('a');
    const stranger = new Stranger(wire, host);
    const error = errorOf(() => host.connect(stranger.nic.info.address, 1));
    const { view } = stranger.nic;
    const id = await stranger.answer(FrameType.connect, (frame) => sourceOf(view, frame));
    stranger.emit(HEADER_BYTES + 4, (frame) => {
      writeReason(view, frame + HEADER_BYTES, Refusal.version, 2);
      writeHeader(view, frame, version2(word0(FrameType.refuse, 0, 4)), word1(8, 0), id, 0, 0, 0, 0);
    });
    const { code, message } = await error;
    stranger.nic.close();
    expect([code, message]).toEqual(['ERR_EMP_VERSION', expect.stringMatching(/version 2.* 1/) as string]);
  });
}

/** The same word, of the next version. */
function version2(word: number): number {
  return (word & ~0xf0) | 0x20;
}
