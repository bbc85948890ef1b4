// A chat between two terminals: each line is a message. Ctrl-D ends your side; the other may still finish.
import { createInterface } from 'node:readline';

import { Host } from 'ethernet-message-passing';

import { commandLine, hostOptions, onStop, run, usageError } from './common.mjs';

const PORT = 2;
const NAME = 1;
const LINE = 2;
const HELP = `A chat between two machines, or two namespaces of one.

  node examples/chat.mjs listen
  node examples/chat.mjs connect 127.0.0.1:34997

  --name NAME            how you are called (default: your user's name)`;

async function talk(channel, name) {
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: '' });
  // From now on: an input that has ended already says so before anybody would listen.
  const typed = lines[Symbol.asyncIterator]();
  let peer = channel.address;
  const say = (text) => console.log(text);
  const listening = (async () => {
    for await (const { data, type } of channel) {
      const text = Buffer.from(data).toString();
      if (type === NAME) say(`* ${(peer = text)} is here`);
      else say(`${peer}: ${text}`);
    }
    say(`* ${peer} says no more${channel.writable ? '; Ctrl-D ends the chat' : ''}`);
  })();
  const typing = (async () => {
    await channel.write(Buffer.from(name), NAME);
    for await (const line of typed) await channel.write(Buffer.from(line), LINE);
    await channel.end();
  })();
  // Whatever ends the channel ends the terminal's side too.
  void channel.closed.then(() => lines.close());
  const [heard, said] = await Promise.allSettled([listening, typing]);
  const { error } = await channel.closed;
  if (error !== undefined) throw error;
  for (const { reason } of [heard, said]) if (reason !== undefined && reason.code !== 'ERR_EMP_CLOSED') throw reason;
}

async function accept(host) {
  console.log(`listening at ${host.address}`);
  for await (const channel of host.listen(PORT, { allowHalfOpen: true, backlog: 1 })) return channel;
  return undefined; // stopped before anybody came
}

await run(async () => {
  const { values, positionals } = commandLine(HELP, {
    name: { type: 'string', default: process.env.USER ?? 'anonymous' },
  });
  const [role, address] = positionals;
  if (role !== 'listen' && !(role === 'connect' && address !== undefined)) {
    throw usageError("Say 'listen', or 'connect' and the other's address.");
  }
  const host = await Host.open(hostOptions(values, role === 'listen' ? undefined : address));
  onStop(() => void host.close());
  try {
    const channel = role === 'listen' ? await accept(host) : await host.connect(address, PORT, { allowHalfOpen: true });
    if (channel !== undefined) await talk(channel, values.name);
  } finally {
    await host.close();
  }
});
