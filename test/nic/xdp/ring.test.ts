import { describe, expect, it } from 'vitest';

import { CONTINUED, ConsumerRing, ProducerRing } from '../../../src/nic/xdp/ring.js';
import type { MappedRing } from '../../../src/nic/xdp/ring.js';

const SIZE = 8;
const PRODUCER = 0;
const CONSUMER = 16; // words
const FLAGS = 32;
const ENTRIES = 48;

/** A ring in plain memory, both words at `start`; `words` is the other side's view of it. */
function memoryRing(start: number): { ring: MappedRing; words: Int32Array } {
  const words = new Int32Array(ENTRIES + SIZE * 4);
  words[PRODUCER] = words[CONSUMER] = start;
  const ring = {
    buffer: words.buffer,
    producer: PRODUCER * 4,
    consumer: CONSUMER * 4,
    flags: FLAGS * 4,
    entries: ENTRIES * 4,
  };
  return { ring, words };
}

/** Both words are unsigned for the kernel and signed for us: each of these is near a place where one of them wraps. */
const STARTS = [0, 5, -3, 0x7fffffff - 2, -0x80000000 + 1];

describe.each(STARTS)('rings that start at %i', (start) => {
  it('a producer fills the ring, is refused, and goes on when the other side has taken some', () => {
    const { ring, words } = memoryRing(start);
    const producer = new ProducerRing(ring, SIZE);
    for (let i = 0; i < SIZE; i++) {
      expect(producer.hasRoom(1)).toBe(true);
      producer.pushAddress(1000 + i);
    }
    expect(producer.hasRoom(1)).toBe(false);
    expect(producer.unpublished).toBe(SIZE);
    expect(words[PRODUCER]).toBe(start);
    producer.publish();
    expect(producer.unpublished).toBe(0);
    expect((words[PRODUCER] - start) | 0).toBe(SIZE);
    expect(producer.pending()).toBe(SIZE);

    words[CONSUMER] = (start + 3) | 0;
    expect(producer.pending()).toBe(SIZE - 3);
    expect(producer.hasRoom(3)).toBe(true);
    expect(producer.hasRoom(4)).toBe(false);
  });

  it('a consumer takes in order what was produced, and gives it back only on release', () => {
    const { ring, words } = memoryRing(start);
    const consumer = new ConsumerRing(ring, SIZE);
    expect(consumer.available()).toBe(0);
    let expected = 0;
    for (let round = 0; round < 5; round++) {
      const count = 3 + round;
      for (let i = 0; i < count; i++) {
        words[ENTRIES + (((words[PRODUCER] + i) & (SIZE - 1)) << 1)] = expected + i;
      }
      words[PRODUCER] = (words[PRODUCER] + count) | 0;
      expect(consumer.available()).toBe(count);
      for (let i = 0; i < count; i++) expect(consumer.address(i)).toBe(expected + i);
      const before = words[CONSUMER];
      consumer.take(count);
      expect(consumer.taken).toBe(count);
      expect(words[CONSUMER]).toBe(before);
      consumer.release();
      expect(consumer.taken).toBe(0);
      expect(words[CONSUMER]).toBe(words[PRODUCER]);
      expected += count;
    }
  });

  it('descriptors carry address, length and options across', () => {
    const { ring, words } = memoryRing(start);
    const producer = new ProducerRing(ring, SIZE);
    const consumer = new ConsumerRing(ring, SIZE);
    for (let i = 0; i < 100; i++) {
      producer.pushDescriptor(i * 2048, i, i % 2 === 0 ? CONTINUED : 0);
      producer.publish();
      const at = consumer.descriptor(0);
      expect(consumer.available()).toBe(1);
      expect([consumer.addressAt(at), consumer.lengthAt(at), consumer.optionsAt(at)]).toEqual([
        i * 2048,
        i,
        i % 2 === 0 ? CONTINUED : 0,
      ]);
      expect(words[at + 1]).toBe(0); // the address's upper half
      consumer.take(1);
      consumer.release();
      expect(producer.hasRoom(SIZE)).toBe(true);
    }
  });
});

it('the wake-up flag is the lowest bit', () => {
  const { ring, words } = memoryRing(0);
  const producer = new ProducerRing(ring, SIZE);
  expect(producer.needsWakeup).toBe(false);
  words[FLAGS] = 1;
  expect(producer.needsWakeup).toBe(true);
  words[FLAGS] = 2;
  expect(producer.needsWakeup).toBe(false);
});
