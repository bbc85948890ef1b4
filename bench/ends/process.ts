// The process of one end; with the memory driver, of both, polled in turn.
import { preferLatency } from '../../src/index.js';
import { listen } from '../pingpong/commands.js';
import { Client } from './client.js';
import type { EndCommands } from './commands.js';
import { cpuTime } from './cpuTime.js';
import { Server } from './server.js';

preferLatency();

let server: Server | undefined;
let client: Client | undefined;
let spin = true;
/** The ends before these: if nothing of a class is alive, V8 forgets what its instances look like (see `src/host/shapes.ts`). */
const kept: unknown[] = [];

listen<EndCommands>({
  async serve(options) {
    server = await Server.open(options);
    return server.opened;
  },
  async ask(options) {
    // An open loop has a schedule to keep: its client does not sleep.
    spin = options.wait === 'spin' || options.task.kind === 'load';
    client = await Client.open({ ...options, wait: spin ? 'spin' : options.wait });
    return client.opened;
  },
  run: (limit) => client!.run(limit, spin, server?.host),
  spin: () => {
    void server?.service.spin();
    return Promise.resolve();
  },
  cpu: () => Promise.resolve(server?.service.cpu() ?? cpuTime()),
  cpuThere: () => client!.cpuThere(),
  async close() {
    await client?.close();
    await server?.close();
    kept.splice(0, kept.length, client, server);
    client = server = undefined;
  },
});
