import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { Stopwatch, type Transport } from './end.js';

export const dgram: Transport = {
  async server(options) {
    const socket = createSocket('udp4');
    // To one client, connected: that saves looking at its address for each answer.
    socket.once('message', (first, { port, address }) => {
      socket.connect(port, address, () => socket.send(first));
      socket.on('message', (message) => socket.send(message));
    });
    socket.bind(options.port, options.address);
  },

  async pingpong(options) {
    const socket = createSocket('udp4');
    socket.connect(options.port, options.address);
    await once(socket, 'connect');
    const message = Buffer.alloc(options.size);
    const watch = new Stopwatch(options);
    await new Promise<void>((resolve) => {
      const ask = (): void => {
        watch.begin();
        socket.send(message);
      };
      socket.on('message', () => (watch.ended() ? ask() : resolve()));
      ask();
    });
    socket.close();
    watch.print();
  },
};
