/** What a receiver makes of shared frames, well formed or not. The frames are composed, and taken apart, by the test itself. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Flag, FrameType } from '../../src/wire/header.js';
import { SEED } from '../support/seed.js';
import { Puppet, build, messagesOf, parse, sharing } from '../support/sim/puppet.js';
import type { ParsedFrame, ParsedMessage } from '../support/sim/puppet.js';
import { PLAIN, Talker } from '../support/sim/talker.js';
import { MS, World } from '../support/sim/world.js';

const message = fc.record({ type: fc.nat(0xffff), bytes: fc.uint8Array({ maxLength: 40 }) });

/** What a receiver that takes at most 100 bytes makes of frames. */
function received(frames: Partial<ParsedFrame>[]): { got: ParsedMessage[]; reason: string | undefined } {
  const world = new World(SEED);
  const b = world.host('b');
  const server = new Talker(world.network, b, 1, { ...PLAIN, keepOpen: true }, world.chance.fork());
  const got: ParsedMessage[] = [];
  server.message = (bytes, at, length, type) => got.push({ type, bytes: bytes.slice(at, at + length) });
  world.session(world.host('a'), b, {}, {}, {}, { maxMessage: 100 }).server = server;
  world.network.run();
  world.sessions[0].accepted = 0;
  const puppet = new Puppet(world.network, 'p', 'b');
  puppet.open({ port: 0 });
  server.reason = server.error = undefined;
  got.length = 0;
  for (const fields of frames) puppet.dataFrame(fields);
  world.network.run(world.network.now + MS);
  const { reason } = server;
  world.network.run();
  expect(b.leftovers()).toEqual([]);
  return { got, reason };
}

test('any messages that share a frame are taken out of it as they were', () => {
  const burst = fc.array(message, { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(fc.array(burst, { maxLength: 5 }), (bursts) => {
      const frames = bursts.map((messages) => ({ type: FrameType.data, ...sharing(messages) }));
      expect(frames.flatMap((fields) => messagesOf(parse(build(fields))))).toEqual(bursts.flat());
      expect(received(frames)).toEqual({ got: bursts.flat(), reason: undefined });
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test('whatever stands in a shared frame: messages within it, or the end of the channel', () => {
  const small = fc.array(fc.oneof(fc.nat(255), fc.constant(0), fc.nat(8)), { maxLength: 64 });
  const honest = fc.array(message, { minLength: 1, maxLength: 4 }).map((list) => [...sharing(list).payload]);
  let [good, bad] = [0, 0];
  fc.assert(
    fc.property(fc.oneof(small, honest), fc.nat(70), fc.nat(0xffff), (payload, firstLength, messageType) => {
      const flags = Flag.first | Flag.last | Flag.shared;
      const fields = { type: FrameType.data, flags, firstLength, messageType, payload: Uint8Array.from(payload) };
      const expected = messagesOf(parse(build(fields)));
      const { got, reason } = received([fields]);
      if (expected === undefined || expected.some(({ bytes }) => bytes.length > 100)) {
        bad++;
        expect(['protocol', 'message-too-long']).toContain(reason);
      } else {
        good++;
        expect({ got, reason }).toEqual({ got: expected, reason: undefined });
      }
    }),
    { seed: SEED, numRuns: 500 },
  );
  expect(Math.min(good, bad)).toBeGreaterThan(20);
});
