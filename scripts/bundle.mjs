// Joins the TypeScript's modules into those of dist, by rolldown. V8 makes a constant of another module a load and a check each time it is
// used, a constant of the same module a part of the instruction; so what runs for every frame lies in one module. That takes an
// eighth off the time a message costs. (Types are checked, and declarations made, by tsc.)
//
//   node scripts/bundle.mjs FOLDER     FOLDER: what will be dist
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { rolldown } from 'rolldown';

import { ROOT } from './setup/project.mjs';

/** Modules that are run, or imported, from outside. */
const DOORS = [
  'src/index',
  'src/cli/emp',
  'src/nic/open',
  'src/sim/index',
  'src/testbed/record',
  'src/testbed/testbed',
  'bench/peers/node/main',
  'bench/pingpong/client',
  'bench/pingpong/pair',
  'bench/pingpong/server',
  'bench/ends/process',
  'bench/failover/process',
  'bench/soak/main',
  'bench/fuzz/fuzzer',
  'bench/fuzz/main',
  'bench/fuzz/worker',
  'bench/swarm/main',
];

async function bundle(folder) {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const project = await rolldown({
    cwd: ROOT,
    input: Object.fromEntries(DOORS.map((door) => [door, `${door}.ts`])),
    platform: 'node',
    external: [/^node:/, ...Object.keys(dependencies)],
    resolve: { extensionAlias: { '.js': ['.ts'] } },
    transform: { target: 'es2022' },
  });
  const { output } = await project.generate({
    dir: join(ROOT, 'dist'), // from where source maps point to the sources, which they have in them, too
    format: 'esm',
    sourcemap: true,
    chunkFileNames: 'src/parts/[name].js',
    codeSplitting: { groups: [{ name: 'emp', test: /\/src\/(nic|wire|arq|fault|channel|path|host|errors|index)\b/ }] },
  });
  for (const { fileName, code, source } of output) {
    const file = join(folder, fileName);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code ?? source);
  }
  await project.close();
}

await bundle(process.argv[2]);
