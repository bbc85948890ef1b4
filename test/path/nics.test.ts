/** Hosts with a list of NICs: NICs that come and go, drivers that differ, and what is refused. */
import { afterEach, describe, expect, test } from 'vitest';

import { Host, openNic } from '../../src/index.js';
import type { Channel, HostOptions, MemoryOptions, UdpOptions } from '../../src/index.js';

let number = 0;
const opened: Host[] = [];

async function open(nic: HostOptions['nic'], rest: Omit<HostOptions, 'nic'> = {}): Promise<Host> {
  const host = await Host.open({ nic, ...rest });
  opened.push(host);
  return host;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((host) => host.close({ force: true })));
});

const memory = (name: string, mtu = 1400): MemoryOptions => ({ driver: 'memory', name: `${name}${++number}`, mtu });
const udp = (): UdpOptions => ({ driver: 'udp', port: 0, mtu: 1400 });

/** A channel of which each side says what it hears. */
async function pair(client: Host, server: Host): Promise<{ ask: (text: string) => Promise<string>; channel: Channel }> {
  server.listen(1, {
    onChannel: (to) => (to.onMessage = (bytes, at, length) => void to.write(bytes.slice(at, at + length))),
  });
  const channel = await client.connect(server.address, 1);
  const heard = channel[Symbol.asyncIterator]();
  const ask = async (text: string): Promise<string> => {
    await channel.write(Buffer.from(text));
    return Buffer.from((await heard.next()).value!.data).toString();
  };
  return { ask, channel };
}

const actives = (host: Host): string[] => host.paths.filter(({ active }) => active).map(({ local }) => local);

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('what faults have done to NICs that were given up since is counted on', async () => {
  const [a, b] = [
    await open([memory('a'), memory('a')], { faults: { duplicate: 1, seed: 7 } }),
    await open([memory('b')]),
  ];
  const { ask } = await pair(a, b);
  expect(await ask('twice')).toBe('twice');
  const before = a.faults!.duplicated;
  expect(before).toBeGreaterThan(0);
  for (let i = 0; i < 3; i++) {
    a.removeNic(a.nics[0]);
    await a.addNic(memory('a'));
    expect(a.faults!.duplicated).toBeGreaterThanOrEqual(before);
  }
  expect(await ask('again')).toBe('again');
  expect(a.faults!.duplicated).toBeGreaterThan(before);
});

test('different drivers under one channel: one NIC is given up, and the other goes on', async () => {
  const [a, b] = [await open([memory('a'), udp()]), await open([memory('b'), udp()])];
  const { ask, channel } = await pair(a, b);
  expect(await ask('by memory')).toBe('by memory');
  expect(a.info.mode).toMatch(/^failover of memory memory \+ udp udp4/);
  await until(() => a.paths.filter(({ state }) => state === 'up').length === 2);
  expect(actives(a)).toEqual([a.nics[0].info.address]);
  const first = a.nics[0];
  a.removeNic(first);
  expect(first.state).toBe('closed');
  expect(await ask('by udp')).toBe('by udp');
  expect(actives(a)).toEqual([a.nics[0].info.address]);
  await channel.close();
  expect((await channel.closed).reason).toBe('ended');
});

test('a NIC that is added is told to the peer, found, and used when the first is given up', async () => {
  const [a, b] = [await open([udp()]), await open([udp(), memory('b')])];
  const { ask } = await pair(a, b);
  expect(await ask('one')).toBe('one');
  const added = await a.addNic(memory('a'));
  expect(a.nics).toHaveLength(2);
  await until(() => a.paths.some(({ local, state }) => local === added.info.address && state === 'up'));
  await until(() => b.paths.some(({ remote, state }) => remote === added.info.address && state === 'up'));
  a.removeNic(a.nics[0]);
  expect(await ask('two')).toBe('two');
  expect(b.paths.every(({ local, active }) => !active || local.startsWith('memory:'))).toBe(true);
});

test('a message that was under way by the NIC that is given up arrives, once', async () => {
  const [a, b] = [await open([memory('a'), udp()]), await open([memory('b'), udp()])];
  const { ask, channel } = await pair(a, b);
  await ask('first');
  await until(() => a.paths.filter(({ state }) => state === 'up').length === 2);
  // Queued, and not at the doorbell yet.
  expect(channel.send(Buffer.from('under way'))).toBe(true);
  a.removeNic(a.nics[0]);
  expect(await ask('behind it')).toBe('under way');
  expect(a.counters().paths.switches).toBe(1);
});

test('an address that the peer has given up, and another machine has now, says nothing of the peer', async () => {
  const taken = memory('b');
  const a = await open([memory('a'), memory('a')], { paths: { idleProbe: 20 } });
  const b = await open([taken, memory('b')], { paths: { idleProbe: 20 } });
  const { ask, channel } = await pair(a, b);
  expect(await ask('before')).toBe('before');
  await until(() => a.paths.filter(({ state }) => state === 'up').length === 4);
  b.removeNic(b.nics[0]);
  expect(await ask('without it')).toBe('without it');
  await until(() => a.paths.every(({ remote, state }) => remote === b.address || state === 'down'));
  await open([taken]);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await ask('after')).toBe('after');
  expect(new Set(a.paths.filter(({ active }) => active).map(({ remote }) => remote))).toEqual(new Set([b.address]));
  expect(channel.writable).toBe(true);
});

test('addresses that were given up are told as far as there is room: those that are used come first', async () => {
  // Room for six addresses of 14 letters, not for seven.
  const [mtu, count] = [140, 6];
  const a = await open([memory('a', mtu)], { paths: { idleProbe: 20 } });
  const b = await open(
    Array.from({ length: count }, () => memory('b-nic', mtu)),
    { paths: { idleProbe: 20 } },
  );
  await pair(a, b);
  const known = (): string[] => a.paths.filter(({ state }) => state === 'up').map(({ remote }) => remote);
  await until(() => known().length === count);
  b.removeNic(b.nics[count - 1]);
  const added = await b.addNic(memory('b-nic', mtu));
  await until(() => known().includes(added.info.address));
});

test('a link that comes back has its doorbell rung: the driver may have frames from before it went', async () => {
  const nics = [openNic(memory('a')), openNic(memory('a'))];
  const host = await open(nics, { wait: 'spin' });
  let rung = 0;
  const flush = nics[1].flush.bind(nics[1]);
  nics[1].flush = () => {
    rung++;
    return flush();
  };
  for (let turn = 0; turn < 100; turn++) host.poll();
  expect(rung).toBe(0);
  nics[1].onState!('up');
  host.poll();
  expect(rung).toBe(1);
});

test('a peer that tells only addresses of another kind is none that can be reached, and harms nobody', async () => {
  const [a, b] = [await open([udp(), memory('a')]), await open([udp()])];
  const { ask } = await pair(a, b);
  await ask('one');
  await new Promise((resolve) => setTimeout(resolve, 50)); // b has a's list
  a.removeNic(a.nics[0]);
  await b.addNic(udp());
  await b.addNic(memory('b'));
  // By the memory driver, which both have now, though no path was left when b's list came.
  expect(await ask('two')).toBe('two');
  expect(a.nic.state).toBe('up');
});

test('many channels, both ways, each policy', async () => {
  for (const policy of ['failover', 'stripe', 'duplicate'] as const) {
    const rest = { paths: { policy } };
    const a = await open([memory('a'), udp()], rest);
    const b = await open([memory('b'), udp()], rest);
    b.listen(1, {
      onChannel: (to) => (to.onMessage = (bytes, at, length) => void to.write(bytes.slice(at, at + length))),
    });
    const texts = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const channel = await a.connect(b.address, 1);
        const sent = Array.from({ length: 50 }, (__, n) => `${i}:${n}:${'x'.repeat((n * 97) % 3000)}`);
        const heard: string[] = [];
        const all = (async () => {
          for await (const { data } of channel) if (heard.push(Buffer.from(data).toString()) === sent.length) return;
        })();
        for (const text of sent) await channel.write(Buffer.from(text));
        await all;
        await channel.close();
        return [sent, heard];
      }),
    );
    for (const [sent, heard] of texts) expect(heard).toEqual(sent);
  }
});

describe('refused, with a code and a remedy:', () => {
  const cases: [string, HostOptions, RegExp][] = [
    ['an empty list', { nic: [] }, /one to 8 NICs/],
    ['more than eight', { nic: Array.from({ length: 9 }, () => udp()) }, /list of 9/],
    ['something in it that is no NIC', { nic: [udp(), 7 as never] }, /A NIC is 7/],
    ['paths without a list', { nic: udp(), paths: {} }, /nic is not a list/],
    ['an unknown policy', { nic: [udp()], paths: { policy: 'fast' as never } }, /'failover', 'stripe' or 'duplicate'/],
    ['a misspelt option', { nic: [udp()], paths: { polcy: 'stripe' } as never }, /no option 'polcy'/],
    ['a time that is none', { nic: [udp()], paths: { silence: 0 } }, /silence is 0/],
  ];
  for (const [what, options, message] of cases) {
    test(what, async () => {
      await expect(Host.open(options)).rejects.toMatchObject({
        code: 'ERR_EMP_ARGUMENT',
        message: expect.stringMatching(message),
      });
    });
  }

  test('addNic and removeNic of a host with a single NIC', async () => {
    const host = await open(udp());
    await expect(host.addNic(udp())).rejects.toMatchObject({ code: 'ERR_EMP_ARGUMENT' });
    expect(() => host.removeNic(host.nic)).toThrow(/single NIC/);
    expect(host.nics).toEqual([host.nic]);
    expect(host.paths).toEqual([]);
  });

  test('the last NIC, and one of another host', async () => {
    const host = await open([udp()]);
    expect(() => host.removeNic(host.nics[0])).toThrow(/last NIC/);
    const other = openNic(udp());
    expect(() => host.removeNic(other)).toThrow(/no NIC of this host/);
    other.close();
  });

  test('a NIC that is closed, as one is that was removed', async () => {
    const host = await open([udp(), udp()]);
    const removed = host.nics[1];
    host.removeNic(removed);
    await expect(host.addNic(removed)).rejects.toMatchObject({ code: 'ERR_EMP_ARGUMENT' });
    await expect(host.addNic(removed)).rejects.toThrow(/closed/);
    expect(host.nics).toHaveLength(1);
  });

  test('a NIC whose frames are shorter than the host sends: it is closed again', async () => {
    const host = await open([memory('long')]);
    const short = memory('short', 600);
    await expect(host.addNic(short)).rejects.toMatchObject({ code: 'ERR_EMP_MTU' });
    openNic(short).close();
    expect(host.nics).toHaveLength(1);
  });

  test('a list of which one cannot be opened: the others are closed again', async () => {
    const first = memory('first');
    await expect(Host.open({ nic: [first, { driver: 'packet', interface: 'no-such-nic' }] })).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_EMP_(NO_INTERFACE|PERMISSION)/),
    });
    openNic(first).close();
  });

  test('one NIC given twice: it stays open, as what was given open does', async () => {
    const given = openNic(memory('given'));
    await expect(Host.open({ nic: [given, given] })).rejects.toMatchObject({ code: 'ERR_EMP_ARGUMENT' });
    expect(given.state).toBe('up');
    const host = await open([given]);
    await expect(host.addNic(given)).rejects.toMatchObject({ code: 'ERR_EMP_ARGUMENT' });
    const short = openNic(memory('short', 600));
    await expect(host.addNic(short)).rejects.toMatchObject({ code: 'ERR_EMP_MTU' });
    expect([given.state, short.state]).toEqual(['up', 'up']);
    short.close();
  });

  test('an address that none of the NICs can have', async () => {
    const host = await open([udp(), memory('a')]);
    await expect(host.connect('02:00:00:00:00:01', 1)).rejects.toMatchObject({ code: 'ERR_EMP_ADDRESS' });
    expect(host.paths).toEqual([]);
  });
});

test('a handler of path events that throws is told of, and changes nothing', async () => {
  const [a, b] = [await open([memory('a'), udp()]), await open([memory('b'), udp()])];
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  a.onPath = () => {
    throw new Error('not today');
  };
  const { ask } = await pair(a, b);
  expect(await ask('hello')).toBe('hello');
  await until(() => warnings.length > 0);
  process.off('warning', listen);
  expect(String(warnings[0])).toContain('not today');
});
