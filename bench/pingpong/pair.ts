// Both ends in one process, for the memory driver: two hosts, polled in turn when they spin.
import { CollectionWatch } from '../collections.js';
import { Answerer } from './answerer.js';
import { Asker } from './asker.js';
import { listen, type AskerCommands } from './commands.js';
import { addLosses } from './tally.js';

let asker: Asker;
let answerer: Answerer;
let watch: CollectionWatch;
let spin: boolean;
let rounds: number;

listen<AskerCommands>({
  async open(options) {
    rounds = options.rounds;
    spin = options.wait === 'spin';
    answerer = await Answerer.open({ ...options, nic: { driver: 'memory', name: 'server' } });
    asker = await Asker.open({ ...options, nic: { driver: 'memory', name: 'client' }, address: answerer.host.address });
    return asker.opened;
  },
  run: (count) => asker.run(count, spin, answerer.host),
  async watch() {
    watch = new CollectionWatch();
    await watch.start();
  },
  watched: () => watch.stop(),
  async close() {
    await asker.close();
    await answerer.close();
    return addLosses(asker.losses(), answerer.losses(rounds));
  },
});
