/** The two windows against models with plain arrays and unbounded numbers, most of them beginning near a wrap. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { Arrival, ReceiveWindow } from '../../src/arq/receiveWindow.js';
import { ANY_PATH, SendWindow } from '../../src/arq/sendWindow.js';

const nearWrap = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.integer({ min: 2 ** 31 - 40, max: 2 ** 31 - 1 }),
  fc.integer({ min: -40, max: 0 }),
);
const size = fc.constantFrom(2, 4, 16, 64);

describe('ReceiveWindow', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('arrive' as const), n: fc.nat(200), near: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), n: fc.nat(20) }) },
  );

  test('delivers each frame once and in order, grants what it has room for, and reports holes', () => {
    fc.assert(
      fc.property(nearWrap, size, fc.array(step, { maxLength: 200 }), (first, window, steps) => {
        const w = new ReceiveWindow(first, window);
        // Numbers from 0 on; `first` is added where the window is asked.
        const wire = (n: number) => (first + n) | 0;
        const here = new Set<number>();
        let delivered = 0;
        const received = () => {
          let n = delivered;
          while (here.has(n)) n++;
          return n;
        };
        for (const s of steps) {
          if (s.do === 'arrive') {
            // Mostly where it matters: around the window.
            const n = s.near ? s.n % (2 * window) : Math.max(0, delivered - 2 + (s.n % (window + 5)));
            const kind = w.classify(wire(n));
            if (n < delivered || here.has(n)) expect(kind).toBe(Arrival.duplicate);
            else if (n >= delivered + window) expect(kind).toBe(Arrival.outside);
            else if (n === delivered) expect(kind).toBe(Arrival.inOrder);
            else expect(kind).toBe(Arrival.early);
            if (kind === Arrival.inOrder && s.n % 2 === 0) {
              w.pass();
              delivered++;
            } else if (kind === Arrival.inOrder || kind === Arrival.early) {
              w.store(wire(n), n);
              here.add(n);
            }
          } else {
            for (let i = 0; i < s.n; i++) {
              const expected = here.has(delivered) ? delivered : -1;
              expect(w.peek()).toBe(expected);
              if (expected < 0) break;
              expect(w.take()).toBe(expected);
              here.delete(delivered++);
            }
          }
          const highest = Math.max(delivered, ...[...here].map((n) => n + 1));
          expect(w.delivered).toBe(wire(delivered));
          expect(w.received).toBe(wire(received()));
          expect(w.highest).toBe(wire(highest));
          expect(w.waiting).toBe(received() - delivered);
          expect(w.credit).toBe(delivered + window - received());
          expect(w.hasHoles).toBe(highest > received());
          for (let n = received(); n < delivered + window; n++) expect(w.has(wire(n))).toBe(here.has(n));
        }
        const left: number[] = [];
        for (let frame = w.drain(); frame >= 0; frame = w.drain()) left.push(frame);
        expect(left).toEqual([...here].sort((a, b) => a - b));
      }),
      { numRuns: 800 },
    );
  });
});

describe('SendWindow', () => {
  const step = fc.record({
    do: fc.constantFrom('push', 'push', 'send', 'send', 'acknowledge', 'sack', 'grant', 'lose', 'resend' as const),
    n: fc.nat(100),
  });

  test('keeps frames until they are acknowledged, sends within window and credit, finds the lost', () => {
    fc.assert(
      fc.property(nearWrap, size, fc.nat(20), fc.array(step, { maxLength: 300 }), (first, window, credit, steps) => {
        const capacity = 2 * window;
        const w = new SendWindow(first, window, capacity, credit);
        w.allowed = window / 2;
        const wire = (n: number) => (first + n) | 0;
        let [una, next, end, limit] = [0, 0, 0, credit];
        const sacked = new Set<number>();
        let lost: number[] = [];
        for (const { do: what, n } of steps) {
          if (what === 'push' && end - una < capacity) {
            expect(w.push(end, end + 1, end + 2, 0)).toBe(wire(end));
            end++;
          } else if (what === 'send' && w.maySend) {
            w.next = (w.next + 1) | 0;
            next++;
          } else if (what === 'acknowledge') {
            // What was never sent, or is older than the window, is not acceptable.
            expect(w.accepts(wire(next + 1 + n))).toBe(false);
            expect(w.accepts(wire(una - 1 - n))).toBe(false);
            const upTo = una + (n % (next - una + 1));
            expect(w.accepts(wire(upTo))).toBe(true);
            for (; una < upTo; una++) {
              expect(w.frameOf(w.una)).toBe(una);
              w.release();
              sacked.delete(una);
            }
            lost = lost.filter((s) => s >= una);
          } else if (what === 'sack') {
            const s = una - 3 + (n % (capacity + 6));
            const isNews = s >= una && s < next && !sacked.has(s);
            expect(w.sack(wire(s))).toBe(isNews);
            if (isNews) sacked.add(s);
          } else if (what === 'grant') {
            const newLimit = una + n;
            expect(w.grant(wire(una), n)).toBe(newLimit > limit);
            limit = Math.max(limit, newLimit);
          } else if (what === 'lose') {
            w.declareLost(0, ANY_PATH);
            lost = Array.from({ length: next - una }, (_, i) => una + i);
          } else if (what === 'resend') {
            const open = lost.filter((s) => !sacked.has(s));
            expect(w.lost).toBe(open.length > 0);
            if (open.length > 0) {
              expect(w.firstLost).toBe(wire(open[0]));
              w.takeLost();
              lost = lost.filter((s) => s > open[0]);
            }
          }
          expect([w.una, w.next, w.end, w.limit]).toEqual([una, next, end, limit].map(wire));
          expect(w.hasRoom).toBe(end - una < capacity);
          expect(w.room).toBe(capacity - (end - una));
          expect(w.idle).toBe(una === end);
          expect(w.outstanding).toBe(next - una);
          // Congestion control allows half of a window: what has arrived is not under way.
          expect(w.sacked).toBe(sacked.size);
          const underWay = next - una - sacked.size;
          expect(w.isLimited).toBe(underWay >= w.allowed);
          expect(w.maySend).toBe(next < end && next - una < window && underWay < w.allowed && next < limit);
          expect(w.starved).toBe(una === next && next < end && next >= limit);
        }
      }),
      { numRuns: 1500 },
    );
  });
});
