// The measurement: makes the wire, starts the two ends, lets ours and the bare C program take turns, and pools the samples.
import {
  ArgumentError,
  EmpError,
  type DriverName,
  type LinkAddress,
  type NicInfo,
  type NicOptions,
} from '../../src/index.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { floorWaitOf, runFloor } from '../baseline.js';
import { addCollections } from '../collections.js';
import { timesOf } from '../distribution.js';
import { chooseCores, describeMachine, givenCores, type Cores, type Machine } from '../machine.js';
import { listenToMachine, noiseOf } from '../noise.js';
import { floorMissing, type FloorPath } from '../program.js';
import { percentile, Pool } from '../samples.js';
import { ratios, spread } from '../statistics.js';
import type { Wait } from './commands.js';
import { coresOf, Ends, type Watched } from './ends.js';
import { ratio, type Measured, type Skipped } from './result.js';
import { setupOf, type Setup } from './setup.js';
import { addLosses, NO_LOSSES, type Losses } from './tally.js';

export interface PingpongOptions {
  /** Default: the first of xdp, packet, udp that works. */
  driver?: DriverName;
  sizes: readonly number[];
  rounds: number;
  /** Instead of `rounds`: as many as take about so long, s. */
  seconds?: number;
  warmup: number;
  wait: Wait;
  baseline: boolean;
  /** Ours and the bare C program take this many turns each. */
  slices: number;
  checkAllocations: boolean;
  payloadCheck: boolean;
  /** How the bare C program of the packet path receives: from the ring (default), or by `recv`. */
  floorMode?: 'ring' | 'recv';
  pin: boolean;
  /** Cores of client and server; default: chosen. */
  cores?: readonly [number, number];
  /** Ask a server that runs elsewhere, over this NIC. */
  remote?: { nic: NicOptions; peer: LinkAddress; port: number };
  /** Of the interfaces of the testbed. */
  mtu?: number;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Called with each result as soon as it is there. */
  onResult?: (measured: Measured) => void;
}

export interface Progress {
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

const PREFERENCE: readonly DriverName[] = ['xdp', 'packet', 'udp'];
const PORT = 7;
/** Rounds between two looks at the progress bar; it is drawn while nothing is measured. */
const BLOCK = 25_000;

/** Rounds that tell how many take so long. */
const TRIED = 20_000;
/** Up to here a frame is in one page in every mode of AF_XDP. */
const PAGE_MTU = 3498;

export async function pingpong(options: PingpongOptions): Promise<Measured[]> {
  const bench = await Bench.start(options);
  try {
    const measured: Measured[] = [];
    for (const size of options.sizes) {
      const one = await bench.measure(size);
      options.onResult?.(one);
      measured.push(one);
    }
    return measured;
  } catch (error) {
    throw options.signal?.aborted === true ? interrupted(options.signal) : error;
  } finally {
    await bench.stop();
  }
}

function interrupted(signal: AbortSignal): EmpError {
  return new EmpError('ERR_EMP_ABORTED', 'The measurement was interrupted.', { cause: signal.reason });
}

/** What a driver obtained when it was tried. */
interface Chosen {
  driver: DriverName;
  info: NicInfo;
  setup: Setup;
}

class Bench {
  readonly #machine: Machine = describeMachine();
  readonly #cores: Cores | undefined;
  readonly #skipped: Skipped[] = [];
  readonly #port: number;
  #testbed: Testbed | undefined;
  #ends: Ends | undefined;
  #chosen!: Chosen;
  readonly #abort = (): void => void this.#ends?.stop();

  private constructor(private readonly options: PingpongOptions) {
    const { pin, cores } = options;
    const chosen = () => (cores === undefined ? chooseCores(this.#machine) : givenCores(this.#machine, cores));
    this.#cores = pin ? chosen() : undefined;
    this.#port = options.remote?.port ?? PORT;
  }

  static async start(options: PingpongOptions): Promise<Bench> {
    const bench = new Bench(options);
    try {
      options.signal?.addEventListener('abort', bench.#abort);
      bench.#chosen = await bench.#choose();
      return bench;
    } catch (error) {
      await bench.stop();
      throw options.signal?.aborted === true ? interrupted(options.signal) : error;
    }
  }

  async stop(): Promise<void> {
    this.options.signal?.removeEventListener('abort', this.#abort);
    await this.#ends?.stop();
    await this.#testbed?.down();
  }

  /** An abort stops the ends that are there; what would start new ones asks here first. */
  #checkpoint(): void {
    const { signal } = this.options;
    if (signal?.aborted === true) throw interrupted(signal);
  }

  // ---- which driver ----

  async #choose(): Promise<Chosen> {
    const { driver, remote } = this.options;
    if (remote !== undefined) {
      this.#ends = await Ends.start({ peer: remote.peer }, this.#cores);
      const setup = { client: remote.nic, server: remote.nic, floor: undefined, wire: `to ${remote.peer}` };
      return this.#try(remote.nic.driver, setup);
    }
    this.#ends = await Ends.start(driver === 'memory' ? 'one process' : 'two processes', this.#cores);
    const noTestbed = driver === 'memory' ? undefined : await this.#makeTestbed();
    if (driver !== undefined) return this.#open(driver, noTestbed);
    for (const candidate of PREFERENCE) {
      try {
        return await this.#open(candidate, noTestbed);
      } catch (error) {
        if (!(error instanceof EmpError) || candidate === PREFERENCE.at(-1)) throw error;
        this.#skipped.push({ driver: candidate, code: error.code, reason: error.message });
      }
    }
    throw new EmpError('ERR_EMP_NIC_FAILED', 'No driver works.');
  }

  /** Returns why there is none. */
  async #makeTestbed(): Promise<EmpError | undefined> {
    try {
      this.#testbed = await Testbed.up(this.options.mtu === undefined ? {} : { mtu: this.options.mtu });
      return undefined;
    } catch (error) {
      if (!(error instanceof EmpError)) throw error;
      if (this.options.mtu === undefined) return error;
      throw new ArgumentError(`--mtu is of interfaces that are made, and none can be. ${error.message}`, {
        remedy: 'Or leave --mtu out.',
        cause: error,
      });
    }
  }

  #open(driver: DriverName, noTestbed: EmpError | undefined): Promise<Chosen> {
    if (noTestbed !== undefined && driver !== 'udp') throw noTestbed;
    return this.#try(driver, setupOf(driver, this.#testbed));
  }

  async #try(driver: DriverName, setup: Setup): Promise<Chosen> {
    this.#checkpoint();
    const ends = this.#ends!;
    const { info } = await ends.open({
      setup,
      wait: 'event',
      port: this.#port,
      size: 0,
      payloadCheck: false,
      rounds: 0,
    });
    await ends.close();
    return { driver, info, setup };
  }

  // ---- one size ----

  async measure(size: number): Promise<Measured> {
    const { options } = this;
    const { driver, info } = this.#chosen;
    const note = this.#baselineNote(size);
    const compare = options.baseline && note === null;
    const rounds = options.seconds === undefined ? options.rounds : await this.#roundsOf(options.seconds, size);
    const slices = compare ? Math.min(options.slices, rounds) : 1;
    const ours = new Pool(rounds);
    const floor = compare ? new Pool(rounds) : undefined;
    const progress = new Meter(options, `${driver} ${size} B`, rounds, slices * (compare ? 2 : 1));
    let losses = NO_LOSSES;
    let floorLost = 0;
    let floorMode = '';
    let gc: Watched | undefined;
    const medians: number[] = [];
    const floorMedians: number[] = [];
    const machine = await listenToMachine();
    for (let slice = 0; slice < slices; slice += 1) {
      // A-B, B-A, A-B, ...: neither always follows the other.
      for (const turn of slice % 2 === 0 ? ['ours', 'floor'] : ['floor', 'ours']) {
        this.#checkpoint();
        const part = share(rounds, slices, slice);
        if (turn === 'ours') {
          const one = await this.#slice(size, part, ours, progress);
          losses = addLosses(losses, one.losses);
          gc = together(gc, one.gc);
          medians.push(medianOf(ours.samples.subarray(-part)));
        } else if (floor !== undefined) {
          const one = await this.#floorSlice(size, part);
          floor.add(one.samples);
          floorMedians.push(medianOf(floor.samples.subarray(-part)));
          floorLost += one.lost + one.wrong;
          floorMode = one.mode;
          progress.add(part);
        }
      }
    }
    const times = timesOf(ours.samples);
    const floorTimes = floor === undefined ? undefined : timesOf(floor.samples);
    const compared = ratios(medians, floorMedians);
    const noise = noiseOf(machine, Math.max(spread(medians), spread(floorMedians)));
    return {
      samples: ours.samples,
      baselineSamples: floor?.samples,
      result: {
        test: 'pingpong',
        driver,
        mode: info.mode,
        wait: options.wait,
        size,
        payload_check: options.payloadCheck,
        rounds,
        warmup: options.warmup,
        slices,
        ...times,
        ...losses,
        baseline:
          floorTimes === undefined
            ? null
            : {
                path: driver,
                mode: floorMode,
                wait: floorWaitOf(options.wait),
                rounds,
                lost: floorLost,
                ...floorTimes,
              },
        baseline_note: options.baseline ? note : null,
        ratio_p50: ratio(compared?.median),
        ratio_low: ratio(compared?.low),
        ratio_high: ratio(compared?.high),
        ratio_p99: floorTimes === undefined ? null : ratio(times.rtt_us.p99 / floorTimes.rtt_us.p99),
        gc: gc === undefined ? null : collected(gc, rounds),
        noisy: noise.length > 0,
        noise,
        wire: this.#chosen.setup.wire,
        cores: coresOf(this.#cores, this.#ends!.layout),
        skipped: this.#skipped,
        notes: [...info.notes],
        machine: this.#machine,
      },
    };
  }

  /** How many rounds take so long, by the first ones after the warm-up. */
  async #roundsOf(seconds: number, size: number): Promise<number> {
    const pool = new Pool(TRIED);
    await this.#slice(size, TRIED, pool, new Meter({}, '', TRIED, 1));
    const mean = pool.samples.reduce((sum, one) => sum + one, 0) / TRIED;
    return Math.max(1, Math.round((1e6 * seconds) / mean));
  }

  async #slice(size: number, rounds: number, pool: Pool, progress: Meter): Promise<{ losses: Losses; gc?: Watched }> {
    const { warmup, wait, checkAllocations, payloadCheck } = this.options;
    const ends = this.#ends!;
    await ends.open({ setup: this.#chosen.setup, wait, port: this.#port, size, payloadCheck, rounds: warmup + rounds });
    if (warmup > 0) await ends.run(warmup);
    if (checkAllocations) await ends.watch();
    for (let left = rounds; left > 0;) {
      // The watch over the collector is over one stretch of rounds, without what the progress costs.
      const block = checkAllocations || !progress.shown ? left : Math.min(left, BLOCK);
      pool.add(await ends.run(block));
      progress.add(block);
      left -= block;
    }
    const gc = checkAllocations ? await ends.watched() : undefined;
    const losses = await ends.close();
    return gc === undefined ? { losses } : { losses, gc };
  }

  // ---- the floor ----

  #baselineNote(size: number): string | null {
    const { driver, info, setup } = this.#chosen;
    if (setup.floor === undefined) {
      return typeof this.#ends?.layout === 'object'
        ? 'the bare C ping-pong needs both ends, and one is elsewhere'
        : `there is no bare C program for the ${driver} driver: it crosses no wire and enters no kernel`;
    }
    if (driver === 'xdp' && info.mtu > PAGE_MTU)
      return `with an MTU above ${PAGE_MTU} frames are longer than a page, which the bare C program over xdp cannot take`;
    // Its own sequence number takes four bytes.
    if (size > info.mtu - 4)
      return `a message of ${size} bytes is more than one frame, which is all the bare C program sends`;
    return floorMissing(driver as FloorPath) ?? null;
  }

  #floorMode(ours: string): { mode?: string } {
    const { driver } = this.#chosen;
    if (driver === 'xdp') return { mode: ours };
    return driver === 'packet' ? { mode: this.options.floorMode ?? 'ring' } : {};
  }

  #floorSlice(size: number, rounds: number): ReturnType<typeof runFloor> {
    const { driver, info, setup } = this.#chosen;
    const floor = setup.floor!;
    const pinned = (core: number | undefined): object => (core === undefined ? {} : { core });
    return runFloor({
      path: driver as FloorPath,
      ...this.#floorMode(info.mode),
      client: { ...floor.client, ...pinned(this.#cores?.client) },
      server: { ...floor.server, ...pinned(this.#cores?.server) },
      size,
      rounds,
      warmup: this.options.warmup,
      wait: floorWaitOf(this.options.wait),
      ...(this.options.signal === undefined ? {} : { signal: this.options.signal }),
    });
  }
}

function medianOf(samples: Float64Array): number {
  return percentile(samples.slice().sort(), 0.5);
}

/** Rounds of one slice; together they are `rounds`. */
function share(rounds: number, slices: number, slice: number): number {
  return Math.floor((rounds * (slice + 1)) / slices) - Math.floor((rounds * slice) / slices);
}

function together(a: Watched | undefined, b: Watched | undefined): Watched | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return { client: addCollections(a.client, b.client), server: addCollections(a.server, b.server) };
}

function collected({ client, server }: Watched, rounds: number): NonNullable<Measured['result']['gc']> {
  const { heap_growth, ...counts } = addCollections(client, server);
  const bytes_per_round = heap_growth === null ? null : Math.round((1000 * heap_growth) / rounds) / 1000;
  return { ...counts, bytes_per_round, client, server };
}

/** Counts the rounds that are done, of ours and of the floor. */
class Meter {
  readonly #total: number;
  #done = 0;

  constructor(
    private readonly options: Pick<PingpongOptions, 'onProgress'>,
    private readonly what: string,
    rounds: number,
    turns: number,
  ) {
    this.#total = turns > 1 ? rounds * 2 : rounds;
    this.add(0);
  }

  get shown(): boolean {
    return this.options.onProgress !== undefined;
  }

  add(rounds: number): void {
    this.#done += rounds;
    this.options.onProgress?.({ what: this.what, done: this.#done, total: this.#total });
  }
}
