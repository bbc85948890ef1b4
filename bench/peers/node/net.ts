import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

import { endsFlood, Stopwatch, timeFlood, type EndOptions, type Transport } from './end.js';

/** Calls `done` each time another `size` bytes are there. */
function eachMessage(socket: Socket, size: number, done: () => void): void {
  let missing = size;
  socket.on('data', ({ length }) => {
    for (missing -= length; missing <= 0; missing += size) done();
  });
}

async function connected({ address, port }: EndOptions): Promise<Socket> {
  const socket = connect({ host: address, port, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

export const net: Transport = {
  async server(options) {
    const { test, size, address, port } = options;
    const answer = Buffer.alloc(test === 'pingpong' ? size : 1);
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => undefined); // the client is gone
      let received = 0;
      eachMessage(socket, size, () => {
        received += 1;
        if (test === 'pingpong' || endsFlood(options, received)) socket.write(answer);
      });
    });
    server.listen(port, address);
  },

  async pingpong(options) {
    const socket = await connected(options);
    const message = Buffer.alloc(options.size);
    const watch = new Stopwatch(options);
    await new Promise<void>((resolve) => {
      const ask = (): void => {
        watch.begin();
        socket.write(message);
      };
      eachMessage(socket, options.size, () => (watch.ended() ? ask() : resolve()));
      ask();
    });
    socket.destroy();
    watch.print();
  },

  async throughput(options) {
    const socket = await connected(options);
    const message = Buffer.alloc(options.size);
    await timeFlood(options, async (messages) => {
      const answered = once(socket, 'data');
      for (let i = 0; i < messages; i += 1) if (!socket.write(message)) await once(socket, 'drain');
      await answered;
    });
    socket.destroy();
  },
};
