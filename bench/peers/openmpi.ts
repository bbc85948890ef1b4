// https://www.open-mpi.org: MPI has no measurement of its own, so a small program (openmpi.c) is compiled against what is installed.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { packageRoot } from '../../src/nic/native.js';
import { lineOfJson, type Bout, type Contest, type Figures, type Peer, type Test, type Words } from './contract.js';
import { onPath, versionOf } from './find.js';

const run = promisify(execFile);

export const openmpi: Peer = {
  name: 'OpenMPI',
  install: { by: 'apt', packages: ['openmpi-bin', 'libopenmpi-dev', 'gcc'] },
  async find() {
    const mpirun = onPath('mpirun');
    const mpicc = onPath('mpicc');
    if (mpirun === undefined || mpicc === undefined) return undefined;
    const version = await versionOf([mpirun, '--version'], /\(Open MPI\) ([\d.]+)/);
    if (version === 'unknown') return undefined; // another MPI
    return { version, contests: [contest(mpirun, mpicc, 'pingpong'), contest(mpirun, mpicc, 'throughput')] };
  },
};

function contest(mpirun: string, mpicc: string, test: Test): Contest {
  return {
    test,
    transport: 'mpi tcp',
    note: `C, MPI over btl/tcp, spins${test === 'throughput' ? '; 64 messages under way' : ''}`,
    pinsItself: true,
    env: { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
    async prepare({ folder, server }, signal) {
      const source = join(packageRoot(), 'bench', 'peers', 'openmpi.c');
      if (!existsSync(program(folder))) await run(mpicc, ['-O2', '-o', program(folder), source], { signal });
      if (server.namespace !== undefined)
        await writeFile(agent(folder), agentScript(server.namespace), { mode: 0o755 });
    },
    client: (bout) => [...mpirunWords(mpirun, bout), ...ourWords(bout)],
    parse: parseOpenmpi,
  };
}

const program = (folder: string): string => join(folder, 'openmpi');
const agent = (folder: string): string => join(folder, 'agent');

function ourWords({ folder, test, size, count, warmup, client, server }: Bout): Words {
  return [program(folder), test, ...[size, count, warmup, client.core ?? -1, server.core ?? -1].map(String)];
}

/**
 * TCP alone, over the wire under test alone; MPI's usual choice between two processes of a machine is shared memory. It starts the second end
 * by what it takes for a remote shell: an agent that enters the other namespace.
 */
function mpirunWords(mpirun: string, { client, server, folder }: Bout): Words {
  const apart = server.namespace !== undefined;
  const hosts = apart ? `localhost:1,${server.address}:1` : 'localhost:2';
  const settings: Record<string, string> = {
    pml: 'ob1',
    btl: 'tcp,self',
    btl_tcp_if_include: client.interface,
    ...(apart ? { oob_tcp_if_include: client.interface, plm: 'rsh', plm_rsh_agent: agent(folder) } : {}),
  };
  const given = Object.entries(settings).flatMap(([name, value]) => ['--mca', name, value]);
  return [mpirun, '--host', hosts, '-np', '2', '--bind-to', 'none', ...given];
}

/** Called like a remote shell: `agent HOST COMMAND`. Two daemons of one host name would be taken for one. */
export function agentScript(namespace: string): string {
  return `#!/bin/sh\nshift\nexec ip netns exec ${namespace} unshare --uts sh -c "hostname ${namespace}; $*"\n`;
}

export function parseOpenmpi(output: string, { test }: Bout): Figures {
  const figures = lineOfJson(output);
  return test === 'pingpong' ? { rtt_us: figures } : figures;
}
