// https://github.com/zeromq/zeromq.js, where it is installed: below the current folder, beside this package, or in NODE_PATH.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import type { Peer } from './contract.js';
import { nodeContest } from './node.js';

export const zeromq: Peer = {
  name: 'zeromq',
  install: { by: 'npm', packages: ['zeromq'] },
  async find() {
    const module = resolve('zeromq');
    if (module === undefined) return undefined;
    const way = { transport: 'zeromq', over: 'tcp', module } as const;
    const note = 'libzmq, whose thread does the I/O';
    const contests = [
      nodeContest({ ...way, test: 'pingpong', busy: true, sleeps: true, note }),
      nodeContest({ ...way, test: 'pingpong', note }),
      nodeContest({ ...way, test: 'throughput', note: `${note}; 64 messages under way` }),
    ];
    return { version: versionOf(module, 'zeromq'), contests };
  },
};

function resolve(name: string): string | undefined {
  for (const from of [join(process.cwd(), 'index.js'), import.meta.url]) {
    try {
      return createRequire(from).resolve(name);
    } catch {
      // Not from there.
    }
  }
  return undefined;
}

/** Of the package that the file belongs to. */
function versionOf(file: string, name: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const found = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (found.name === name) return found.version ?? 'unknown';
    } catch {
      // Its package.json is further up.
    }
  }
  return 'unknown';
}
