// The process of one end of `emp bench failover`.
import { Host, preferLatency } from '../../src/index.js';
import { listen } from '../pingpong/commands.js';
import type { FailoverCommands, OpenEnd } from './commands.js';
import { Flood } from './flood.js';
import { Watch } from './watch.js';

preferLatency();

let host: Host | undefined;
let flood: Flood | undefined;
let watch: Watch | undefined;

async function open({ nics, policy, wait, port, size, address }: OpenEnd): Promise<string> {
  host = await Host.open({ nic: nics, paths: { policy }, wait });
  if (address === undefined) host.listen(port, { onChannel: (channel) => (watch = new Watch(channel)) });
  else flood = new Flood(await host.connect(address, port), size);
  return host.address;
}

listen<FailoverCommands>({
  open,
  active: () => Promise.resolve(host!.paths.find(({ active }) => active)?.interface ?? ''),
  seen: () => Promise.resolve(watch!.look()),
  finish: () => flood!.end(),
  close: async () => host?.close(),
});
