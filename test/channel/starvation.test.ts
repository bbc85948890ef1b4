import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { Hunger, Starvation, type HungerKind } from '../../src/channel/starvation.js';
import { SEED } from '../support/seed.js';

class Guest {
  waits: HungerKind = Hunger.none;
  constructor(readonly name: number) {}
}

function line(count: number, hunger: HungerKind = Hunger.first) {
  const starvation = new Starvation<Guest>();
  const guests = Array.from({ length: count }, (_, i) => new Guest(i));
  for (const guest of guests) starvation.add(guest, hunger, 0);
  const serve = (now = 0) => {
    const called: [number, number][] = [];
    starvation.serve(now, ({ name }, helping) => called.push([name, helping]));
    return called;
  };
  return { starvation, guests, serve };
}

describe('the line of those who found no frame', () => {
  test('as many are called as frames came back, in the order in which they came', () => {
    const { starvation, serve } = line(100);
    starvation.freed = 3;
    expect(serve().map(([name]) => name)).toEqual([0, 1, 2]);
    starvation.freed = 2;
    expect(serve().map(([name]) => name)).toEqual([3, 4]);
  });

  test('who is in it keeps its place; who has left is passed over', () => {
    const { starvation, guests, serve } = line(5);
    starvation.add(guests[1], Hunger.first, 0);
    starvation.delete(guests[2]);
    starvation.freed = 3;
    expect(serve().map(([name]) => name)).toEqual([0, 1, 3]);
  });

  test('many frames are shared out, a few to each', () => {
    const { starvation, serve } = line(4);
    starvation.freed = 22;
    expect(serve()).toEqual([0, 1, 2, 3].map((name) => [name, 5]));
    expect([starvation.hungry, starvation.retryAt]).toEqual([false, Infinity]);
  });

  test('frames that nobody waited for are not owed to who comes later', () => {
    const { starvation } = line(0);
    starvation.freed = 50;
    expect(starvation.served).toBe(false);
    starvation.add(new Guest(0), Hunger.first, 0);
    expect(starvation.served).toBe(false);
  });

  test('those who want more than their first few hold nobody up', () => {
    const { starvation, guests, serve } = line(3, Hunger.more);
    expect(starvation.hungry).toBe(false);
    starvation.add(guests[2], Hunger.first, 0);
    expect(starvation.hungry).toBe(true);
    starvation.freed = 1;
    expect(serve().map(([name]) => name)).toEqual([0, 1, 2]);
  });

  test('after a while some try again, though nothing came back', () => {
    const { starvation, serve } = line(200);
    expect(starvation.retryAt).toBe(1000);
    expect(serve(1000).length).toBe(64);
    expect(starvation.retryAt).toBe(2000);
  });

  test('whatever happens, each who waits is called in its turn, once', () => {
    const step = fc.oneof(
      fc.record({ add: fc.nat(20), more: fc.boolean() }),
      fc.record({ leave: fc.nat(20) }),
      fc.record({ freed: fc.integer({ min: 1, max: 9 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const starvation = new Starvation<Guest>();
        const guests = Array.from({ length: 21 }, (_, i) => new Guest(i));
        let waiting: Guest[] = [];
        for (const one of steps) {
          if ('add' in one) {
            const guest = guests[one.add];
            if (!waiting.includes(guest)) waiting.push(guest);
            starvation.add(guest, one.more ? Hunger.more : Hunger.first, 1);
          } else if ('leave' in one) {
            const guest = guests[one.leave];
            if (guest.waits === Hunger.none) continue;
            starvation.delete(guest);
            // For good: a channel that is closed does not come back.
            guests[one.leave] = new Guest(one.leave);
            waiting = waiting.filter((other) => other !== guest);
          } else {
            starvation.freed += one.freed;
            if (!starvation.served) continue;
            const before = starvation.freed;
            let firsts = 0;
            const hungers = new Map(waiting.map((guest) => [guest, guest.waits]));
            starvation.serve(0, (guest, helping) => {
              expect(guest).toBe(waiting.shift());
              if (hungers.get(guest) === Hunger.first) firsts += helping;
            });
            expect(firsts).toBeLessThanOrEqual(Math.max(before, 1));
          }
          expect(starvation.hungry).toBe(waiting.some((guest) => guest.waits === Hunger.first));
        }
        starvation.freed = 1000;
        const rest: Guest[] = [];
        if (starvation.served) starvation.serve(0, (guest) => rest.push(guest));
        expect(rest).toEqual(waiting);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
