// How a host ends that is not closed by `close`: its channels, its owner and whoever uses it afterwards hear why.
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { NicError } from '../../src/errors.js';
import type { CloseInfo } from '../../src/host/channel.js';
import { Host } from '../../src/host/host.js';
import type { WaitStrategy } from '../../src/host/loop.js';
import { Emp } from '../support/emp.js';
import { connected, DRIVERS, Wire } from '../support/twoHosts.js';

const boom = new Error('boom');
const explode = (): never => {
  throw boom;
};

for (const driver of DRIVERS) {
  describe(`a host over ${driver}`, () => {
    const wire = Wire.forTests(driver);
    let a: Host;
    let b: Host;
    let told: CloseInfo[];

    async function hosts(wait: WaitStrategy = 'adaptive'): Promise<void> {
      [a, b] = await wire.hosts({ wait });
      told = [];
      b.onClose = (info) => told.push(info);
    }

    test('that is closed says so, once', async () => {
      await hosts();
      await Promise.all([b.close(), b.close()]);
      expect(await b.closed).toEqual({ reason: 'ended', error: undefined });
      expect(told).toEqual([await b.closed]);
    });

    // What the NIC can still do decides whether the peer is told; otherwise it finds out by itself.
    test.each([
      ['receive', 'failed', true],
      ['flush', 'failed', false],
      ['send', 'nic-lost', false],
    ] as const)('whose NIC throws in %s', async (call, ofChannel, peerHears) => {
      await hosts();
      const { client, server } = await connected(a, b);
      b.nic[call] = explode;
      client.send(Uint8Array.of(1));
      const info = await b.closed;
      expect(info).toMatchObject({ reason: 'failed', error: { code: 'ERR_EMP_NIC_FAILED', cause: boom } });
      expect(info.error).toBeInstanceOf(NicError);
      expect(info.error?.message).toMatch(/^The host at .* was closed: a turn of its loop threw \(boom\)\. The cause/);
      expect(told).toEqual([info]);
      expect(await server.closed).toMatchObject({ reason: ofChannel, error: { reason: ofChannel, cause: boom } });
      expect(b.nic.state).toBe('closed');
      const closed = { code: 'ERR_EMP_CLOSED', cause: info.error };
      expect(() => b.listen(2)).toThrowError(expect.objectContaining(closed));
      expect(() => b.poll()).toThrowError(expect.objectContaining(closed));
      await expect(b.connect(a.address, 1)).rejects.toMatchObject(closed);
      await b.close();
      if (peerHears) expect((await client.closed).reason).toBe('peer-closed');
    });

    test.each(['event', 'spin'] as const)('whose NIC is closed under it, waiting by %s', async (wait) => {
      await hosts(wait);
      await new Promise((resolve) => setTimeout(resolve, 5)); // it sleeps, without a timer
      b.nic.close();
      const info = await b.closed;
      expect(info).toMatchObject({ reason: 'nic-lost', error: { code: 'ERR_EMP_NIC_FAILED' } });
      expect(info.error?.message).toMatch(/was closed: its network interface was closed under it\. Close the host/);
      expect(told).toEqual([info]);
    });
  });
}

describe('a host', () => {
  let host: Host;
  beforeEach(async () => {
    host = await Host.open({ nic: { driver: 'memory', name: 'failure' } });
  });
  afterEach(() => host.close({ force: true }));

  test('that fails while it spins throws, with the cause', () => {
    host.onClose = () => undefined;
    host.nic.receive = explode;
    expect(() => host.spin(() => false)).toThrowError(
      expect.objectContaining({ code: 'ERR_EMP_CLOSED', cause: expect.objectContaining({ cause: boom }) as Error }),
    );
  });

  test('that fails and has no onClose is a warning of the process', async () => {
    const warned = once(process, 'warning') as Promise<[Error]>;
    host.nic.receive = explode;
    const { error } = await host.closed;
    expect((await warned)[0]).toBe(error);
  });

  test('that fails while it is being closed says that it failed', async () => {
    host.onClose = () => undefined;
    host.listen(1, { allowHalfOpen: true });
    await host.connect(host.address, 1, { allowHalfOpen: true });
    const closing = host.close();
    host.nic.receive = explode;
    await closing;
    expect(await host.closed).toMatchObject({ reason: 'failed', error: { cause: boom } });
  });

  test.each(['send', 'flush'] as const)(
    'whose NIC throws in %s at the last moment is closed all the same',
    async (call) => {
      host.onClose = () => undefined;
      host.listen(1);
      const channel = await host.connect(host.address, 1);
      host.nic[call] = explode;
      await host.close({ force: true });
      expect(host.nic.state).toBe('closed');
      expect((await channel.closed).reason).toBe(call === 'send' ? 'nic-lost' : 'host-closed');
      expect((await host.closed).reason).toBe(call === 'send' ? 'ended' : 'failed');
    },
  );

  test('whose onClose throws: a warning', async () => {
    const warned = once(process, 'warning') as Promise<[Error]>;
    host.onClose = explode;
    await host.close();
    expect((await warned)[0]).toMatchObject({ code: 'ERR_EMP_HANDLER', cause: boom });
  });
});

describe('emp echo, whose host', () => {
  const fixture = new URL('fixture/failingHost.mjs', import.meta.url).pathname;

  test.each([
    ['turn', 'fails', /a turn of its loop threw \(boom\)/],
    ['nic', 'loses its NIC', /its network interface was closed under it/],
  ])('(%s) %s, ends with a typed error and exit code 1', async (failure, _what, why) => {
    const env = { NODE_OPTIONS: `--import=${fixture}`, EMP_TEST_FAILURE: failure };
    const server = new Emp(['echo', '--local', '127.0.0.1:0', '--json'], env);
    await server.said(/\n/);
    server.child.kill('SIGUSR2');
    const { code, stdout, stderr } = await server.ended();
    expect([code, stderr]).toEqual([1, '']);
    const { error } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { error: Record<string, string> };
    expect(error).toMatchObject({ code: 'ERR_EMP_NIC_FAILED', remedy: expect.any(String) });
    expect(error['message']).toMatch(why);
  });
});
