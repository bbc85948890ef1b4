/** Reads the counters of hosts in other processes. What is in a file is somebody else's, who may even mean harm: it is checked, not trusted. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

import { bucketsOf, type TimeBucket } from '../../arq/histogram.js';
import { printable, runsAs, statFiles, type StatFile } from './files.js';
import { ADDRESS_AT, BLOCKS_AT, COUNTERS_AT, Head, LAYOUT, MAGIC, RecordWord, TEXT_AT } from './layout.js';
import type { BlockName, Description, NicFacts } from './layout.js';

/** Numbers by name: those that the host has, which may be of another version. */
export type Counters = Readonly<Record<string, number>>;

/** What a host had counted at a moment. */
export interface HostSnapshot {
  readonly pid: number;
  /** Counts the hosts of the process, from 1. */
  readonly host: number;
  /** When the host was opened, ms since 1970. */
  readonly opened: number;
  readonly wait: string;
  readonly nic: NicFacts;
  readonly counters: {
    readonly nic: Counters;
    readonly host: Counters;
    readonly rejected: Counters;
    readonly loop: Counters;
    readonly paths: Counters;
    readonly total: Counters;
    readonly turnLengths: readonly TimeBucket[];
    readonly roundTrips: readonly TimeBucket[];
    readonly channels: number;
  };
  readonly channels: readonly ChannelSnapshot[];
}

export interface ChannelSnapshot {
  /** As in the frames that it sends. */
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly counters: Counters;
}

/** A file is not read to an end that its writer does not mean. */
const LONGEST = 16 << 20;
/** Channels come and go: so often another look is taken. Then a stopped or killed writer is the reason. */
const LOOKS = 20;

/** All hosts that this user may see, and those of others. */
export function readHosts(): { hosts: HostSnapshot[]; hidden: StatFile[] } {
  const hosts: HostSnapshot[] = [];
  const hidden: StatFile[] = [];
  for (const file of statFiles()) {
    const snapshot = readHost(file);
    if (snapshot === 'hidden') hidden.push(file);
    else if (snapshot !== undefined) hosts.push(snapshot);
  }
  return { hosts, hidden };
}

/** Undefined if it is no more, or not a file of ours. */
export function readHost(file: StatFile): HostSnapshot | 'hidden' | undefined {
  let fd;
  try {
    fd = openSync(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'hidden' : undefined;
  }
  try {
    const { uid } = fstatSync(fd);
    // Anybody may make a file with any name: one that is not ours has to be its process's own.
    if (uid !== process.geteuid?.() && !runsAs(file.pid, uid)) return undefined;
    return parse(file, readWhole(fd));
  } catch {
    return undefined; // not what it seems
  } finally {
    closeSync(fd);
  }
}

function readWhole(fd: number): ArrayBuffer {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new Error('not a file');
  const memory = new ArrayBuffer(Math.min(stat.size, LONGEST));
  const bytes = new Uint8Array(memory);
  const again = new Int32Array(TEXT_AT / 4);
  const head = new Int32Array(memory, 0, TEXT_AT / 4);
  for (let look = 0; look < LOOKS; look++) {
    readSync(fd, bytes, 0, bytes.length, 0);
    readSync(fd, again, 0, again.byteLength, 0);
    if (head[Head.sequence] === again[Head.sequence] && head[Head.sequence] % 2 === 0) break;
  }
  return memory;
}

function parse({ pid, number }: StatFile, memory: ArrayBuffer): HostSnapshot | undefined {
  const head = new Int32Array(memory, 0, TEXT_AT / 4);
  if (head[Head.magic] !== MAGIC || head[Head.layout] !== LAYOUT) return undefined;
  if (head[Head.textLength] > BLOCKS_AT - TEXT_AT) return undefined;
  const text = Buffer.from(memory, TEXT_AT, head[Head.textLength]).toString();
  const { opened, wait, nic, blocks, channels: table } = JSON.parse(text) as Description;
  // A host of another version may not have it.
  const numbers = (name: BlockName): Float64Array => doubles(memory, blocks[name]?.at ?? 0, blocks[name]?.length ?? 0);
  const block = (name: BlockName): Counters => byName(blocks[name]?.names ?? [], numbers(name));
  const channels = [...readChannels(memory, table)];
  return {
    ...{ pid, host: number, opened: Number(opened), wait: printable(wait), nic: factsOf(nic) },
    counters: {
      ...{ nic: block('nic'), host: block('host'), rejected: block('rejected'), loop: block('loop') },
      paths: block('paths'),
      total: sumOf([block('ended'), ...channels.map(({ counters }) => counters)]),
      turnLengths: bucketsOf(numbers('turnLengths')),
      roundTrips: bucketsOf(numbers('roundTrips')),
      channels: channels.length,
    },
    channels,
  };
}

function* readChannels(memory: ArrayBuffer, table: Description['channels']): Generator<ChannelSnapshot> {
  const { at: first, stride, names } = table;
  if (!(stride >= COUNTERS_AT + names.length * 8)) throw new RangeError('records overlap');
  for (let at = first; at + stride <= memory.byteLength; at += stride) {
    const words = new Uint32Array(memory, at, 3);
    if (words[RecordWord.id] === 0) continue;
    const length = Math.min(words[RecordWord.addressLength], COUNTERS_AT - ADDRESS_AT);
    const address = printable(Buffer.from(memory, at + ADDRESS_AT, length).toString());
    const counters = byName(names, doubles(memory, at + COUNTERS_AT, names.length));
    yield { id: words[RecordWord.id], port: words[RecordWord.port], address, counters };
  }
}

/** Throws if they are not within the memory. */
function doubles(memory: ArrayBuffer, at: number, length: number): Float64Array {
  return new Float64Array(memory, at, length);
}

function byName(names: readonly string[], values: Float64Array): Counters {
  return Object.fromEntries(names.map((name, i) => [printable(name), values[i]]));
}

/** Of channels; the shortest and the longest time are no sums. */
function sumOf(all: readonly Counters[]): Counters {
  const combine = (name: string): number => {
    const values = all.map((counters) => counters[name] ?? 0);
    if (name.endsWith('Max')) return Math.max(...values);
    if (name.endsWith('Min')) {
      const measured = values.filter((value) => value > 0);
      return measured.length === 0 ? 0 : Math.min(...measured);
    }
    return values.reduce((sum, value) => sum + value, 0);
  };
  return Object.fromEntries(Object.keys(all[0]).map((name) => [name, combine(name)]));
}

function factsOf({ driver, mode, address, interface: name, namespace, queue }: NicFacts): NicFacts {
  return {
    ...{ driver: printable(driver) as NicFacts['driver'], mode: printable(mode), address: printable(address) },
    interface: name === null ? null : printable(name),
    namespace: namespace === null ? null : printable(namespace),
    queue: queue === null ? null : Number(queue),
  };
}
