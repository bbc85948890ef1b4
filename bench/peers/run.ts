// The tournament: everybody does the same on the same wire and cores, in turns.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

import { EmpError, type DriverName, type NicOptions } from '../../src/index.js';
import { listenToMachine, noiseOf } from '../noise.js';
import { Stage, type StageOptions } from '../stage.js';
import { contendersOf, type Contender } from './contender.js';
import type { Bout, Peer, Place, Test } from './contract.js';
import { empContenders } from './emp.js';
import { Entrant } from './entrant.js';
import { withFolder } from './folder.js';
import { PEERS } from './list.js';
import { ranked, type PeerRow, type PeersResult } from './result.js';

export interface PeersOptions extends Omit<StageOptions, 'wireless'> {
  /** Of messages in ping-pong; empty: none. */
  sizes: readonly number[];
  /** Of messages in throughput; empty: none. */
  buffers: readonly number[];
  /** Of a slice, for those that count round trips. */
  rounds: number;
  warmup: number;
  /** Of a slice, for those that keep time; the amount of a throughput test follows from it, too. */
  seconds: number;
  /** How often everybody has a turn. */
  slices: number;
  /** Seconds after which a turn has failed. */
  limit: number;
  /** Of emp. */
  drivers: readonly DriverName[];
  /** Names of peers; undefined: all. */
  only?: readonly string[];
  signal?: AbortSignal;
  onProgress?: (progress: { what: string; done: number; total: number }) => void;
  /** Called with what there is after each size. */
  onResult?: (result: PeersResult) => void;
}

/** How long: the default takes some minutes, the quick form one. */
export const LENGTHS = {
  full: { sizes: [16, 1024], buffers: [1e6], rounds: 50_000, warmup: 10_000, seconds: 1, slices: 3, limit: 10 },
  quick: { sizes: [16], buffers: [1e6], rounds: 20_000, warmup: 4000, seconds: 1, slices: 2, limit: 10 },
} as const;

/** So many bytes are sent for each second of a throughput test, by those that count: what a fast one sends in that time. */
const BYTES_PER_SECOND = 2e9;
const WARMUP_SHARE = 0.1;
/** Of the round trips, for those that sleep. */
const SLEEPERS_SHARE = 0.1;

export const PEER_NAMES: readonly string[] = PEERS.map(({ name }) => name);

export async function runPeers(options: PeersOptions): Promise<PeersResult> {
  const { found, missing } = await look(PEERS.filter(({ name }) => options.only?.includes(name) ?? true));
  await using stage = await Stage.open({ ...options, wireless: false });
  const noise = noiseOf(await listenToMachine(), 0);
  const contenders = [...empContenders(stage, options.drivers), ...found];
  const { rounds, warmup, seconds, slices } = options;
  const { cores, machine } = stage;
  const result: PeersResult = {
    ...{ test: 'peers', rows: [], missing, rounds, warmup, seconds, slices, noise, machine },
    wire: stage.setup('udp').wire,
    cores: cores === undefined ? null : { client: cores.client, server: cores.server },
  };
  await withFolder(async (folder) => {
    const venue = { folder, ...placesOf(stage) };
    for (const event of eventsOf(options)) {
      result.rows.push(...(await compete(contenders, event, options, venue)));
      options.onResult?.(result);
    }
  });
  return result;
}

async function look(peers: readonly Peer[]): Promise<{ found: Contender[]; missing: PeersResult['missing'] }> {
  const looked = await Promise.all(peers.map(async (peer) => ({ peer, found: await peer.find() })));
  return {
    found: looked.flatMap(({ peer, found }) => (found === undefined ? [] : contendersOf(peer, found))),
    missing: looked.flatMap(({ peer: { name, install }, found }) =>
      found === undefined && install !== undefined
        ? [{ peer: name, install: `${install.by} install ${install.packages.join(' ')}` }]
        : [],
    ),
  };
}

// ---- where ----

/** Where our own ends are; without root, on loopback. */
function placesOf(stage: Stage): { client: Place; server: Place } {
  const { client, server } = stage.setup('udp');
  const apart = 'namespace' in client;
  const ethernet = apart ? stage.setup('packet') : undefined;
  return {
    client: place(client, ethernet?.client, stage.cores?.client),
    server: place(server, ethernet?.server, stage.cores?.server),
  };
}

function place(udp: NicOptions, ethernet: NicOptions | undefined, core: number | undefined): Place {
  if (udp.driver !== 'udp' || (ethernet !== undefined && ethernet.driver !== 'packet'))
    throw new TypeError('a setup of another driver');
  return { address: udp.address!, namespace: udp.namespace, interface: ethernet?.interface ?? 'lo', core };
}

/** Free here; in namespaces of our own every port is. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

// ---- the turns ----

interface Venue {
  folder: string;
  client: Place;
  server: Place;
}

/** A test with one size, in which everybody competes. */
interface Event {
  test: Test;
  size: number;
}

function eventsOf({ sizes, buffers }: PeersOptions): Event[] {
  return [
    ...sizes.map((size): Event => ({ test: 'pingpong', size })),
    ...buffers.map((size): Event => ({ test: 'throughput', size })),
  ];
}

async function compete(
  contenders: readonly Contender[],
  { test, size }: Event,
  options: PeersOptions,
  venue: Venue,
): Promise<PeerRow[]> {
  const { slices, signal } = options;
  const entrants = contenders.filter((one) => one.test === test).map((one) => new Entrant(one, size, options.limit));
  for (let slice = 0; slice < slices; slice += 1) {
    // A-B-C, C-B-A, A-B-C, ...: nobody always follows the same other.
    const order = slice % 2 === 0 ? entrants : entrants.toReversed();
    for (const [i, entrant] of order.entries()) {
      const what = `${entrant.contender.peer} ${entrant.contender.transport} ${size} B`;
      options.onProgress?.({ what, done: slice * order.length + i, total: slices * order.length });
      await entrant.play(await boutOf(entrant.contender, size, slice, options, venue), signal);
      if (signal?.aborted === true) throw interrupted(signal);
    }
  }
  return ranked(entrants.map((entrant) => entrant.row));
}

async function boutOf(
  { test, sleeps }: Contender,
  size: number,
  slice: number,
  options: PeersOptions,
  venue: Venue,
): Promise<Bout> {
  const bout = { ...venue, test, size, slice, seconds: options.seconds, port: await freePort() };
  if (test === 'pingpong') {
    const part = sleeps ? SLEEPERS_SHARE : 1;
    return { ...bout, count: Math.ceil(options.rounds * part), warmup: Math.ceil(options.warmup * part) };
  }
  const count = Math.max(2, Math.ceil((options.seconds * BYTES_PER_SECOND) / size));
  return { ...bout, count, warmup: Math.ceil(count * WARMUP_SHARE) };
}

function interrupted(signal: AbortSignal): EmpError {
  return new EmpError('ERR_EMP_ABORTED', 'The measurement was interrupted.', { cause: signal.reason });
}
