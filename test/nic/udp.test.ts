/** What is special to the udp driver, on loopback; `contract.test.ts` has what all drivers do. */
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import type { Frame, UdpOptions } from '../../src/nic/contract.js';
import type { UdpNic } from '../../src/nic/udp.js';
import { SEED } from '../support/seed.js';
import { Chance } from '../../src/fault/chance.js';
import { collect, counter, drain, flushAll, matches, mustAlloc, numberOf, wakes } from './harness.js';
import { Stranger, expectFrames, open, repeat, sendBurst } from './udpHarness.js';

describe.each([
  ['127.0.0.1', true],
  ['127.0.0.1', false],
  ['::1', true],
  ['::1', false],
])('a burst over %s, offload %s', (address, offload) => {
  const pair = (): { a: UdpNic; b: UdpNic; toB: number } => {
    const a = open({ address, offload });
    const b = open({ address, offload });
    return { a, b, toB: a.peer(b.info.address) };
  };

  it('tells what was obtained', () => {
    const { a } = pair();
    expect(a.info).toMatchObject({
      driver: 'udp',
      mode: `${address === '::1' ? 'udp6' : 'udp4'}${offload ? '+gso+gro' : ''}`,
      interface: 'lo',
      mtu: address === '::1' ? 1452 : 1472,
      overhead: address === '::1' ? 48 : 28,
    });
  });

  it.each([
    ['equal frames', repeat(1000, 40)],
    ['equal frames and a shorter last one', [...repeat(1000, 9), 17]],
    ['more than one datagram can hold', repeat(1452, 100)],
    ['more than 64 small frames', repeat(16, 200)],
    ['a longer frame behind shorter ones', [100, 100, 1400, 100]],
    ['ever shorter frames', [500, 400, 300, 200, 100, 99, 1]],
    ['every length in turn', Array.from({ length: 300 }, (_, i) => 1 + ((i * 37) % 1452))],
    ['full transmit ring', repeat(64, 1024)],
  ])('of %s arrives split right, sent by one system call', async (_what, lengths) => {
    const { a, b, toB } = pair();
    sendBurst(a, [toB], lengths);
    expect(counter(a, 'kicks')).toBe(1);
    await expectFrames(b, lengths);
    expect(counter(b, 'rxInvalid')).toBe(0);
    expect(counter(b, 'rxFrames')).toBe(lengths.length);
    expect(counter(b, 'rxBytes')).toBe(lengths.reduce((sum, length) => sum + length));
  });

  it('is handed out in parts of 64, in order, with what follows it', async () => {
    const { a, b, toB } = pair();
    sendBurst(a, [toB], repeat(40, 1024));
    await sleep(5);
    const parts: number[] = [];
    let next = 0;
    for (let count = b.receive(); count > 0; count = b.receive()) {
      parts.push(count);
      for (let i = 0; i < count; i++) expect(matches(b, b.rx.frame[i], b.rx.length[i], next++)).toBe(true);
      if (parts.length === 12) sendBurst(a, [toB], repeat(40, 100), 1024); // behind those that wait
    }
    expect(next).toBe(1124);
    expect(Math.max(...parts)).toBe(64);
    expect(counter(b, 'rxDropped')).toBe(0);
  });

  it('of any lengths, taken at any moments, arrives whole and in order; what waits within the driver wakes it too', async () => {
    const { a, b, toB } = pair();
    const chance = new Chance(SEED);
    const lengths: number[] = [];
    let next = 0;
    const look = (frame: Frame, length: number): void => {
      expect(length).toBe(lengths[next]);
      expect(matches(b, frame, length, next++)).toBe(true);
    };
    for (let round = 0; round < 300; round++) {
      // Runs of one length, which the kernel joins, up to 3 times what one `receive` hands out.
      const length = chance.happens(0.2) ? chance.between(1, 1452) : chance.between(40, 42);
      const burst = repeat(length, chance.between(1, 190));
      if (chance.happens(0.5)) burst.push(chance.between(1, length));
      sendBurst(a, [toB], burst, lengths.length);
      lengths.push(...burst);
      if (chance.happens(0.5)) expect(await wakes(b, 1000)).toBe(true);
      for (let parts = chance.between(0, 5); parts > 0; parts--) {
        const count = b.receive();
        for (let i = 0; i < count; i++) look(b.rx.frame[i], b.rx.length[i]);
        b.recycle();
        if (next < lengths.length && chance.happens(0.2)) expect(await wakes(b, 1000)).toBe(true);
      }
      if (lengths.length - next > 1000) await collect(b, lengths.length - next, look);
    }
    await collect(b, lengths.length - next, look);
    expect(next).toBe(lengths.length);
    expect([counter(b, 'rxInvalid'), counter(b, 'rxDropped')]).toEqual([0, 0]);
  });

  it('to several peers in turn reaches each in order', async () => {
    const { a } = pair();
    const others = [open({ address, offload }), open({ address, offload }), open({ address, offload })];
    const peers = others.map((nic) => a.peer(nic.info.address));
    sendBurst(a, peers, repeat(300, 90));
    expect(counter(a, 'kicks')).toBe(1);
    for (const [first, nic] of others.entries()) {
      let next = first;
      await collect(nic, 30, (frame, length, index) => {
        expect(length).toBe(300);
        expect(numberOf(nic, frame)).toBe(next);
        expect(nic.source(index)).toBe(a.info.address);
        next += 3;
      });
      expect(next).toBe(90 + first);
    }
  });

  it('from several peers tells who sent each frame', async () => {
    const target = open({ address, offload });
    const senders = [open({ address, offload }), open({ address, offload })];
    for (const [i, nic] of senders.entries()) {
      sendBurst(nic, [nic.peer(target.info.address)], repeat(200 + i, 20));
    }
    const seen = new Map<string, number>();
    await collect(target, 40, (_frame, length, index) => {
      const source = target.source(index);
      expect(source).toBe(senders[length - 200].info.address);
      seen.set(source, (seen.get(source) ?? 0) + 1);
    });
    expect([...seen.values()]).toEqual([20, 20]);
  });

  it('can be held out of a joined datagram', async () => {
    const { a, b, toB } = pair();
    sendBurst(a, [toB], repeat(333, 50)); // odd lengths: entries at every alignment
    const held: Frame[] = [];
    await collect(b, 50, (_frame, _length, index) => held.push(b.hold(index)));
    sendBurst(a, [toB], repeat(333, 50), 1000); // writes over the receive buffers
    await expectFrames(b, repeat(333, 50), 1000);
    held.forEach((frame, i) => expect(matches(b, frame, 333, i)).toBe(true));
    expect(counter(b, 'holdCopies')).toBe(50);
  });

  it('goes on after nobody listened', async () => {
    const { a, b, toB } = pair();
    const gone = open({ address, offload });
    const toGone = a.peer(gone.info.address);
    gone.close();
    for (let i = 0; i < 20; i++) {
      sendBurst(a, [toGone, toB], repeat(100, 2), 2 * i);
      await sleep(1);
    }
    const seen: number[] = [];
    await collect(b, 20, (frame) => seen.push(numberOf(b, frame)));
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i + 1));
    expect(a.receive()).toBe(0);
    expect(a.state).toBe('up');
  });
});

describe('sizes', () => {
  it('grow to what a datagram can hold', async () => {
    const a = open({ mtu: 65507, txFrames: 64, rxFrames: 64 });
    const b = open({ mtu: 65507, txFrames: 64, rxFrames: 64 });
    const lengths = [65507, 1, 65507, 30_000, 30_000, 30_000, 5];
    sendBurst(a, [a.peer(b.info.address)], lengths);
    await expectFrames(b, lengths);
  });

  it('above the mtu are refused', () => {
    const a = open();
    const frame = mustAlloc(a);
    const peer = a.peer('127.0.0.1:9');
    expect(() => a.send(frame, 1473, peer)).toThrow(expect.objectContaining({ code: 'ERR_EMP_MESSAGE_TOO_LONG' }));
    expect(a.inFlight(frame)).toBe(false);
    expect(counter(a, 'txFrames')).toBe(0);
  });

  it.each([
    ['an mtu no datagram can hold', { mtu: 65508 }, 'ERR_EMP_MTU'],
    ['an mtu that loopback cannot carry', { address: '::1', mtu: 65500 }, 'ERR_EMP_MTU'],
    ['an mtu that is none', { mtu: 95 }, 'ERR_EMP_ARGUMENT'],
    ['more memory than there can be', { mtu: 65507, txFrames: 65536 }, 'ERR_EMP_ARGUMENT'],
  ])('%s is refused', (_what, options, code) => {
    expect(() => open(options)).toThrow(expect.objectContaining({ code }));
  });

  it('of datagrams that nobody could have sent as frames are counted, not delivered', async () => {
    const nic = open();
    await using stranger = await Stranger.open();
    await stranger.send(nic, Buffer.alloc(0));
    await stranger.send(nic, Buffer.alloc(1473));
    await stranger.send(nic, Buffer.alloc(60_000));
    await stranger.send(nic, Buffer.alloc(1472, 7));
    let last = 0;
    expect(await collect(nic, 1, (frame, length) => (last = length + nic.bytes[frame + 1471]))).toBe(1);
    expect(last).toBe(1472 + 7);
    expect(counter(nic, 'rxInvalid')).toBe(3);
    expect(counter(nic, 'rxFrames')).toBe(1);
  });

  it('without bytes is a datagram of its own behind others', async () => {
    const [a, b] = [open(), open()];
    const peer = a.peer(b.info.address);
    for (const length of [100, 100, 0, 100, 0, 0]) {
      const frame = a.alloc(0);
      expect(a.send(frame, length, peer)).toBe(true);
      a.free(frame);
    }
    a.flush();
    expect(await collect(b, 3)).toBe(3);
    for (let tries = 0; tries < 100 && counter(b, 'rxInvalid') < 3; tries++) b.receive();
    expect(counter(b, 'rxInvalid')).toBe(3);
  });

  // 2048: the receive buffer is not larger than the largest frame.
  it.each([1472, 2048])('of large datagrams are cut off without offload, too: mtu %i', async (mtu) => {
    const nic = open({ offload: false, mtu });
    await using stranger = await Stranger.open();
    // Enough of them for both ways to receive.
    for (let i = 1; i <= 30; i++) {
      await stranger.send(nic, Buffer.alloc(60_000));
      await stranger.send(nic, Buffer.alloc(10));
      if (i < 15) expect(await collect(nic, 1)).toBe(1);
    }
    expect(await collect(nic, 16)).toBe(16);
    expect(counter(nic, 'rxInvalid')).toBe(30);
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1:34997'],
    ['127.0.0.1:1', '127.0.0.1:1'],
    ['127.1.2.3:65535', '127.1.2.3:65535'],
  ])('%s is %s', (text, canonical) => {
    const nic = open();
    expect(nic.peer(text)).toBe(nic.peer(canonical));
  });

  it.each([
    ['::1', '[::1]:34997'],
    ['[::1]', '[::1]:34997'],
    ['[0:0:0:0:0:0:0:1]:5', '[::1]:5'],
    ['FD00:198:18:0:0:0:0:1', '[fd00:198:18::1]:34997'],
    ['[fd00:0:0:1:0:0:0:1]:7', '[fd00:0:0:1::1]:7'],
    ['[fe80::0:1%1]:7', '[fe80::1%1]:7'],
    ['[fe80::1%lo]:7', '[fe80::1%1]:7'],
  ])('%s is %s', (text, canonical) => {
    const nic = open({ address: '::1' });
    expect(nic.peer(text)).toBe(nic.peer(canonical));
    expect(nic.peer(text)).not.toBe(nic.peer('[::1]:1'));
  });

  it('keep their number while frames are queued', async () => {
    const a = open();
    const b = open();
    const c = open();
    const peer = a.peer(b.info.address);
    const frame = mustAlloc(a);
    a.send(frame, 10, peer);
    a.forget(peer);
    expect(a.peer(c.info.address)).not.toBe(peer);
    flushAll(a);
    expect(await collect(b, 1)).toBe(1);
    expect(drain(c)).toBe(0);
  });

  it('any-address: both ends of the machine reach it', async () => {
    const any = open({ address: '0.0.0.0' });
    expect(any.info).toMatchObject({ interface: undefined, mtu: 1472 });
    const a = open();
    const port = any.info.address.split(':').at(-1);
    sendBurst(a, [a.peer(`127.0.0.1:${port}`), a.peer(`127.0.0.2:${port}`)], [50, 50]);
    await expectFrames(any, [50, 50]);
  });

  it.each([
    ['a host name', { address: 'localhost' }, 'ERR_EMP_ADDRESS'],
    ['an address with a port', { address: '127.0.0.1:5' }, 'ERR_EMP_ADDRESS'],
    ['nothing', { address: '' }, 'ERR_EMP_ADDRESS'],
    ['the address of another machine', { address: '198.19.255.254' }, 'ERR_EMP_ADDRESS'],
    ['the address of another machine, IPv6', { address: 'fd00:198:19::1' }, 'ERR_EMP_ADDRESS'],
    ['a link-local address without interface', { address: 'fe80::1' }, 'ERR_EMP_ADDRESS'],
    ['a port out of range', { port: 65536 }, 'ERR_EMP_ARGUMENT'],
    ['a port that is none', { port: 1.5 }, 'ERR_EMP_ARGUMENT'],
    ['an unknown option', { adress: '127.0.0.1' } as Partial<UdpOptions>, 'ERR_EMP_ARGUMENT'],
    ['a namespace that is not there', { namespace: 'emp-nowhere' }, 'ERR_EMP_NO_NAMESPACE'],
    ['a namespace that is a path', { namespace: '../net' }, 'ERR_EMP_ARGUMENT'],
  ])('%s is refused', (_what, options, code) => {
    expect(() => open(options)).toThrow(expect.objectContaining({ code }));
  });

  it('in use are refused, and free again after close', () => {
    const a = open();
    const port = Number(a.info.address.split(':').at(-1));
    expect(() => open({ port })).toThrow(expect.objectContaining({ code: 'ERR_EMP_ADDRESS_IN_USE' }));
    expect(() => open({ port, address: '0.0.0.0' })).toThrow(
      expect.objectContaining({ code: 'ERR_EMP_ADDRESS_IN_USE' }),
    );
    open({ port, address: '127.0.0.2' });
    a.close();
    open({ port });
  });
});

describe('many senders', () => {
  it('fill the receive buffer: what is lost is counted', async () => {
    const a = open({ offload: false });
    const b = open({ offload: false });
    const toB = a.peer(b.info.address);
    const total = 40_000;
    for (let sent = 0; sent < total; sent += 1000) sendBurst(a, [toB], repeat(1400, 1000), sent);
    let got = drain(b);
    sendBurst(a, [toB], [100]); // brings the count
    got += await collect(b, 1);
    expect(got).toBeLessThan(total);
    expect(got + counter(b, 'rxDropped')).toBe(total + 1);
  });
});
