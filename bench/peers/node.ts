// What Node itself sends messages with.
import { join } from 'node:path';

import { packageRoot } from '../../src/nic/native.js';
import {
  lineOfJson,
  type Bout,
  type Contest,
  type Figures,
  type Peer,
  type Place,
  type Test,
  type Words,
} from './contract.js';
import type { EndOptions } from './node/end.js';

const MAX_DATAGRAM = 65507;
const version = process.versions.node;

export const nodeDgram: Peer = {
  name: 'Node dgram',
  install: undefined,
  async find() {
    const refuses = (size: number): string | undefined =>
      size > MAX_DATAGRAM ? `its datagrams have at most ${MAX_DATAGRAM} bytes` : undefined;
    const way = { transport: 'dgram', over: 'udp', test: 'pingpong' } as const;
    const contests = [nodeContest({ ...way, busy: true }), nodeContest(way)];
    return { version, contests: contests.map((contest) => ({ ...contest, refuses })) };
  },
};

export const nodeNet: Peer = {
  name: 'Node net',
  install: undefined,
  async find() {
    const refuses = (size: number): string | undefined =>
      size === 0 ? 'a stream has no messages of 0 bytes' : undefined;
    const way = { transport: 'net', over: 'tcp' } as const;
    const contests = [
      nodeContest({ ...way, test: 'pingpong', busy: true }),
      nodeContest({ ...way, test: 'pingpong' }),
      nodeContest({ ...way, test: 'throughput' }),
    ];
    return { version, contests: contests.map((contest) => ({ ...contest, refuses })) };
  },
};

/** One way to send messages between two Node processes (node/main.ts). */
export interface NodeWay {
  /** Of node/main.ts. */
  transport: string;
  over: 'udp' | 'tcp';
  test: Test;
  /** The event loop is kept from sleeping. */
  busy?: boolean;
  /** File of the package, if it is of one. */
  module?: string;
  note?: string;
  /** Though the event loop is busy, something else sleeps. */
  sleeps?: boolean;
}

export function nodeContest(way: NodeWay): Contest {
  const { transport, over, test, busy = false, module, note, sleeps = !busy } = way;
  const words = (role: string, { port, size, count, warmup, server }: Bout, { core }: Place): Words => {
    const options: EndOptions = {
      ...{ test, address: server.address, port, size, count, warmup, busy },
      ...(core === undefined ? {} : { core }),
      ...(module === undefined ? {} : { module }),
    };
    const main = join(packageRoot(), 'dist', 'bench', 'peers', 'node', 'main.js');
    return [process.execPath, main, transport, role, JSON.stringify(options)];
  };
  const loop = busy ? 'an event loop that never sleeps (setImmediate)' : 'an event loop that sleeps';
  return {
    test,
    transport: busy ? `${over}, busy loop` : over,
    note: ['JavaScript', loop, note].filter((part) => part !== undefined).join(', '),
    sleeps,
    pinsItself: true,
    listens: over,
    server: (bout) => words('server', bout, bout.server),
    client: (bout) => words('client', bout, bout.client),
    parse: parseNode,
  };
}

export function parseNode(output: string): Figures {
  return lineOfJson(output);
}
