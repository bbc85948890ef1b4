/** Small messages queued in one turn share frames: which ones, when they leave, and that nothing is lost by it. */
import { describe, expect, test } from 'vitest';

import { ChannelCounter } from '../../src/channel/counters.js';
import { CHECKED_HEADER_BYTES, Flag, FrameType, HEADER_BYTES, aligned } from '../../src/wire/header.js';
import { SEED } from '../support/seed.js';
import { build, messagesOf, parse } from '../support/sim/puppet.js';
import type { ParsedFrame } from '../support/sim/puppet.js';
import { MTU } from '../../src/sim/simNic.js';
import type { Plan } from '../support/sim/talker.js';
import { FRAMEFUL, MS, SECOND, messages, twoHosts } from '../support/sim/world.js';

const WHOLE = Flag.first | Flag.last;
const NEVER = { lengths: [1], start: 3600 * SECOND };

/** Two hosts, a session, and what `a` puts on the wire as DATA: the bytes of each frame that was not sent before. */
function talk(plan: Partial<Plan>, options = {}, seed = SEED) {
  const { world, a, b } = twoHosts(seed);
  const session = world.session(a, b, plan, { keepOpen: true }, options);
  const wire: { at: number; bytes: Uint8Array; frame: ParsedFrame }[] = [];
  world.network.filter = (bytes, from) => {
    const frame = parse(bytes);
    const isNew = frame.type === FrameType.data && (frame.flags & Flag.resent) === 0;
    if (from === 'a' && isNew) wire.push({ at: world.network.now, bytes, frame });
    return true;
  };
  return { world, a, b, ...session, wire };
}

/** What the messages of one turn take if each goes behind the one before it as long as it fits: payload bytes, frame by frame. */
function packed(lengths: readonly number[], room = MTU - HEADER_BYTES): number[] {
  const frames: number[] = [];
  for (const length of lengths) {
    const behind = frames.length === 0 ? Infinity : aligned(frames[frames.length - 1]) + 4 + length;
    if (behind <= room) frames[frames.length - 1] = behind;
    else frames.push(length);
  }
  return frames;
}

describe('messages of one turn', () => {
  for (const payloadCheck of [false, true]) {
    test(`of random sizes arrive once, in order, in about the least number of frames${payloadCheck ? ', checked' : ''}`, () => {
      const { world, client, server, wire } = talk({ lengths: [] }, { payloadCheck, congestion: 'fixed' });
      const lengths = Array.from({ length: 2000 }, () => world.chance.between(0, 60));
      client.plan.lengths = lengths;
      expect(world.finish()).toEqual([]);
      expect([server.received, client.reason]).toEqual([2000, 'ended']);
      const room = MTU - (payloadCheck ? CHECKED_HEADER_BYTES : HEADER_BYTES);
      const frames = packed(lengths, room);
      expect(wire.map(({ frame }) => frame.payload.length)).toEqual([...frames, 0]);
      const least = (lengths.reduce((sum, length) => sum + length + 4, 0) - 4 * frames.length) / room;
      expect(frames.length).toBeLessThan(least * 1.15);
      // Talkers check contents and types; this is what the documentation says of them on the wire.
      const sent = wire.slice(0, -1).flatMap(({ frame }) => messagesOf(frame));
      expect(sent).toEqual(lengths.map((_, i) => ({ type: client.typeOf(i), bytes: client.content(i).slice() })));
      const { counters } = server.core!.link;
      expect(counters[ChannelCounter.framesReceived]).toBe(frames.length + 1);
      expect(counters[ChannelCounter.bytesReceived]).toBe(lengths.reduce((a, b) => a + b));
      expect(client.core!.link.counters[ChannelCounter.bytesSent]).toBe(counters[ChannelCounter.bytesReceived]);
      expect(new Set(wire.map(({ at }) => at)).size).toBe(1);
    });
  }

  test('more than the window takes: frames that wait are filled', () => {
    const lengths = messages(3000, 16);
    const { world, client, server, wire } = talk({ lengths }, { window: 4, congestion: 'fixed' });
    expect(world.finish()).toEqual([]);
    expect([server.received, client.reason]).toEqual([3000, 'ended']);
    expect(wire.length - 1).toBeLessThanOrEqual(packed(lengths).length * 1.05);
  });

  test('one that does not fit closes the frame; one that just fits fills it', () => {
    const shapes = ([lengths]: [number[]]) => {
      const { world, wire } = talk({ lengths });
      expect(world.finish()).toEqual([]);
      return wire.map(({ frame }) => [frame.flags & Flag.shared, frame.firstLength, frame.payload.length]);
    };
    const END = [0, 0, 0];
    expect(shapes([[200, 200, 200]])).toEqual([[Flag.shared, 200, 404], [0, 0, 200], END]);
    expect(shapes([[238, 236]])).toEqual([[Flag.shared, 238, 480], END]);
    expect(shapes([[238, 237]])).toEqual([[0, 0, 238], [0, 0, 237], END]);
    expect(shapes([[476, 0]])).toEqual([[Flag.shared, 476, 480], END]);
    expect(shapes([[477, 0]])).toEqual([[0, 0, 477], [0, 0, 0], END]);
    expect(shapes([[480, 1, 2]])).toEqual([[0, 0, 480], [Flag.shared, 1, 10], END]);
    expect(shapes([[0, 0, 0]])).toEqual([[Flag.shared, 0, 8], END]);
  });

  test('mixed with long ones, and with reserved ones: in order', () => {
    for (const reserve of [0, 0.5, 1]) {
      const lengths = Array.from({ length: 300 }, (_, i) => (i % 50 === 25 ? 16 * 1024 : (i * 7) % 61));
      const { world, client, server } = talk({ lengths, reserve }, { window: 64 });
      expect(world.finish()).toEqual([]);
      expect([server.received, client.reason]).toEqual([300, 'ended']);
    }
  });

  test('between two messages there are zeros, not what the frame held before', () => {
    const { world, wire } = talk({ lengths: [1, 2, 3, 5] });
    expect(world.finish()).toEqual([]);
    const { payload } = wire[0].frame;
    expect([...payload.subarray(1, 4), ...payload.subarray(10, 12), ...payload.subarray(19, 20)]).toEqual(
      Array(6).fill(0),
    );
  });
});

describe('a lone message', () => {
  test('leaves in its own turn, byte for byte as ever', () => {
    const { world, a, b, client, wire } = talk(NEVER);
    world.network.run(world.network.now + 10 * MS);
    const { sender, link } = client.core!;
    a.enter(() => {
      sender.submit(Uint8Array.of(1, 2, 3, 4, 5), 0xabcd);
      client.core!.owner.touch(client.core!);
    });
    const start = world.network.now;
    b.enter(() => {});
    world.network.run(start);
    const expected = build({
      type: FrameType.data,
      flags: WHOLE,
      destination: link.remoteId,
      source: link.localId,
      sequence: client.core!.initialSequence,
      acknowledgement: client.core!.peerSequence,
      credit: 256,
      messageType: 0xabcd,
      payload: Uint8Array.of(1, 2, 3, 4, 5),
    });
    expect(wire.map(({ at, bytes }) => [at, [...bytes]])).toEqual([[start, [...expected]]]);
    expect([...expected.subarray(26, 28)]).toEqual([0, 0]);
  });

  test('that answers a lone frame goes to the NIC before the rest of the turn', () => {
    const { world, a, b, client, server } = talk({ lengths: [9], keepOpen: true, start: 10 * MS });
    server.plan.lengths = [7, 7];
    server.plan.start = 3600 * SECOND;
    server.plan.replies = true;
    const order: string[] = [];
    const push = b.engine.push.bind(b.engine);
    const settle = b.engine.settle.bind(b.engine);
    b.engine.push = () => {
      push();
      if (server.received === 1) order.push(`pushed ${server.core!.link.counters[ChannelCounter.framesSent]}`);
    };
    b.engine.settle = () => {
      if (server.received === 1) order.push(`settle ${server.core!.link.counters[ChannelCounter.framesSent]}`);
      settle();
    };
    world.network.run(world.network.now + 11 * MS);
    expect(order.slice(0, 2)).toEqual(['pushed 1', 'settle 1']);
    expect(client.received).toBe(1);
    expect(a.nic.breaches).toEqual([]);
  });
});

describe('while messages wait for room', () => {
  /** The reader rests; two frames are with it, three are queued, and one more is being filled. */
  function waiting(options = {}) {
    const lengths = [...messages(5, FRAMEFUL), ...messages(10, 16)];
    const all = talk({ lengths, batch: 8, pause: 50 * MS, keepOpen: true }, { window: 2, ...options });
    const { world, server, client } = all;
    server.opened = () => {
      server.isOpened = true;
      server.core!.pause();
    };
    world.network.run(world.network.now + SECOND);
    expect([client.sent, server.received]).toEqual([15, 0]);
    return { ...all, resume: () => all.b.enter(() => server.core!.resume()) };
  }

  test('and the word of new room is lost: the sender asks', () => {
    const { world, server, resume } = waiting({ maxRto: 200, keepAlive: 60_000, peerTimeout: 80_000 });
    world.network.filter = (bytes, from) => from === 'a' || parse(bytes).type !== FrameType.ack;
    resume();
    world.network.run(world.network.now + MS);
    world.network.filter = undefined;
    world.network.run(world.network.now + 250 * MS);
    expect(server.received).toBe(15);
  });

  test('the end follows them', () => {
    const { world, a, client, server, resume } = waiting();
    a.enter(() => client.core!.end());
    world.network.run(world.network.now + SECOND);
    expect(server.received).toBe(0);
    resume();
    world.network.run(world.network.now + SECOND);
    expect([server.received, server.peerHasEnded]).toEqual([15, true]);
  });

  test('an abort gives every frame back', () => {
    const { world, a, b, client, server } = waiting();
    client.abort();
    world.network.run();
    expect([client.reason, server.reason]).toEqual(['aborted', 'peer-aborted']);
    expect([...a.leftovers(), ...b.leftovers()]).toEqual([]);
  });
});

describe('the end of a side whose messages wait for the end of the turn', () => {
  test('comes behind them', () => {
    const { world, wire } = talk({ lengths: [3, 4, 5] });
    expect(world.finish()).toEqual([]);
    expect(wire.map(({ frame }) => frame.flags)).toEqual([WHOLE | Flag.shared, Flag.fin]);
  });

  test('and an abort: nothing of them leaves', () => {
    const { world, a, b, client, server, wire } = talk({ lengths: [3, 4, 5], start: 10 * MS, keepOpen: true });
    world.network.run(world.network.now + 5 * MS);
    a.enter(() => {
      client.talk();
      client.abort();
    });
    world.network.run();
    expect([wire.length, client.sent, server.received]).toEqual([0, 3, 0]);
    expect([client.reason, server.reason]).toEqual(['aborted', 'peer-aborted']);
    expect([...a.leftovers(), ...b.leftovers()]).toEqual([]);
  });
});

describe('what is reserved', () => {
  function quiet() {
    const all = talk(NEVER);
    all.world.network.run(all.world.network.now + 10 * MS);
    const core = all.client.core!;
    const turn = (action: () => void) => {
      all.a.enter(() => {
        action();
        core.owner.touch(core);
      });
      all.world.network.run(all.world.network.now + MS);
    };
    const got: number[] = [];
    all.client.writable = () => all.client.writables++;
    all.server.message = (_bytes, _offset, length) => got.push(length);
    return { ...all, sender: core.sender, turn, got };
  }

  test('is void when the turn ends, and its frame goes back', () => {
    const { a, sender, turn, got } = quiet();
    turn(() => expect(sender.reserve(10)).toBeGreaterThan(0));
    expect(a.nic.txUsed).toBe(0);
    expect(() => sender.commit(10, 0)).toThrowError(expect.objectContaining({ code: 'ERR_EMP_ARGUMENT' }));
    turn(() => expect(sender.submit(new Uint8Array(20), 0)).toBe(true));
    expect(got).toEqual([20]);
  });

  test('behind other messages: these leave, and it is void', () => {
    const { a, sender, turn, got } = quiet();
    turn(() => {
      expect(sender.submit(new Uint8Array(20), 0)).toBe(true);
      expect(sender.reserve(10)).toBeGreaterThan(0);
    });
    expect(got).toEqual([20]);
    expect(a.nic.txUsed).toBe(0);
    expect(() => sender.commit(0, 0)).toThrowError(expect.objectContaining({ code: 'ERR_EMP_ARGUMENT' }));
  });

  test('holds up others until then, and they are told', () => {
    const { client, sender, turn, got } = quiet();
    turn(() => {
      sender.reserve(10);
      expect(sender.submit(new Uint8Array(20), 0)).toBe(false);
      expect(sender.submit(new Uint8Array(20_000), 0)).toBe(false);
    });
    expect(client.writables).toBe(1);
    turn(() => expect(sender.submit(new Uint8Array(20_000), 0)).toBe(true));
    turn(() => expect(sender.submit(new Uint8Array(20), 0)).toBe(true));
    expect(got).toEqual([20_000, 20]);
  });

  test('and not committed gives way to the next', () => {
    const { sender, turn, got, wire } = quiet();
    turn(() => {
      const at = sender.reserve(10);
      expect(sender.reserve(400)).toBe(at);
      sender.commit(300, 0);
      expect(sender.reserve(476)).toBeGreaterThan(0);
      sender.commit(0, 0);
      // The larger promise has closed the frame.
      expect(sender.reserve(100)).toBeGreaterThan(0);
      sender.commit(100, 0);
    });
    expect(got).toEqual([300, 0, 100]);
    expect(wire.map(({ frame }) => frame.payload.length)).toEqual([300, 104]);
  });
});

describe('on the wire', () => {
  test('an entry is its length and its type, at a multiple of 4, right before the message', () => {
    const sent = [
      { type: 0x1122, bytes: Uint8Array.of(1, 2, 3, 4, 5) },
      { type: 0x3344, bytes: Uint8Array.of() },
      { type: 0x5566, bytes: Uint8Array.of(6) },
    ];
    const { world, a, client, wire } = talk(NEVER);
    world.network.run(world.network.now + 10 * MS);
    a.enter(() => {
      for (const { type, bytes } of sent) client.core!.sender.submit(bytes, type);
      client.core!.owner.touch(client.core!);
    });
    world.network.run(world.network.now);
    const [{ bytes }] = wire;
    expect([...bytes.subarray(6, 8)]).toEqual([0x22, 0x11]);
    expect([...bytes.subarray(26, 28)]).toEqual([5, 0]);
    const first = [1, 2, 3, 4, 5, 0, 0, 0];
    expect([...bytes.subarray(HEADER_BYTES)]).toEqual([...first, 0, 0, 0x44, 0x33, 1, 0, 0x66, 0x55, 6]);
  });
});

describe('a reader that pauses', () => {
  test('gets the rest of the messages of that frame, and nothing of a later one', () => {
    const { world, b, server } = talk({ lengths: messages(100, 16) });
    server.onMessage = () => {
      if (server.received === 3) server.core!.pause();
    };
    world.network.run(world.network.now + SECOND);
    expect(server.received).toBe(24);
    b.enter(() => server.core!.resume());
    expect(world.finish()).toEqual([]);
    expect(server.received).toBe(100);
  });

  test('and one that ends the channel in a handler gets no more of it', () => {
    const { world, client, server } = talk({ lengths: messages(20, 16), keepOpen: true });
    server.onMessage = () => {
      if (server.received === 3) server.core!.fail('aborted');
    };
    expect(world.finish()).toEqual([]);
    expect([server.received, server.reason, client.reason]).toEqual([3, 'aborted', 'peer-aborted']);
  });
});
