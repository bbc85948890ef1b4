// Looks for what a run of the tests may have left on the machine: namespaces, interfaces, XDP programs, files, processes.
//
//   node scripts/leftovers.mjs     lists everything of EMP's on this machine
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Processes that a run started are known by this variable in their environment, even when their parent is gone. */
export const RUN_VARIABLE = 'EMP_TEST_RUN';

const namesIn = (folder) => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const read = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

const namespaces = () =>
  namesIn('/run/netns')
    .filter((name) => name.startsWith('emp'))
    .map((name) => `namespace ${name}`);

const files = () =>
  ['/run/emp/testbed', '/run/emp/tap', '/dev/shm'].flatMap((folder) =>
    namesIn(folder)
      .filter((name) => folder !== '/dev/shm' || name.startsWith('emp'))
      .map((name) => `file ${folder}/${name}`),
  );

/** Interfaces named emp*, and XDP programs on any interface, in the namespace of this process. */
function interfaces() {
  const { stdout } = spawnSync('ip', ['-json', 'link', 'show'], { encoding: 'utf8' });
  if (!stdout) return [];
  return JSON.parse(stdout).flatMap(({ ifname, xdp }) => [
    ...(ifname.startsWith('emp') ? [`interface ${ifname}`] : []),
    ...(xdp ? [`XDP program on ${ifname}`] : []),
  ]);
}

/** Processes of a run, but for the test runner's own. */
function processes(run) {
  if (run === undefined) return [];
  return namesIn('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) => read(`/proc/${pid}/environ`).includes(`${RUN_VARIABLE}=${run}`))
    .map((pid) => ({ pid, command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() }))
    .filter(({ command }) => command !== '' && !/node_modules\/(vitest|esbuild|@esbuild)\b|\(vitest\b/.test(command))
    .map(({ pid, command }) => `process ${pid}: ${command}`);
}

/** A namespace or file that carries the id of a living process belongs to that process, perhaps another run's. */
function inUse(leftover, run) {
  const pid = /(?:emp-?|tap\/)(\d+)/.exec(leftover)?.[1];
  const environment = pid === undefined ? '' : read(`/proc/${pid}/environ`);
  return environment !== '' && (run === undefined || !environment.includes(run));
}

/** Everything of EMP's on this machine, one line each. */
export function findLeftovers(run) {
  return [...namespaces(), ...interfaces(), ...files(), ...processes(run)].filter((line) => !inUse(line, run));
}

/** What is there and was not before. Waits a little: the kernel removes a namespace, and a process, not at once. */
export async function settle(run, before, patience = 3000) {
  const deadline = Date.now() + patience;
  for (;;) {
    const left = findLeftovers(run).filter((line) => !before.includes(line));
    if (left.length === 0 || Date.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export const describeLeftovers = (left) => `The tests left behind:\n${left.map((line) => `  ${line}`).join('\n')}`;

if (import.meta.filename === process.argv[1]) console.log(findLeftovers().join('\n') || 'nothing of EMP is left here');
