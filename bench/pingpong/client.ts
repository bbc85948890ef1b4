// The client's process.
import { preferLatency } from '../../src/index.js';
import { CollectionWatch } from '../collections.js';
import { Asker } from './asker.js';
import { listen, type AskerCommands } from './commands.js';

preferLatency();

let asker: Asker;
let watch: CollectionWatch;
let spin: boolean;

listen<AskerCommands>({
  async open(options) {
    asker = await Asker.open(options);
    spin = options.wait === 'spin';
    return asker.opened;
  },
  run: (rounds) => asker.run(rounds, spin),
  async watch() {
    watch = new CollectionWatch();
    await watch.start();
  },
  watched: () => watch.stop(),
  async close() {
    await asker.close();
    return asker.losses();
  },
});
