// The server's process.
import { preferLatency } from '../../src/index.js';
import { CollectionWatch } from '../collections.js';
import { Answerer } from './answerer.js';
import { listen, type AnswererCommands } from './commands.js';

preferLatency();

let answerer: Answerer;
let watch: CollectionWatch;

listen<AnswererCommands>({
  async open(options) {
    answerer = await Answerer.open(options);
    if (options.wait === 'spin') void answerer.spin();
    return answerer.opened;
  },
  async watch() {
    watch = new CollectionWatch();
    await watch.start();
  },
  watched: () => watch.stop(),
  async close(rounds) {
    await answerer.close();
    return answerer.losses(rounds);
  },
});
