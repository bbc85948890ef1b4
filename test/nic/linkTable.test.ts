/** What the table does when the kernel fails it: over a monitor that fails to order. */
import { setTimeout as sleep } from 'node:timers/promises';

import { beforeEach, expect, it, vi } from 'vitest';

import type { LinkEvent } from '../../src/nic/linkState.js';
import { LinkTable } from '../../src/nic/linkTable.js';
import type { RawLink } from '../../src/nic/native.js';

const kernel = {
  links: [] as RawLink[],
  /** Dumps that fail before one succeeds. */
  failures: 0,
  dumps: 0,
  events: [] as (RawLink[] | null)[],
  ready: (): void => {},
  closed: false,
};

vi.mock('../../src/nic/native.js', async (original) => ({
  ...(await original<object>()),
  core: () => ({
    LinkMonitor: class {
      readonly fd = 0;
      dump(): RawLink[] {
        kernel.dumps++;
        if (kernel.failures-- > 0) throw Object.assign(new Error('no memory'), { code: 'ENOBUFS' });
        return kernel.links;
      }
      read(): RawLink[] | null {
        return kernel.events.length > 0 ? kernel.events.shift()! : [];
      }
      close(): void {
        kernel.closed = true;
      }
    },
    Poller: class {
      start(callback: () => void): void {
        kernel.ready = callback;
      }
      stop(): void {}
      close(): void {
        kernel.ready = () => {};
      }
    },
  }),
}));

const IFF_UP = 1;
const IFF_LOWER_UP = 1 << 16;
const link = (index: number, mtu = 1500): RawLink => ({
  ...{ index, removed: false, hardwareType: 1, flags: IFF_UP | IFF_LOWER_UP, name: `emp${index}` },
  ...{ address: '02:00:00:00:00:01', kind: 'veth', mtu, operstate: 6, txQueues: 1, rxQueues: 1 },
  ...{ xdpNative: 0, xdpGeneric: 0, xdpOffload: 0 },
});

let seen: string[];
let table: LinkTable;
beforeEach(() => {
  Object.assign(kernel, { links: [link(1)], failures: 0, dumps: 0, events: [], closed: false });
  seen = [];
  table = new LinkTable(undefined, true, ({ type, link: { name } }: LinkEvent) => seen.push(`${type} ${name}`));
  return () => table.close();
});

/** The kernel drops events, during which link 1 went and link 2 came. */
function lose(failures: number): void {
  kernel.links = [link(2)];
  kernel.failures = failures;
  kernel.events = [null];
  kernel.ready();
}

const TRUTH = ['removed emp1', 'added emp2'];

it('lost events are made good by a list', () => {
  lose(0);
  expect(seen.filter((event) => TRUTH.includes(event))).toEqual(TRUTH);
});

it('a list that fails is asked for again soon', async () => {
  lose(2);
  expect(seen).toEqual([]);
  await expect.poll(() => seen.filter((event) => TRUTH.includes(event)), { interval: 10 }).toEqual(TRUTH);
  expect(kernel.dumps).toBe(1 + 3);
  await sleep(150);
  expect(kernel.dumps).toBe(1 + 3); // and then no more
});

it('a list that fails is asked for again at the next event', () => {
  lose(1);
  kernel.events = [[link(2, 2000)]];
  kernel.ready();
  expect(seen.filter((event) => TRUTH.includes(event))).toEqual(TRUTH);
  expect(table.get(2)).toBeDefined();
  expect(table.get(1)).toBeUndefined();
});

it('close ends the attempts', async () => {
  lose(1000);
  table.close();
  await sleep(250);
  expect(kernel.closed).toBe(true);
  expect(kernel.dumps).toBe(2);
});
