// Ping-pong between two hosts: how long does a message take there and back?
import { Host } from 'ethernet-message-passing';

import { commandLine, hostOptions, onStop, run, usageError, wholeNumber } from './common.mjs';

const PORT = 1;
const HELP = `Ping-pong between two hosts.

  node examples/ping-pong.mjs server
  node examples/ping-pong.mjs client 127.0.0.1:34997

  -r, --rounds N         round trips to measure (default 10000)
  -s, --size N           bytes of a message (default 16)`;

async function serve(options) {
  const host = await Host.open(hostOptions(options));
  onStop(() => void host.close());
  console.log(`listening at ${host.address}`);
  host.listen(PORT, {
    onChannel: (channel) => {
      console.log(`${channel.address} connected`);
      // The echo is written straight into a frame to send: no copy in between, nothing allocated.
      channel.onMessage = (bytes, offset, length) => {
        const to = channel.reserve(length);
        if (to < 0) return channel.abort(); // more balls under way than there is room for: the client hears of it
        channel.bytes.copyWithin(to, offset, offset + length);
        channel.commit(length);
      };
      channel.onClose = ({ reason }) => console.log(`${channel.address} ${reason}`);
    },
  });
  // The host keeps the process alive until it is closed, by Ctrl-C or because it failed.
  const { error } = await host.closed;
  if (error !== undefined) throw error;
}

async function play(address, options) {
  const rounds = wholeNumber(options, 'rounds', 1);
  const size = wholeNumber(options, 'size', 0);
  const host = await Host.open(hostOptions(options, address));
  onStop(() => void host.close({ force: true }));
  try {
    const channel = await host.connect(address, PORT);
    if (size > channel.maxFrameMessage) throw usageError(`--size is at most ${channel.maxFrameMessage} here.`);
    const ping = new Uint8Array(size);
    const times = new Float64Array(rounds);
    let round = 0;
    let start = performance.now();
    const done = new Promise((resolve, reject) => {
      const serveBall = () => channel.send(ping) || reject(new Error('There is no room for one message.'));
      channel.onMessage = () => {
        const now = performance.now();
        times[round++] = (now - start) * 1000;
        if (round === rounds) return resolve();
        start = now;
        serveBall();
      };
      serveBall();
    });
    const over = channel.closed.then(({ error }) => {
      if (error !== undefined) throw error;
    });
    await Promise.race([done, over]);
    await channel.close();
    times.sort();
    const at = (quantile) => times[Math.floor((rounds - 1) * quantile)].toFixed(1);
    console.log(
      `${rounds} round trips of ${size} bytes over ${host.info.driver} (${host.info.mode}), waiting by ${options.wait}`,
    );
    console.log(`p50 ${at(0.5)} us, p90 ${at(0.9)} us, p99 ${at(0.99)} us, max ${at(1)} us`);
  } finally {
    await host.close();
  }
}

await run(async () => {
  const { values, positionals } = commandLine(HELP, {
    rounds: { type: 'string', short: 'r', default: '10000' },
    size: { type: 'string', short: 's', default: '16' },
  });
  const [role, address] = positionals;
  if (role === 'server') await serve(values);
  else if (role === 'client' && address !== undefined) await play(address, values);
  else throw usageError("Say 'server', or 'client' and the server's address.");
});
