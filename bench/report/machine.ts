// The machine, without which a latency says nothing.
import { escape } from './html.js';
import type { Run } from './run.js';

/** Each testbed has a number of its own, which tells nothing. */
const TESTBED = /\bemp\d+-/g;

export function machineHtml(runs: readonly Run[]): string {
  const found = new Map<string, NonNullable<Run['machine']>>();
  for (const { machine } of runs) if (machine !== undefined) found.set(JSON.stringify(machine), machine);
  const wires = [...new Set(runs.flatMap(({ wire }) => wire?.replace(TESTBED, 'emp-') ?? []))];
  const common: [string, string][] = wires.length === 0 ? [] : [['Wire', wires.join('; ')]];
  const machines = [...found.values()].map((machine) => list([...rows(machine), ...common]));
  return machines.length > 0 ? machines.join('\n') : list([...common, ['Machine', 'not described in the results']]);
}

function rows(machine: NonNullable<Run['machine']>): [string, string][] {
  const { cpu, cores, isolated, virtualization, kernel, node, cStates, governor } = machine;
  const all: [string, string | undefined][] = [
    ['Processor', cpu],
    [
      'Cores',
      cores === undefined ? undefined : `${cores.length}${isolated?.length ? `, isolated ${isolated.join(', ')}` : ''}`,
    ],
    ['Virtual', virtualization === 'none' ? 'no' : virtualization],
    ['Linux', kernel],
    ['Node', node],
    ['C-states', cStates?.length === 0 ? 'not managed' : cStates?.join(', ')],
    ['Governor', governor ?? 'none'],
  ];
  return all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

function list(entries: readonly [string, string][]): string {
  const items = entries.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`);
  return `<dl class="machine">${items.join('')}</dl>`;
}
