// Measures the points of a test over each driver: ours and what it is compared with take turns. The processes of a driver serve all
// its points: what V8 has compiled for one need not be compiled for the next.
import { EmpError, type DriverName, type LinkAddress, type NicInfo, type NicOptions } from '../../src/index.js';
import type { Run, Session } from '../ends/ends.js';
import { listenToMachine, noiseOf, type Noise } from '../noise.js';
import type { Progress } from '../pingpong/run.js';
import type { Setup } from '../pingpong/setup.js';
import type { FloorPath } from '../program.js';
import { Stage, type StageOptions } from '../stage.js';
import { assemble, type Samples, type Slices } from './assemble.js';
import { floorObstacle, runOther, type FloorRun } from './floors.js';
import type { BenchResult } from './result.js';
import { heatOf, limitOf, type Floor, type Point, type Probe, type Test, type TestOptions } from './test.js';
import { WarmEnds } from './warmEnds.js';

export interface RunnerOptions extends Omit<StageOptions, 'wireless'> {
  drivers: readonly DriverName[];
  /** True: a driver that does not work here is told, and the others go on. */
  tolerant: boolean;
  remote?: { nic: NicOptions; peer: LinkAddress };
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  onResult?: (measured: Measured) => void;
  onFailed?: (failed: Failed) => void;
}

/** A driver that does not work here. */
export interface Failed {
  driver: DriverName;
  code: string;
  reason: string;
}

export async function runTest(test: Test, options: TestOptions, how: RunnerOptions): Promise<BenchResult[]> {
  const wireless = how.remote !== undefined || how.drivers.every((driver) => driver === 'memory');
  await using stage = await Stage.open({ ...how, wireless });
  const results: BenchResult[] = [];
  for (const driver of how.drivers) {
    try {
      await using ends = await WarmEnds.start(driver === 'memory', stage, how);
      const bout = (point: Point, asked: TestOptions): Promise<Measured> =>
        new Bout(stage, ends, test, { ...asked, wait: point.wait ?? asked.wait }, how, driver, point).measure();
      const probe: Probe = async (point) => (await bout(point, { ...options, ...PROBE })).result;
      const own: BenchResult[] = [];
      for (const point of await test.points(driver, options, probe)) {
        const measured = await bout(point, options);
        own.push(measured.result);
        test.conclude?.(own);
        how.onResult?.(measured);
      }
      results.push(...own);
    } catch (error) {
      if (how.signal?.aborted === true) throw interrupted(how.signal);
      if (!how.tolerant || !(error instanceof EmpError)) throw error;
      how.onFailed?.({ driver, code: error.code, reason: error.message });
    }
  }
  return results;
}

/** A look at what the path can do takes half a second. */
const PROBE = { seconds: 0.5, slices: 1, baseline: false };

function interrupted(signal: AbortSignal): EmpError {
  return new EmpError('ERR_EMP_ABORTED', 'The measurement was interrupted.', { cause: signal.reason });
}

/** A result, and the samples that it is of. */
export interface Measured extends Samples {
  result: BenchResult;
}

/** One point: its slices, and the result. */
class Bout {
  readonly #setup: Setup;
  readonly #memory: boolean;
  #info: NicInfo | undefined;
  #floor: Floor | undefined;
  #note: string | null = null;
  #done = 0;

  constructor(
    private readonly stage: Stage,
    private readonly ends: WarmEnds,
    private readonly test: Test,
    private readonly options: TestOptions,
    private readonly how: RunnerOptions,
    private readonly driver: DriverName,
    private readonly point: Point,
  ) {
    const { remote } = how;
    this.#memory = driver === 'memory';
    this.#setup =
      remote === undefined
        ? stage.setup(driver)
        : { client: remote.nic, server: remote.nic, floor: undefined, wire: `to ${remote.peer}` };
  }

  async measure(): Promise<Measured> {
    const { how, options } = this;
    const noise = await listenToMachine();
    const ours: Run[] = [];
    const floors: FloorRun[] = [];
    for (let slice = 0; slice < options.slices; slice += 1) {
      // A-B, B-A, A-B, ...: neither always follows the other.
      for (const turn of slice % 2 === 0 ? ['ours', 'floor'] : ['floor', 'ours']) {
        if (how.signal?.aborted === true) throw interrupted(how.signal);
        if (turn === 'ours') ours.push(await this.#slice());
        else if (this.#floor !== undefined) floors.push(await this.#floorSlice(this.#floor));
        this.#tell();
      }
    }
    return this.#result({ ours, floors }, noise);
  }

  async #slice(): Promise<Run> {
    const { port, task, loss, work } = this.point;
    const { wait, seed } = this.options;
    const chance = loss === undefined ? {} : { loss, seed };
    const session: Session = {
      setup: this.#setup,
      wait,
      port,
      task,
      ...chance,
      ...(work === undefined ? {} : { work }),
    };
    return this.ends.run(session, limitOf(this.options), heatOf(this.options), (info) => {
      if (this.#info === undefined) this.#know(info);
    });
  }

  /** The NIC was opened: now it is known what to compare with. */
  #know(info: NicInfo): void {
    this.#info = info;
    if (!this.options.baseline) return;
    const floor = this.#setup.floor === undefined ? this.#noProgram() : this.point.floor(info, this.options);
    if (typeof floor === 'string') this.#note = floor;
    else {
      this.#note = floorObstacle(floor, this.driver as FloorPath) ?? null;
      if (this.#note === null) this.#floor = floor;
    }
  }

  #noProgram(): string {
    return this.how.remote === undefined
      ? `there is no bare C program for the ${this.driver} driver: it crosses no wire and enters no kernel`
      : 'the bare C program needs both ends, and one is elsewhere';
  }

  #floorSlice(floor: Floor): Promise<FloorRun> {
    const place = {
      path: this.driver as FloorPath,
      ends: this.#setup.floor!,
      cores: this.stage.cores,
      signal: this.how.signal,
    };
    return runOther(floor, place, this.options);
  }

  #tell(): void {
    this.#done += 1;
    const { name } = this.test;
    const what = `${name} ${this.driver} ${this.point.conditions.size} B`;
    this.how.onProgress?.({ what, done: this.#done, total: 2 * this.options.slices });
  }

  #result(slices: Slices, noise: Noise): Measured {
    const { options, point, driver, stage } = this;
    const { mode, notes } = this.#info!;
    const { measured, ...samples } = assemble(slices, point, this.#floor);
    const reasons = noiseOf(noise, measured.spread);
    const server = this.how.remote !== undefined ? null : this.#memory ? stage.cores?.client : stage.cores?.server;
    const result: BenchResult = {
      test: this.test.name,
      driver,
      mode,
      wait: options.wait,
      ...point.conditions,
      ...measured,
      baseline_note: this.#note,
      noisy: reasons.length > 0,
      noise: reasons,
      wire: this.#setup.wire,
      cores: stage.cores === undefined ? null : { client: stage.cores.client, server: server ?? null },
      notes: [...notes],
    };
    return { result, ...samples };
  }
}
