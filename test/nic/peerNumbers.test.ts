import { describe, expect, it } from 'vitest';

import { EthernetPeers } from '../../src/nic/ethernet.js';
import { PeerNumbers } from '../../src/nic/peerNumbers.js';

const MANY = 65_536;
const mac = (i: number): string =>
  `02:00:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 0xff).toString(16).padStart(2, '0')}`;

describe('numbers of peers', () => {
  it('are counted: one forget for each add', () => {
    const numbers = new PeerNumbers();
    const a = numbers.add('a');
    expect(numbers.add('a')).toBe(a);
    numbers.forget(a);
    expect(numbers.add('b')).not.toBe(a);
    numbers.forget(a);
    expect(numbers.add('c')).toBe(a); // used again
    expect(numbers.address(a)).toBe('c');
  });

  it('forgotten too often, or never given, change nothing', () => {
    const numbers = new PeerNumbers();
    const a = numbers.add('a');
    numbers.forget(a);
    numbers.forget(a);
    for (const none of [7, -1, NaN]) numbers.forget(none);
    const again = [numbers.add('b'), numbers.add('c'), numbers.add('d')];
    expect(new Set(again).size).toBe(3);
  });

  it('are not used again while frames are queued by number', () => {
    const numbers = new PeerNumbers();
    const a = numbers.add('a');
    numbers.forget(a);
    expect(numbers.add('b', undefined, false)).not.toBe(a);
    expect(numbers.address(a)).toBe('a');
    expect(numbers.add('c')).toBe(a);
  });

  it('stay few, though most of those of a turn come while frames are queued by number', () => {
    const numbers = new PeerNumbers();
    for (let turn = 0; turn < 100; turn++) {
      for (let i = 0; i < 8; i++) {
        const peer = numbers.add(`${turn}/${i}`, undefined, i === 0);
        expect(peer).toBeLessThan(16);
        numbers.forget(peer);
      }
    }
  });

  it('are not given when what goes with them fails', () => {
    const numbers = new PeerNumbers();
    const refuse = (): never => {
      throw new Error('refused');
    };
    expect(() => numbers.add('a', refuse)).toThrow('refused');
    const entered: number[] = [];
    numbers.add('a', (peer) => entered.push(peer));
    numbers.add('a', (peer) => entered.push(peer));
    expect(entered).toEqual([0]);
    numbers.forget(0);
    numbers.forget(0);
    expect(() => numbers.add('b', refuse)).toThrow('refused');
    expect([numbers.add('c'), numbers.add('d')]).toEqual([0, 1]);
  });

  // A scan for each of them would be thousands of millions of steps.
  it('cost the same, however many there are', { timeout: 5000 }, () => {
    const peers = new EthernetPeers();
    for (let round = 0; round < 3; round++) {
      const given = Array.from({ length: MANY }, (_, i) => peers.add(mac(i)));
      expect(new Set(given).size).toBe(MANY);
      expect(Math.max(...given.slice(0, 10), given[MANY - 1])).toBeLessThan(MANY);
      for (const peer of given) peers.forget(peer);
    }
  });
});
