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
  const serve = (frames: number, now = 0) => {
    const called: [number, number][] = [];
    starvation.serve(frames, now, ({ name }, helping) => called.push([name, helping]));
    return called;
  };
  return { starvation, guests, serve };
}

const names = (called: [number, number][]) => called.map(([name]) => name);

describe('the line of those who found no frame', () => {
  test('as many are called as there are frames, in the order in which they came', () => {
    const { serve } = line(100);
    expect(names(serve(3))).toEqual([0, 1, 2]);
    expect(names(serve(0))).toEqual([]);
    expect(names(serve(2))).toEqual([3, 4]);
  });

  test('who is in it keeps its place, also when it has left and waits again; who has left is passed over', () => {
    const { starvation, guests, serve } = line(6);
    starvation.add(guests[1], Hunger.first, 0);
    starvation.leave(guests[2]);
    starvation.leave(guests[3]);
    starvation.add(guests[3], Hunger.first, 0);
    expect(names(serve(4))).toEqual([0, 1, 3, 4]);
  });

  test('many frames are shared out, a few to each', () => {
    const { starvation, serve } = line(4);
    expect(serve(22)).toEqual([0, 1, 2, 3].map((name) => [name, 5]));
    expect([starvation.starving, starvation.retryAt]).toEqual([0, Infinity]);
  });

  test('it is due when somebody waits and frames came back', () => {
    const { starvation, guests } = line(1);
    expect(starvation.isDue).toBe(false);
    starvation.freed = true;
    expect(starvation.isDue).toBe(true);
    starvation.leave(guests[0]);
    expect([starvation.isDue, starvation.retryAt]).toEqual([false, Infinity]);
  });

  test('those who want more than their first few hold nobody up, and are not all asked for one frame', () => {
    const { starvation, guests, serve } = line(100, Hunger.more);
    expect(starvation.starving).toBe(0);
    starvation.add(guests[1], Hunger.first, 0);
    expect(starvation.starving).toBe(1);
    expect(names(serve(1))).toEqual([0]);
    expect(names(serve(2))).toEqual([1, 2, 3]);
  });

  test('after a while they try again, though nothing came back', () => {
    const { starvation, serve } = line(200);
    expect(starvation.retryAt).toBe(1000);
    expect(serve(64, 1000).length).toBe(64);
    expect(starvation.retryAt).toBe(2000);
  });

  test('whatever happens, each who waits is called in its turn, once', () => {
    const step = fc.oneof(
      fc.record({ add: fc.nat(20), more: fc.boolean() }),
      fc.record({ leave: fc.nat(20) }),
      fc.record({ frames: fc.integer({ min: 1, max: 9 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const starvation = new Starvation<Guest>();
        const guests = Array.from({ length: 21 }, (_, i) => new Guest(i));
        /** In the order of the line, those that have left included. */
        let places: Guest[] = [];
        const waits = (guest: Guest) => guest.waits === Hunger.first || guest.waits === Hunger.more;
        for (const one of steps) {
          if ('add' in one) {
            const guest = guests[one.add];
            if (!places.includes(guest)) places.push(guest);
            starvation.add(guest, one.more ? Hunger.more : Hunger.first, 1);
          } else if ('leave' in one) starvation.leave(guests[one.leave]);
          else {
            const due = places.filter(waits);
            const hungers = new Map(due.map((guest) => [guest, guest.waits]));
            const called: Guest[] = [];
            let firsts = 0;
            starvation.serve(one.frames, 0, (guest, helping) => {
              called.push(guest);
              if (hungers.get(guest) === Hunger.first) firsts += helping;
            });
            expect(called).toEqual(due.slice(0, called.length));
            expect(called.length).toBeGreaterThanOrEqual(Math.min(1, due.length));
            expect(firsts).toBeLessThan(one.frames + 8);
            places = places.slice(called.length === 0 ? 0 : places.indexOf(called.at(-1)!) + 1);
          }
          // Where nobody waits, the line is forgotten.
          if (!places.some(waits)) places = [];
          expect(starvation.starving).toBe(guests.filter((guest) => guest.waits === Hunger.first).length);
        }
        const rest: Guest[] = [];
        starvation.serve(1000, 0, (guest) => rest.push(guest));
        expect(rest).toEqual(places.filter((guest) => rest.includes(guest)));
        expect(guests.filter(({ waits: one }) => one !== Hunger.none)).toEqual([]);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
