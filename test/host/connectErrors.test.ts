// What `connect` throws tells as much as the end of a channel does: a reason, and whose wish it was.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { AbortError, ChannelError } from '../../src/errors.js';
import type { CloseReason, EmpError } from '../../src/errors.js';
import { Host } from '../../src/host/host.js';
import { connected, until } from '../support/twoHosts.js';

let a: Host;
let b: Host;

beforeEach(async () => {
  a = await Host.open({ nic: { driver: 'memory', name: 'reasons-a' } });
  b = await Host.open({ nic: { driver: 'memory', name: 'reasons-b' } });
});
afterEach(() => Promise.all([a.close({ force: true }), b.close({ force: true })]));

async function errorOf(act: () => unknown): Promise<EmpError> {
  try {
    await act();
  } catch (error) {
    return error as EmpError;
  }
  throw new Error('nothing failed');
}

describe('an error of connect has the reason', () => {
  const ways: [CloseReason, string, () => Promise<unknown>][] = [
    ['no-listener', 'ERR_EMP_REFUSED', () => a.connect(b.address, 404)],
    ['refused', 'ERR_EMP_REFUSED', () => (b.listen(1, { accept: () => false }), a.connect(b.address, 1))],
    ['timeout', 'ERR_EMP_TIMEOUT', () => a.connect('memory:nobody', 1, { timeout: 30 })],
    ['aborted', 'ERR_EMP_ABORTED', () => a.connect(b.address, 1, { signal: AbortSignal.abort() })],
    ['aborted', 'ERR_EMP_ABORTED', () => a.connect('memory:nobody', 1, { signal: AbortSignal.timeout(10) })],
    ['host-closed', 'ERR_EMP_CLOSED', () => Promise.all([a.connect('memory:nobody', 1), a.close({ force: true })])],
  ];
  test.each(ways)('%s (%s)', async (reason, code, connect) => {
    const error = await errorOf(connect);
    expect(error).toBeInstanceOf(ChannelError);
    expect(error).toMatchObject({ code, reason });
  });

  test('backlog', async () => {
    b.listen(1, { backlog: 1 });
    await a.connect(b.address, 1);
    expect(await errorOf(() => a.connect(b.address, 1))).toMatchObject({ code: 'ERR_EMP_REFUSED', reason: 'backlog' });
  });
});

test('so has the error that ends a channel, and what is thrown for using it afterwards', async () => {
  const { client, server } = await connected(a, b);
  server.abort();
  const { reason, error } = await client.closed;
  expect(reason).toBe('peer-aborted');
  expect(error).toMatchObject({ reason });
  expect(await errorOf(() => client.send(Uint8Array.of(1)))).toMatchObject({ code: 'ERR_EMP_CLOSED', reason });
  expect(await errorOf(() => client.write(Uint8Array.of(1)))).toMatchObject({ code: 'ERR_EMP_CLOSED', reason });
});

test('an error that ends no channel has none', async () => {
  const { client } = await connected(a, b, 1, { listen: { maxMessage: 10 } });
  const error = await errorOf(() => client.send(new Uint8Array(11)));
  expect(error).toMatchObject({ code: 'ERR_EMP_MESSAGE_TOO_LONG', reason: undefined });
  expect(client.writable).toBe(true);
});

describe('an abort by a signal is an AbortError, as in Node', () => {
  const why = new Error('the user has left');

  test.each(['before', 'while it tries'])('%s', async (when) => {
    const controller = new AbortController();
    if (when === 'before') controller.abort(why);
    const connecting = errorOf(() => a.connect('memory:nobody', 7, { signal: controller.signal }));
    controller.abort(why);
    const error = await connecting;
    expect(error).toBeInstanceOf(AbortError);
    expect(error).toMatchObject({ name: 'AbortError', code: 'ERR_EMP_ABORTED', reason: 'aborted', cause: why });
    expect(error.message).toMatch(/^connect\(memory:nobody, 7\) was aborted by its signal\./);
    await until(() => a.counters().channels === 0);
  });

  test('one that names no reason has the cause that Node gives it', async () => {
    const error = await errorOf(() => a.connect('memory:nobody', 1, { signal: AbortSignal.timeout(5) }));
    expect(error.cause).toMatchObject({ name: 'TimeoutError' });
  });

  test('a failure that comes before the abort is told as what it is', async () => {
    const controller = new AbortController();
    const error = await errorOf(() => a.connect(b.address, 404, { signal: controller.signal }));
    controller.abort();
    expect(error).toMatchObject({ name: 'ChannelError', reason: 'no-listener' });
  });
});

test('an error about a port shows what kind of value it is', async () => {
  for (const [port, shown] of [
    ['1', "'1'"],
    [1.5, '1.5'],
    [-1, '-1'],
    [1n, '1n'],
    [{ port: 1 }, 'Object'],
    [undefined, 'undefined'],
  ] as const) {
    for (const call of [() => a.connect(b.address, port as number), () => a.listen(port as number)]) {
      const { code, message } = await errorOf(call);
      expect(code).toBe('ERR_EMP_ARGUMENT');
      expect(message).toContain(`The port is ${shown}; expected a whole number from 0 to 4294967295.`);
    }
  }
  const { message } = await errorOf(() => Host.open({ nic: { driver: 'udp' }, wait: 5 as never }));
  expect(message).toContain("wait is 5; expected 'spin'");
});

test.each([
  [{ window: '64' }, "window is '64'; it must be a power of two"],
  [{ maxMessage: 5n }, 'maxMessage is 5n; it must be an integer'],
  [{ keepAlive: '500' }, "keepAlive is '500'; it must be a time in ms"],
  [{ payloadCheck: 'no' }, "payloadCheck is 'no'; it must be true or false."],
  [{ onResend: true }, 'onResend is true; it must be a function'],
])('so does one about a channel option: %o', async (options, text) => {
  for (const call of [
    () => a.connect(b.address, 1, options as never),
    () => a.listen(1, options as never),
    () => Host.open({ nic: { driver: 'memory', name: 'reasons-c' }, channel: options as never }),
  ]) {
    const { code, message } = await errorOf(call);
    expect(code).toBe('ERR_EMP_ARGUMENT');
    expect(message).toContain(text);
  }
});
