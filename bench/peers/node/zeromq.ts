// The package `zeromq`, if there is one: its module is named, so that it need not be a dependency of this project.
import { createRequire } from 'node:module';

import { endsFlood, Stopwatch, timeFlood, type EndOptions, type Transport } from './end.js';

interface Pair {
  bind(address: string): Promise<void>;
  connect(address: string): void;
  send(message: Uint8Array): Promise<void>;
  receive(): Promise<[Uint8Array]>;
  close(): void;
}

/** Messages that it queues: its usual 1000 would be as many MB. */
const UNDER_WAY = 64;

function pair({ module }: EndOptions): Pair {
  const require = createRequire(import.meta.url);
  const { Pair } = require(module!) as { Pair: new (options: object) => Pair };
  return new Pair({ sendHighWaterMark: UNDER_WAY, receiveHighWaterMark: UNDER_WAY });
}

function connected(options: EndOptions): Pair {
  const socket = pair(options);
  socket.connect(`tcp://${options.address}:${options.port}`);
  return socket;
}

export const zeromq: Transport = {
  async server(options) {
    const socket = pair(options);
    await socket.bind(`tcp://${options.address}:${options.port}`);
    const nothing = new Uint8Array(0);
    for (let received = 1; ; received += 1) {
      const [message] = await socket.receive();
      if (options.test === 'pingpong') await socket.send(message);
      else if (endsFlood(options, received)) await socket.send(nothing);
    }
  },

  async pingpong(options) {
    const socket = connected(options);
    const message = new Uint8Array(options.size);
    const watch = new Stopwatch(options);
    do {
      watch.begin();
      await socket.send(message);
      await socket.receive();
    } while (watch.ended());
    socket.close();
    watch.print();
  },

  async throughput(options) {
    const socket = connected(options);
    const message = new Uint8Array(options.size);
    await timeFlood(options, async (messages) => {
      for (let i = 0; i < messages; i += 1) await socket.send(message);
      await socket.receive();
    });
    socket.close();
  },
};
