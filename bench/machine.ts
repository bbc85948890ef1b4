// What a reader has to know of the machine to judge a latency: it stands beside every result.
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';

import { ArgumentError } from '../src/index.js';

export interface Machine {
  readonly kernel: string;
  readonly node: string;
  readonly cpu: string;
  /** Processors this process may run on. */
  readonly cores: readonly number[];
  readonly isolated: readonly number[];
  /** 'none', or what the processor says of a hypervisor. */
  readonly virtualization: string;
  /** Idle states that the kernel may use, shallow first; empty: it has no driver for them (a virtual machine, `idle=poll`). */
  readonly cStates: readonly string[];
  /** Frequency governor, or undefined where the kernel does not set the frequency. */
  readonly governor: string | undefined;
}

export function describeMachine(): Machine {
  return {
    kernel: release(),
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: allowedCores(),
    isolated: parseList(read('/sys/devices/system/cpu/isolated')),
    virtualization: virtualization(),
    cStates: cStates(),
    governor: read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'),
  };
}

/** The kernel's notation of a set: `0-3,8` */
export function parseList(text: string | undefined): number[] {
  if (text === undefined || text === '') return [];
  return text.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function allowedCores(): number[] {
  const line = read('/proc/self/status')?.match(/^Cpus_allowed_list:\s*(\S+)/m);
  return line === null || line === undefined ? cpus().map((_, i) => i) : parseList(line[1]);
}

function virtualization(): string {
  if (!/^flags\s*:.*\bhypervisor\b/m.test(read('/proc/cpuinfo') ?? '')) return 'none';
  return read('/sys/hypervisor/type') ?? read('/sys/class/dmi/id/sys_vendor') ?? 'a hypervisor';
}

function cStates(): string[] {
  const folder = '/sys/devices/system/cpu/cpu0/cpuidle';
  let states: string[];
  try {
    states = readdirSync(folder).sort();
  } catch {
    return [];
  }
  return states
    .filter((state) => read(`${folder}/${state}/disable`) !== '1')
    .map((state) => read(`${folder}/${state}/name`) ?? state);
}

/** Physical core of a processor: two threads of one core share what the measurement needs whole. */
function coreOf(cpu: number): string {
  const topology = `/sys/devices/system/cpu/cpu${cpu}/topology`;
  return `${read(`${topology}/physical_package_id`) ?? 0}:${read(`${topology}/core_id`) ?? cpu}`;
}

export interface Cores {
  readonly client: number;
  readonly server: number;
  /** Where everything else runs. */
  readonly others: readonly number[];
}

/** Two processors for the two ends: isolated ones, else the last ones (interrupts prefer the first). Undefined if there are not two. */
export function chooseCores(machine: Machine): Cores | undefined {
  const { cores, isolated } = machine;
  const candidates = isolated.length >= 2 ? isolated : cores;
  const server = candidates.at(-1);
  if (server === undefined) return undefined;
  const apart = candidates.filter((cpu) => cpu !== server && coreOf(cpu) !== coreOf(server));
  const client = apart.at(-1) ?? candidates.at(-2);
  if (client === undefined) return undefined;
  return { client, server, others: cores.filter((cpu) => cpu !== client && cpu !== server) };
}

/** @throws ERR_EMP_ARGUMENT if this process may not run there */
export function givenCores(machine: Machine, [client, server]: readonly [number, number]): Cores {
  const known = [...new Set([...machine.cores, ...machine.isolated])].sort((a, b) => a - b);
  const missing = [client, server].find((core) => !known.includes(core));
  if (missing !== undefined) {
    throw new ArgumentError(`--cores: there is no core ${missing} for this process.`, {
      remedy: `Take two of ${known.join(', ')}.`,
    });
  }
  return { client, server, others: machine.cores.filter((core) => core !== client && core !== server) };
}

export function machineLine({ cpu, cores, kernel, node, virtualization, cStates, governor }: Machine): string {
  return [
    `${cpu}, ${cores.length} core${cores.length === 1 ? '' : 's'}`,
    virtualization === 'none' ? 'not virtual' : `virtual (${virtualization})`,
    `Linux ${kernel}`,
    `Node ${node}`,
    `C-states: ${cStates.length === 0 ? 'not managed' : cStates.join(' ')}`,
    `governor: ${governor ?? 'none'}`,
  ].join(', ');
}
