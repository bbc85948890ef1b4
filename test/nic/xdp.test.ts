/** What is particular to the xdp driver: modes, sharing an interface, leaving it. The rest is in contract.test.ts. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Nic, XdpOptions } from '../../src/nic/contract.js';
import { listLinks } from '../../src/nic/links.js';
import { openNic } from '../../src/nic/open.js';
import { missing } from '../../src/nic/xdp/addon.js';
import type { TestbedEnd } from '../../src/testbed/testbed.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';
import { collect, counter, fill, flushAll, matches, mustAlloc, Pair, sendOne, withCapabilities } from './harness.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILT = new URL('../../dist/src/nic/open.js', import.meta.url).href;
const FLOOR = `${ROOT}build/Release/pingpong_xdp`;
/** Frames enough for a test, few enough for the memory that anybody may lock. */
const FEW = { txFrames: 64, rxFrames: 64 };

const code = (name: string): unknown => expect.objectContaining({ code: name });
/** A program that opens a NIC. */
const OPEN = fileURLToPath(new URL('../host/fixture/open.mjs', import.meta.url));

const at = ({ namespace, interface: name }: TestbedEnd): { namespace: string; interface: string } => ({
  namespace,
  interface: name,
});
/** The same frame, so often, at once. */
function sendMany(pair: Pair, count: number): void {
  const frame = mustAlloc(pair.a);
  fill(pair.a, frame, 60, 1);
  for (let i = 0; i < count; i++) expect(pair.a.send(frame, 60, pair.toB)).toBe(true);
  flushAll(pair.a);
  pair.a.free(frame);
}

const attached = ({ namespace, interface: name }: TestbedEnd): number =>
  listLinks({ namespace }).find((link) => link.name === name)!.xdp.attached.length;

/** Opens a NIC in another process, which prints its mode, or the code and the message of the error. */
function child(options: XdpOptions, prefix: readonly string[] = []): ChildProcess {
  const source = `
    const { openNic } = await import(${JSON.stringify(BUILT)});
    try {
      const nic = openNic(${JSON.stringify(options)});
      nic.watch(() => {});
      console.log(nic.info.mode);
    } catch (error) {
      console.log(error.code + ' ' + error.message);
    }`;
  const command = [...prefix, process.execPath, '--input-type=module', '-e', source];
  return spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function firstLine(process: ChildProcess): Promise<string> {
  const [text] = (await once(process.stdout!, 'data')) as [Buffer];
  return text.toString().trim();
}

async function end(process: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  process.kill(signal);
  await once(process, 'close');
}

/** One frame each way between NICs of the same queue. */
async function talk(a: Nic, b: Nic, seed: number): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const peer = from.peer(to.info.address);
    sendOne(from, peer, 100, seed);
    expect(await collect(to, 1, (frame, length) => expect(matches(to, frame, length, seed)).toBe(true))).toBe(1);
    from.forget(peer);
  }
}

describeRoot('the xdp driver', () => {
  let testbed: Testbed;
  let a: TestbedEnd;
  let b: TestbedEnd;
  const open = (end: TestbedEnd, options: Partial<XdpOptions> = {}): Nic =>
    openNic({ driver: 'xdp', ...at(end), ...FEW, ...options });

  beforeAll(async () => {
    testbed = await Testbed.up({ queues: 2 });
    ({ a, b } = testbed.links[0]);
  });
  afterAll(() => testbed.down());

  describe('modes', () => {
    it('are tried best first; what could not be had is noted, with the reason', () => {
      const nic = open(a);
      expect(nic.info).toMatchObject({ driver: 'xdp', mode: 'native-copy', queue: 0, mtu: 1500, overhead: 14 });
      expect(nic.info.notes).toEqual([expect.stringMatching(/^native-zerocopy: .*veth has no zero-copy/)]);
      nic.close();
    });

    it('require turns a fallback into an error', () => {
      expect(() => open(a, { require: 'zerocopy' })).toThrow(code('ERR_EMP_XDP_MODE'));
      expect(() => open(a, { require: 'zerocopy' })).toThrow(/native-zerocopy: .*veth has no zero-copy/);
      expect(() => open(a, { require: 'native', modes: ['generic-copy'] })).toThrow(code('ERR_EMP_XDP_MODE'));
      const nic = open(a, { require: 'native' });
      expect(nic.info.mode).toBe('native-copy');
      nic.close();
    });

    it('native falls back to generic, and says what the kernel said', async () => {
      await using wire = await Testbed.up({ queues: 2 });
      const end = wire.links[0].a;
      // veth wants at least as many receive queues as its peer has transmit queues.
      const inside = ['netns', 'exec', end.namespace];
      execFileSync('ip', [...inside, 'ethtool', '-L', end.interface, 'rx', '1', 'tx', '1'], { stdio: 'ignore' });
      using pair = new Pair(
        { driver: 'xdp', ...at(end), ...FEW },
        { driver: 'xdp', ...at(wire.links[0].b), ...FEW, modes: ['generic-copy'] },
      );
      expect(pair.a.info.mode).toBe('generic-copy');
      expect(pair.a.info.notes[1]).toMatch(/^native-copy: attach: No space.*transmit queues/);
      await talk(pair.a, pair.b, 1);
      expect(() => open(end, { queue: 1 })).toThrow(code('ERR_EMP_QUEUE_RANGE'));
      pair.a.close();
      const native = () => open(end, { require: 'native' });
      expect(native).toThrow(code('ERR_EMP_XDP_MODE'));
      expect(native).toThrow(/native-zerocopy: [^]*native-copy: attach: No space/);
    });

    it.each([
      [{}, ['XDP_COPY|XDP_USE_NEED_WAKEUP'], ['BUSY_POLL']],
      [{ needWakeup: false }, ['sxdp_flags=XDP_COPY,'], ['NEED_WAKEUP', 'BUSY_POLL']],
      [
        { busyPoll: { microseconds: 20, budget: 8 } },
        ['SO_PREFER_BUSY_POLL, [1]', 'SO_BUSY_POLL, [20]', 'SO_BUSY_POLL_BUDGET, [8]'],
        [],
      ],
    ])('%j is what the kernel is asked for', (options, asked, notAsked) => {
      const nic = JSON.stringify({ driver: 'xdp', ...at(a), ...FEW, ...options });
      const traced = ['-f', '-e', 'trace=bind,setsockopt', process.execPath, OPEN, nic];
      const { stderr } = spawnSync('strace', traced, { encoding: 'utf8' });
      for (const text of asked) expect(stderr).toContain(text);
      for (const text of notAsked) expect(stderr).not.toContain(text);
    });

    it.each([{ needWakeup: false }, { busyPoll: { microseconds: 20 } }, { busyPoll: { microseconds: 20, budget: 8 } }])(
      'frames pass with %j',
      async (options) => {
        using pair = new Pair(
          { driver: 'xdp', ...at(a), ...FEW, ...options },
          { driver: 'xdp', ...at(b), ...FEW, ...options },
        );
        for (let i = 0; i < 20; i++) await talk(pair.a, pair.b, i);
      },
    );
  });

  it('takes hundreds of frames with one flush', async () => {
    using pair = new Pair({ driver: 'xdp', ...at(a) }, { driver: 'xdp', ...at(b), rxFrames: 4096 });
    sendMany(pair, 700);
    expect(await collect(pair.b, 700)).toBe(700);
    expect(counter(pair.b, 'rxDropped')).toBe(0);
  });

  it('who polls is ready for 512 frames at once, and for more when many have come', async () => {
    using pair = new Pair({ driver: 'xdp', ...at(a) }, { driver: 'xdp', ...at(b) });
    sendMany(pair, 700);
    expect(await collect(pair.b, 512)).toBe(512);
    expect([counter(pair.b, 'rxDropped'), counter(pair.b, 'rxRingFull')]).toEqual([188, 0]);
    sendMany(pair, 1000);
    expect(await collect(pair.b, 1000)).toBe(1000);
    expect(counter(pair.b, 'rxDropped')).toBe(188);
  });

  it('lacks chunks, never entries of the receive ring: there are as many', async () => {
    using pair = new Pair({ driver: 'xdp', ...at(a) }, { driver: 'xdp', ...at(b), rxFrames: 64 });
    sendMany(pair, 700);
    const got = await collect(pair.b, 64);
    expect([got + counter(pair.b, 'rxDropped'), counter(pair.b, 'rxRingFull')]).toEqual([700, 0]);
  });

  it('who sleeps is ready for a whole ring', async () => {
    using pair = new Pair({ driver: 'xdp', ...at(a) }, { driver: 'xdp', ...at(b) });
    pair.b.watch(() => undefined);
    pair.b.unwatch();
    sendMany(pair, 2000);
    expect(await collect(pair.b, 2000)).toBe(2000);
    expect(counter(pair.b, 'rxDropped')).toBe(0);
  });

  it('leaves ordinary traffic to the kernel', async () => {
    using pair = new Pair({ driver: 'xdp', ...at(a), ...FEW }, { driver: 'xdp', ...at(b), ...FEW });
    using udp = new Pair(
      { driver: 'udp', namespace: a.namespace, address: a.ipv4, port: 7000 },
      { driver: 'udp', namespace: b.namespace, address: b.ipv4, port: 7000 },
    );
    for (let i = 0; i < 20; i++) {
      await talk(udp.a, udp.b, i);
      await talk(pair.a, pair.b, i);
    }
  });

  describe('sharing an interface', () => {
    it('two queues of one process use one program, which goes with the last', async () => {
      const first = open(a);
      const second = open(a, { queue: 1 });
      const peer = open(b, { queue: 1 });
      expect(attached(a)).toBe(1);
      first.close();
      expect(attached(a)).toBe(1);
      await talk(second, peer, 1);
      second.close();
      expect(attached(a)).toBe(0);
      peer.close();
    });

    it('two processes too: the second goes on when the first is killed', async () => {
      const first = child({ driver: 'xdp', ...at(a), ...FEW });
      expect(await firstLine(first)).toBe('native-copy');
      const second = open(a, { queue: 1 });
      const peer = open(b, { queue: 1 });
      await talk(second, peer, 1);
      await end(first);
      await talk(second, peer, 2);
      const third = open(a); // the queue that the killed process had
      expect(attached(a)).toBe(1);
      for (const nic of [second, third, peer]) nic.close();
      expect(attached(a)).toBe(0);
    });

    it('a killed process leaves nothing attached, and the next open succeeds at once', async () => {
      for (let round = 0; round < 3; round++) {
        const killed = child({ driver: 'xdp', ...at(a), ...FEW });
        expect(await firstLine(killed)).toBe('native-copy');
        expect(attached(a)).toBe(1);
        await end(killed);
        expect(attached(a)).toBe(0);
        open(a).close();
      }
    });

    it('a queue has one owner', async () => {
      const nic = open(a);
      expect(() => open(a)).toThrow(code('ERR_EMP_QUEUE_BUSY'));
      const other = child({ driver: 'xdp', ...at(a), ...FEW });
      expect(await firstLine(other)).toMatch(/^ERR_EMP_QUEUE_BUSY .*Queue 0 of .* is in use/);
      await end(other);
      const peer = open(b);
      await talk(nic, peer, 1); // no harm was done
      peer.close();
      nic.close();
    });

    it('that one of this process has it is seen at once, also in another namespace', () => {
      const nic = open(a);
      const start = performance.now();
      expect(() => open(a)).toThrow(code('ERR_EMP_QUEUE_BUSY'));
      expect(performance.now() - start).toBeLessThan(100); // waiting for the kernel would take 300
      nic.close();
    });

    it('an interface of the same number in another namespace is another one', async () => {
      // The child's own namespace is that of a; b's interface has the same index there as a's here.
      const index = (end: TestbedEnd): number => listLinks(end).find(({ name }) => name === end.interface)!.index;
      expect(index(a)).toBe(index(b));
      const source = `
        const { openNic } = await import(${JSON.stringify(BUILT)});
        const home = openNic(${JSON.stringify({ driver: 'xdp', interface: a.interface, ...FEW })});
        for (let i = 0; i < 3; i++) {
          // The kernel gives a queue back some time after close: this one has to wait for it.
          openNic(${JSON.stringify({ driver: 'xdp', ...at(b), ...FEW })}).close();
        }
        home.close();
        console.log('opened');`;
      const inside = ['netns', 'exec', a.namespace, process.execPath, '--input-type=module', '-e', source];
      expect(execFileSync('ip', inside, { encoding: 'utf8' })).toBe('opened\n');
    });

    it('all queues of an interface have one mode and one EtherType', () => {
      const nic = open(a);
      expect(() => open(a, { queue: 1, modes: ['generic-copy'] })).toThrow(/already, in native mode/);
      expect(() => open(a, { queue: 1, etherType: 0x88b6 })).toThrow(/already, for EtherType 0x88b5/);
      expect(() => open(a, { queue: 1, etherType: 0x88b6 })).toThrow(code('ERR_EMP_XDP_BUSY'));
      nic.close();
    });

    it.runIf(existsSync(FLOOR))("another program's XDP program is named and left alone", async () => {
      const foreign = spawn(FLOOR, [
        ...['--role', 'server', '--namespace', a.namespace, '--interface', a.interface],
        ...['--size', '16', '--block'],
      ]);
      await once(foreign.stdout, 'data');
      expect(() => open(a, { queue: 1 })).toThrow(code('ERR_EMP_XDP_BUSY'));
      expect(() => open(a, { queue: 1 })).toThrow(/emp_floor.*ip -n .* xdp off/);
      expect(() => open(a, { queue: 1, modes: ['generic-copy'] })).toThrow(code('ERR_EMP_XDP_BUSY'));
      expect(attached(a)).toBe(1);
      await end(foreign);
      open(a, { queue: 1 }).close();
    });
  });

  describe('what cannot be opened', () => {
    it.each([
      [{ queue: 2 }, 'ERR_EMP_QUEUE_RANGE', /has no queue 2.*It has 2/],
      [{ interface: 'empnone' }, 'ERR_EMP_NO_INTERFACE', /no interface empnone/],
      [{ interface: 'lo' }, 'ERR_EMP_NO_INTERFACE', /not an Ethernet interface/],
      [{ namespace: 'empnone' }, 'ERR_EMP_NO_NAMESPACE', /empnone/],
      [{ mtu: 1501 }, 'ERR_EMP_MTU', /1500/],
      [{ queue: -1 }, 'ERR_EMP_ARGUMENT', /queue is -1/],
      [{ modes: [] }, 'ERR_EMP_ARGUMENT', /modes/],
      [{ require: 'speed' }, 'ERR_EMP_ARGUMENT', /require is speed/],
      [{ hugePages: 'yes' }, 'ERR_EMP_ARGUMENT', /hugePages is yes/],
      [{ busyPoll: {} }, 'ERR_EMP_ARGUMENT', /busyPoll.microseconds/],
      [{ txFrames: 100 }, 'ERR_EMP_ARGUMENT', /power of two/],
      [{ colour: 'red' }, 'ERR_EMP_ARGUMENT', /colour/],
    ])('%j: %s', (options, expected, message) => {
      const bad = options as Partial<XdpOptions>;
      expect(() => open(a, bad)).toThrow(code(expected));
      expect(() => open(a, bad)).toThrow(message);
      expect(attached(a)).toBe(0);
    });

    it('an interface that is down', async () => {
      await using wire = await Testbed.up();
      const end = wire.links[0].a;
      execFileSync('ip', ['-n', end.namespace, 'link', 'set', end.interface, 'down']);
      expect(() => open(end)).toThrow(code('ERR_EMP_INTERFACE_DOWN'));
      expect(() => open(end)).toThrow(/ip -n .* link set .* up/);
    });
  });

  describe('privileges', () => {
    const inside = (...rest: string[]): string[] => ['ip', 'netns', 'exec', a.namespace, ...rest];
    const options = (): XdpOptions => ({ driver: 'xdp', interface: a.interface, ...FEW });

    it('CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF are enough', async () => {
      const process = child(options(), inside(...withCapabilities('net_raw', 'net_admin', 'bpf')));
      expect(await firstLine(process)).toBe('native-copy');
      await end(process);
    });

    it.each([
      ['none', []],
      ['CAP_NET_RAW alone', ['net_raw']],
      ['no CAP_NET_RAW', ['net_admin', 'bpf']],
    ])('%s: an error that names them', async (_what, capabilities) => {
      const process = child(options(), inside(...withCapabilities(...capabilities)));
      expect(await firstLine(process)).toMatch(/^ERR_EMP_PERMISSION .*CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF/);
      await end(process);
    });

    it('too little locked memory: an error that says how much is needed', async () => {
      const limited = ['sh', '-c', 'ulimit -l 64; exec "$@"', 'sh'];
      const prefix = inside(...limited, ...withCapabilities('net_raw', 'net_admin', 'bpf'));
      const process = child(options(), prefix);
      expect(await firstLine(process)).toMatch(/^ERR_EMP_MEMLOCK .* take 393216 bytes .*ulimit -l 384/);
      await end(process);
    });
  });
});

describe('the addon that did not load', () => {
  it.each([
    ['libbpf.so.1: cannot open shared object file: No such file or directory', 'ERR_EMP_LIBRARY_MISSING', /libbpf1/],
    ['libelf.so.1: cannot open shared object file: No such file or directory', 'ERR_EMP_LIBRARY_MISSING', /libbpf1/],
    ['/x/libbpf.so.1: file too short', 'ERR_EMP_LIBRARY_MISSING', /libbpf1/],
    ["/x/libbpf.so.1: version `LIBBPF_2' not found", 'ERR_EMP_ADDON_MISSING', /npm run build/],
    ['/x/emp_xdp.node: invalid ELF header', 'ERR_EMP_ADDON_MISSING', /npm run build/],
    ["Cannot find module '/x/emp_xdp.node'", /MISSING/, /npm run build/],
  ])('%s', (said, expected, remedy) => {
    expect(missing(said)).toMatchObject({
      code: expect.stringMatching(expected),
      remedy: expect.stringMatching(remedy),
    });
  });
});

const hasClang = ['/usr/bin/clang', '/usr/local/bin/clang'].some((path) => existsSync(path));
it.skipIf(!hasClang)('the shipped XDP program is what its source compiles to (needs clang)', () => {
  execFileSync(process.execPath, [`${ROOT}scripts/build-bpf.mjs`, '--check']);
});
